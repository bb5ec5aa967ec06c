import type { Command } from 'commander';
import { Option } from 'commander';
import type { Instant } from '#libs/apimachinery';
import { splitLines } from '#libs/client';
import { activityWho, auditEventOf, noisy, programOf, type Activity } from '#libs/history';

import { Failure } from '../failure.js';
import { moment, wholeNumber, type AddCommand, type Surroundings } from '../options.js';
import { fieldSelector, historyPath, listed, listObject, type Terms } from './asking.js';
import { jsonLine, jsonText, printed, printOptions, yamlText, type Paper, type PrintOptions } from './output.js';
import { namespacesOption, sessionOptions, withSession, type Session } from './session.js';
import { PLAIN, printable, type Paint } from './text.js';

interface ActivityOptions extends PrintOptions {
  readonly actor?: string;
  readonly verb?: string;
  readonly kind?: string;
  readonly resource?: string;
  readonly name?: string;
  readonly category?: string;
  readonly changed?: string;
  readonly root?: string;
  readonly since?: Instant;
  readonly until?: Instant;
  readonly limit: number;
  readonly follow?: boolean;
  readonly people?: boolean;
}

const CATEGORIES = ['change', 'denied', 'failed', 'secret', 'connect', 'token', 'impersonation', 'annotated'];

/** How entries are written where each is a line: the way that `--follow` can go on with. Other formats of a line join here. */
const LINES: Readonly<Record<string, (entry: Activity, paint: Paint) => string>> = {
  text: (entry, paint) => `${activityLine(entry, false, paint)}\n`,
  wide: (entry, paint) => `${activityLine(entry, true, paint)}\n`,
  name: ({ metadata }) => `activity/${printable(metadata.name ?? '')}\n`,
  ndjson: (entry) => jsonLine(entry),
  audit: (entry) => jsonLine(auditEventOf(entry)),
};

/** `decklog activity`: the audit trail. */
export const addActivity: AddCommand = (program, around) => {
  const command = program
    .command('activity')
    .description('who did what, oldest first like a log: changes, refused requests, reads of Secrets, exec and the like')
    .option('--actor <user>', 'of one user alone: who asked, or really asked')
    .option('--verb <verb>', 'of one verb alone: create, update, patch, delete, get, ...')
    .option('--kind <kind>', 'about one kind alone, as kubectl takes it: deploy, Secret, widgets.example.com')
    .option('--resource <resource>', 'the same by the name of the resource: deployments, secrets')
    .option('--name <name>', 'about objects of one name alone')
    .addOption(new Option('--category <category>', 'of one kind of entry alone').choices(CATEGORIES))
    .option('--changed <field>', 'only changes of this field, e.g. spec.replicas')
    .option('--root <place>', 'only what one request began: its place, e.g. state:120 or 120')
    .option('--people', 'only what people and their programs did, not the cluster itself (controllers, kubelets)')
    .option('--since <when>', 'not before: an age (90m, 2h, 1d) or a time (2026-01-02T03:04:05Z)', moment)
    .option('--until <when>', 'not after', moment)
    .option('--limit <n>', 'the newest so many', wholeNumber, 500)
    .option('-f, --follow', 'go on with what happens; with text, wide, name, ndjson and audit');
  printOptions(namespacesOption(sessionOptions(command)), ['ndjson', 'audit']);
  command.action((options: ActivityOptions, self: Command) => printActivity(options, self, around));
};

async function printActivity(options: ActivityOptions, command: Command, { signal }: Surroundings): Promise<void> {
  const format = options.output ?? 'text';
  const write = LINES[format];
  const follow = options.follow === true;
  if (follow && write === undefined)
    throw new Failure(`--follow can't be printed as ${format}`, ['Use -o ndjson: one JSON object a line.'], 2);
  if (follow && options.until !== undefined) throw new Failure('--follow has no end: leave --until out', [], 2);
  await withSession(command, async (session) => {
    const terms = await termsOf(options, session);
    const path = historyPath('activities', session.namespaceGiven && !session.allNamespaces ? session.namespace : undefined);
    const keep = options.people === true ? byPeople : undefined;
    const { items, more } = await listed<Activity>(session.client, path, terms, options.limit, signal, keep);
    const entries = [...items].reverse();
    await printed(
      options,
      async (paper) => {
        if (write === undefined) {
          const list = listObject('ActivityList', entries);
          await paper.write(format === 'json' ? jsonText(list) : yamlText(list));
          return;
        }
        const people = format === 'text' || format === 'wide';
        if (more && people) await paper.write(`${paper.paint('dim', `(only the newest ${options.limit}: --limit, --since)`)}\n`);
        if (entries.length === 0 && people && !follow) await paper.write('No activity found.\n');
        for (const entry of entries) if (!(await paper.write(write(entry, paper.paint)))) return;
        if (follow)
          await followed(
            session,
            path,
            { ...terms, since: undefined },
            paper,
            (entry) => (keep?.(entry) === false ? '' : write(entry, paper.paint)),
            signal,
          );
      },
      { live: follow },
    );
  });
}

