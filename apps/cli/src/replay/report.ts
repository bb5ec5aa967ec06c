import { qualifiedResource, type KubeObject } from '#libs/apimachinery';
import { formatPlace, formatPosition, parseSubject } from '#libs/log';
import { mismatchesOf, type Mismatch, type Recomputed } from '#libs/runtime';

/** A decision that is not the same when it is made again, as `replay --verify` prints it. */
export interface Difference {
  /** `stream:sequence`. */
  readonly event: string;
  /** RFC 3339: when it was decided. */
  readonly decidedAt: string;
  readonly controller: string;
  readonly build: string;
  readonly key: string;
  readonly seen: string;
  readonly index: number;
  /** What was written then: `update status pods default/web`. */
  readonly then: string;
  /** What would be written now; absent: nothing. */
  readonly now?: string;
  /** Where the two differ. Of Secrets no values. */
  readonly fields: readonly { readonly path: string; readonly then?: unknown; readonly now?: unknown }[];
  readonly problem?: string;
}

/** Most fields named of one difference. */
const MOST_FIELDS = 20;

const write = (verb: string, subresource: string | undefined, resource: string, namespace: string | undefined, name: string | undefined) =>
  `${verb}${subresource === undefined ? '' : ` ${subresource} of`} ${resource} ${namespace ? `${namespace}/` : ''}${name ?? ''}`;

function nowOf({ change }: Recomputed): string | undefined {
  if (!change) return undefined;
  const resource = qualifiedResource(change.resource);
  if (change.verb === 'delete') return write('delete', undefined, resource, change.namespace, change.name);
  const { namespace, name } = (change.object as KubeObject).metadata;
  return write(change.verb, change.subresource, resource, namespace, name);
}

/** The fields in which they differ; of a Secret's only where. */
function fieldsOf({ change, event }: Recomputed, secret: boolean): readonly Mismatch[] {
  const fields: Mismatch[] = [];
  for (const mismatch of change ? mismatchesOf(change, event) : []) {
    if (fields.push(secret ? { path: mismatch.path, then: '(a Secret)', now: '(a Secret)' } : mismatch) === MOST_FIELDS) break;
  }
  return fields;
}

/** A recomputed decision that differs, for people and programs. */
export function differenceOf(recomputed: Recomputed): Difference {
  const { event, decision, problem } = recomputed;
  const place = parseSubject(event.subject);
  const resource = place ? qualifiedResource(place) : event.subject;
  const now = nowOf(recomputed);
  return {
    event: formatPlace(event.stream, event.sequence),
    decidedAt: new Date(decision.decidedAt).toISOString(),
    controller: decision.controller,
    build: decision.build,
    key: decision.key,
    seen: formatPosition(decision.seen),
    index: decision.index,
    then: write(event.meta.verb, event.meta.subresource, resource, place?.namespace, place?.name),
    ...(now === undefined ? {} : { now }),
    fields: fieldsOf(recomputed, resource === 'secrets'),
    ...(problem === undefined ? {} : { problem }),
  };
}

const MOST_TEXT = 100;

function shortened(value: unknown): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(value);
  return text.length > MOST_TEXT ? `${text.slice(0, MOST_TEXT)}...` : text;
}

/** A difference as some lines of text. */
export function differenceText({ event, decidedAt, controller, key, seen, index, then, now, fields, problem }: Difference): string {
  return [
    `${event}  ${controller} on ${JSON.stringify(key)}, change ${index}, decided at ${decidedAt} having seen ${seen}`,
    `    then: ${then}`,
    `    now:  ${now ?? 'nothing'}`,
    ...(problem === undefined ? [] : [`    but:  ${problem}`]),
    ...fields.map(({ path, then: was, now: is }) => `    ${path}: then ${shortened(was)}, now ${shortened(is)}`),
  ].join('\n');
}

/** What a verification has found so far. */
export interface Tally {
  /** Events that a controller decided. */
  decided: number;
  same: number;
  different: number;
  uncheckable: number;
  /** How many could not be checked, by controller and reason. */
  readonly reasons: Map<string, number>;
  readonly controllers: Set<string>;
  readonly builds: Set<string>;
}

/** Nothing found yet. */
export const emptyTally = (): Tally => ({
  decided: 0,
  same: 0,
  different: 0,
  uncheckable: 0,
  reasons: new Map(),
  controllers: new Set(),
  builds: new Set(),
});

/** Counts one more. */
export function count(tally: Tally, { decision, same, uncheckable }: Recomputed): void {
  tally.decided++;
  tally.controllers.add(decision.controller);
  tally.builds.add(decision.build);
  if (same) tally.same++;
  else if (uncheckable === undefined) tally.different++;
  else {
    tally.uncheckable++;
    const reason = `${decision.controller}: ${uncheckable}`;
    tally.reasons.set(reason, (tally.reasons.get(reason) ?? 0) + 1);
  }
}

const grouped = (number: number): string => String(Math.round(number)).replace(/\B(?=(\d{3})+$)/g, ',');

/** How it went, in a few lines. */
export function tallyText(tally: Tally, events: number, seconds: number): string {
  const { decided, same, different, uncheckable, reasons, controllers } = tally;
  const width = Math.max(...[...reasons.values()].map((many) => grouped(many).length), 0);
  return [
    `${grouped(events)} events, ${grouped(decided)} of them decided by ${controllers.size} controllers:`,
    `  ${grouped(same)} the same, ${grouped(different)} different, ${grouped(uncheckable)} not checkable`,
    ...[...reasons].sort(([, a], [, b]) => b - a).map(([reason, many]) => `    ${grouped(many).padStart(width)}  ${reason}`),
    `  in ${seconds.toFixed(1)} s: ${grouped(events / Math.max(seconds, 0.001))} events/s`,
  ].join('\n');
}
