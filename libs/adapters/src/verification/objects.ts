import type { ClientBase } from 'pg';
import type { Finding, StreamName } from '#libs/log';

interface Differing {
  readonly sequence: string;
  readonly api_group: string;
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
  readonly stands: string | null;
  readonly newest: string | null;
}

/**
 * The first current object that is not what its newest revision says. A tombstone may be there a moment longer than its revision
 * where a stream forgets. Labels are compared where nothing in the body is escaped: jsonb knows no U+0000.
 */
const STATEMENT = {
  name: 'verify-objects',
  text: `
    with newest as (
      select api_group, resource, namespace, name, max(sequence) as sequence from revision where stream = $1 group by 1, 2, 3, 4
    )
    select coalesce(n.sequence, o.sequence) as sequence, coalesce(n.api_group, o.api_group) as api_group,
           coalesce(n.resource, o.resource) as resource, coalesce(n.namespace, o.namespace) as namespace,
           coalesce(n.name, o.name) as name, o.sequence as stands, n.sequence as newest
      from newest n full join (select * from object where stream = $1) o
        on n.api_group = o.api_group and n.resource = o.resource and n.namespace = o.namespace and n.name = o.name
      left join revision r on r.stream = $1 and r.sequence = n.sequence
     where o.sequence is null or (n.sequence is null and ($1 = 'state' or not o.deleted)) or o.sequence <> n.sequence
        or o.deleted <> (r.type = 'Deleted') or o.uid <> r.uid or o.encoding <> r.encoding or o.body <> r.body
        or case when r.encoding = 'json' and position('\\u' in r.body) = 0
                then coalesce(o.labels, 'null') <> coalesce(r.body::jsonb #> '{metadata,labels}', 'null') else o.sequence is null end
     order by 1 limit 1`,
};

/** What is wrong with the current objects of a stream, its revisions being right; undefined: nothing. */
export async function objectFinding(session: Pick<ClientBase, 'query'>, stream: StreamName): Promise<Finding | undefined> {
  const { rows } = await session.query<Differing>({ ...STATEMENT, values: [stream] });
  const [row] = rows;
  if (!row) return undefined;
  const { api_group: group, resource, namespace, name, stands, newest } = row;
  const object = `${resource}${group === '' ? '' : `.${group}`} ${namespace === '' ? '' : `${namespace}/`}${name}`;
  const at = { stream, sequence: Number(row.sequence) };
  if (stands === null) return { ...at, kind: 'row-lost', detail: `${object} is not among the current objects` };
  const detail =
    newest !== null && newest !== stands
      ? `the current ${object} is of ${stream}:${stands}, its newest event is ${stream}:${newest}`
      : `the current ${object} is not what its newest event says`;
  return { ...at, kind: 'altered-row', detail };
}