async function termsOf(options: ActivityOptions, session: Session): Promise<Terms> {
  const { actor, verb, kind, resource, name, category, changed, root, since, until } = options;
  if (kind !== undefined && resource !== undefined) throw new Failure('--kind and --resource say the same: give one of them', [], 2);
  const wanted = kind ?? resource;
  const found = wanted === undefined ? undefined : await session.resource(wanted);
  const time = (instant: Instant | undefined): string | undefined => (instant === undefined ? undefined : new Date(instant).toISOString());
  return {
    actor,
    verb,
    'object.group': found?.group,
    'object.resource': found?.resource,
    'object.name': name,
    category,
    changed,
    root: root !== undefined && /^\d+$/.test(root) ? `state:${root}` : root,
    since: time(since),
    until: time(until),
  };
}

/** Whether somebody outside of the control plane asked: no controller, no node, none of the cluster's own accounts. */
export const byPeople = ({ controller, actor }: Activity): boolean =>
  controller === undefined &&
  !/^system:(node:|serviceaccount:kube-system:|kube-|apiserver)/.test(actor.user) &&
  actor.groups?.includes('system:nodes') !== true;

const MOST_LINE = 16 * 1024 * 1024;

/** What happens from now on, until Ctrl-C or the end of the watch. */
async function followed(
  { client }: Session,
  path: string,
  terms: Terms,
  paper: Paper,
  write: (entry: Activity) => string,
  signal: AbortSignal,
): Promise<void> {
  const stream = await client.transport.stream({
    method: 'GET',
    path,
    query: { fieldSelector: fieldSelector(terms), watch: true },
    signal,
  });
  for await (const line of splitLines(stream, MOST_LINE)) {
    const event = JSON.parse(line) as { readonly type: string; readonly object: Activity & { readonly message?: string } };
    if (event.type === 'ERROR') throw new Failure(`the server ended the watch: ${printable(event.object.message ?? 'it gives no reason')}`);
    const text = event.type === 'ADDED' ? write(event.object) : '';
    if (text !== '' && !(await paper.write(text))) return;
  }
}

const COLOURS = {
  change: undefined,
  denied: 'red',
  failed: 'red',
  secret: 'yellow',
  connect: 'yellow',
  token: 'yellow',
  impersonation: 'yellow',
  annotated: undefined,
} as const;

/** What an entry was about: `prod: deployments.apps/web/scale`, or a path. */
function target({ object, subresource, path }: Activity): string {
  if (object === undefined) return path ?? '-';
  const resource = object.group === '' ? object.resource : `${object.resource}.${object.group}`;
  const parts = [resource, ...(object.name === '' ? [] : [object.name]), ...(subresource === undefined ? [] : [subresource])];
  return `${object.namespace === undefined || object.namespace === '' ? '' : `${object.namespace}: `}${parts.join('/')}`;
}

const MOST_FIELDS = 3;

function outcome({ category, type, fields = [], code, reason }: Activity): string {
  if (category !== 'change') return code === undefined ? 'began' : `${code}${reason === undefined ? '' : ` ${reason}`}`;
  if (type !== 'Updated') return (type ?? '').toLowerCase();
  if (fields.includes('metadata.deletionTimestamp')) return 'deletion requested';
  const telling = fields.filter((field) => !noisy(field));
  const shown = telling.length === 0 ? fields : telling;
  const some = shown.slice(0, MOST_FIELDS);
  return [...some, ...(shown.length > some.length ? [`and ${shown.length - some.length} more`] : [])].join(', ');
}

/** One entry as a line: when, what sort, who, what, and what came of it. */
export function activityLine(entry: Activity, wide: boolean, paint: Paint = PLAIN): string {
  const { category, time, actor, controller, verb, event, agent, sourceAddress, count, root, cause, annotations = {} } = entry;
  const colour = COLOURS[category];
  const sort = printable(category.padEnd(6));
  const who = activityWho(actor, controller);
  const many = count === undefined ? [] : [`(${count} alike)`];
  const program = programOf(agent);
  const from = wide
    ? [agent ?? '-', sourceAddress ?? '-', `root ${root ?? '-'}`, `cause ${cause ?? '-'}`]
    : controller === undefined && program !== undefined
      ? [`(${program})`]
      : [];
  const notes = wide ? Object.entries(annotations).map(([key, value]) => `${key}=${value}`) : [];
  const place = event === undefined ? [] : [event];
  const rest = [...many, ...place, ...from, ...notes].map(printable).join('  ');
  const did = printable(`${verb} ${target(entry)}`);
  return [
    paint('dim', printable(wide ? time : time.replace(/\.\d+Z$/, 'Z'))),
    colour === undefined ? sort : paint(colour, sort),
    paint('bold', printable(who.name)),
    did,
    printable(outcome(entry)),
    paint('dim', rest),
  ]
    .filter((part) => part !== '')
    .join('  ');
}
