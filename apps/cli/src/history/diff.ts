import type { Command } from 'commander';
import { StatusError, type Instant, type KubeObject } from '#libs/apimachinery';
import { pathOf, type ApiClient } from '#libs/client';
import { differenceOf, differencesBetween, instantOf, leavesOf, MOMENT_FORMS, parseMoment, type Difference } from '#libs/history';
import { stringify } from 'yaml';

import { Failure, messageOf } from '../failure.js';
import type { AddCommand, Surroundings } from '../options.js';
import { jsonText, printed, printOptions, yamlText, type Paper, type PrintOptions } from './output.js';
import { objectText, resourceText, type NamedObject, type ServedResource } from './resources.js';
import { namespacesOption, sessionOptions, withSession, type Session } from './session.js';
import { printable, type Paint } from './text.js';

interface DiffOptions extends PrintOptions {
  readonly from: string;
  readonly to: string;
  readonly status?: boolean;
}

/** `decklog diff`: an object, a namespace or the cluster between two moments. */
export const addDiff: AddCommand = (program, around) => {
  const command = program
    .command('diff')
    .description(
      'how an object, or everything in a namespace (-n) or in the cluster (-A), differs between two moments. Exit code: 0 where nothing does, 1 where something does, 2 where it could not be found out',
    )
    .argument('[object...]', 'KIND/NAME or KIND NAME; none: all objects of the namespace or the cluster')
    .requiredOption('--from <moment>', MOMENT_FORMS)
    .option('--to <moment>', 'the same', 'now')
    .option('--status', 'also what was found out (status), not only what was wanted');
  printOptions(namespacesOption(sessionOptions(command)), [], ['wide']);
  command.action(async (args: readonly string[], options: DiffOptions, self: Command) => {
    try {
      await printDiff(args, options, self, around);
    } catch (error) {
      throw error instanceof Failure
        ? new Failure(error.message, error.advice, 2, { cause: error })
        : new Failure(messageOf(error), [], 2, { cause: error });
    }
  });
};

/** What was compared: differences, and which kinds could not be read. */
interface Compared {
  readonly differences: readonly Difference[];
  readonly hidden: readonly string[];
}

async function printDiff(args: readonly string[], options: DiffOptions, command: Command, { setExitCode }: Surroundings): Promise<void> {
  const now = Date.now();
  const from = moment(options.from, now);
  const to = moment(options.to, now);
  await withSession(command, async (session) => {
    if (args.length === 0 && !session.namespaceGiven && !session.allNamespaces)
      throw new Failure('what is to be compared?', ['Name an object (KIND/NAME), a namespace (-n NAME), or all (-A).']);
    const compared =
      args.length === 0 ? await ofAll(session, from, to, options) : await ofOne(session, await session.object(args), from, to, options);
    await printed(options, async (paper) => {
      await paper.write(diffText(compared, { from: from ?? 'now', to: to ?? 'now' }, options.output, paper));
    });
    if (compared.differences.length > 0) setExitCode(1);
  });
}

/** A moment as paths have it, an age counted from now on once and for all; undefined: the present. */
function moment(text: string, now: Instant): string | undefined {
  const read = parseMoment(text);
  if (read === undefined) throw new Failure(`"${text}" is no moment`, [`It must be ${MOMENT_FORMS}.`]);
  if (read.kind === 'age' && read.ageMs === 0) return undefined;
  if (read.kind === 'sequence') return String(read.sequence);
  return new Date(instantOf(read, now) ?? now).toISOString();
}

const clientAt = (session: Session, at: string | undefined): ApiClient => (at === undefined ? session.client : session.at(at));

async function ofOne(
  session: Session,
  object: NamedObject,
  from: string | undefined,
  to: string | undefined,
  options: DiffOptions,
): Promise<Compared> {
  const [before, after] = await Promise.all([from, to].map((at) => objectThen(session, object, at)));
  if (before === undefined && after === undefined)
    throw new Failure(`${objectText(object)} was there at neither moment`, ['`decklog history` says when it was.']);
  const difference = differenceOf(before, after, options);
  return { differences: difference === undefined ? [] : [difference], hidden: [] };
}

/** The object at a moment; undefined where it, or its kind, was not there. */
async function objectThen(
  session: Session,
  { group, resource, name, namespaced }: NamedObject,
  at: string | undefined,
): Promise<KubeObject | undefined> {
  const kind = (await session.resources(at)).find((one) => one.group === group && one.resource === resource);
  if (kind === undefined) return undefined;
  const path = pathOf(kind, (namespaced ?? kind.namespaced) ? session.namespace : undefined, name);
  try {
    return (await clientAt(session, at).transport.json({ method: 'GET', path })) as KubeObject;
  } catch (error) {
    if (error instanceof StatusError && error.reason === 'NotFound') return undefined;
    throw error;
  }
}

/** What says nothing of what anybody wanted: signs of life, the past itself, what is derived from moment to moment. */
const LEFT_OUT = new Set(['events', 'events.events.k8s.io', 'leases.coordination.k8s.io', 'componentstatuses']);

const comparable = ({ group, resource, verbs, namespaced }: ServedResource, { allNamespaces }: Session): boolean =>
  verbs.includes('list') &&
  verbs.includes('get') &&
  !LEFT_OUT.has(resourceText({ group, resource })) &&
  group !== 'history.decklog.dev' &&
  group !== 'metrics.k8s.io' &&
  (namespaced || allNamespaces);

/** How many kinds are listed at once. */
const AT_ONCE = 4;

async function ofAll(session: Session, from: string | undefined, to: string | undefined, options: DiffOptions): Promise<Compared> {
  const served = (await Promise.all([session.resources(to), session.resources(from)])).flat();
  const kinds = [
    ...new Map(
      served
        .filter((one) => comparable(one, session))
        .reverse()
        .map((one) => [resourceText(one), one]),
    ).values(),
  ].reverse();
  const differences: Difference[] = [];
  const hidden: string[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let kind = kinds[next++]; kind !== undefined; kind = kinds[next++]) {
      const found = await ofKind(session, kind, from, to, options);
      differences.push(...found.differences);
      hidden.push(...found.hidden);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return { differences: differences.sort((a, b) => (orderOf(a) < orderOf(b) ? -1 : 1)), hidden: hidden.sort() };
}

const orderOf = ({ object: { apiVersion, kind, namespace = '', name } }: Difference): string =>
  JSON.stringify([apiVersion, kind, namespace, name]);

async function ofKind(
  session: Session,
  kind: ServedResource,
  from: string | undefined,
  to: string | undefined,
  options: DiffOptions,
): Promise<Compared> {
  try {
    const [before = [], after = []] = await Promise.all([from, to].map((at) => objectsThen(session, kind, at)));
    return { differences: differencesBetween(before, after, options), hidden: [] };
  } catch (error) {
    if (!(error instanceof StatusError) || error.reason !== 'Forbidden') throw error;
    return {
      differences: [],
      hidden: [`you may not list ${resourceText(kind)}${session.allNamespaces ? '' : ` in ${session.namespace}`}`],
    };
  }
}

const PAGE = 500;

async function objectsThen(session: Session, kind: ServedResource, at: string | undefined): Promise<readonly KubeObject[]> {
  const then = (await session.resources(at)).find((one) => one.group === kind.group && one.resource === kind.resource);
  if (then === undefined) return [];
  const client = clientAt(session, at);
  const where = session.allNamespaces ? {} : { namespace: session.namespace };
  const objects: KubeObject[] = [];
  let after: string | undefined;
  do {
    const page = await client.list<KubeObject>(then, { ...where, limit: PAGE, ...(after === undefined ? {} : { continue: after }) });
    objects.push(...page.items);
    after = page.metadata.continue;
  } while (after !== undefined && after !== '');
  return objects;
}

/** What was compared, in one of the formats. */
export function diffText(
  { differences, hidden }: Compared,
  moments: { readonly from: string; readonly to: string },
  format: string | undefined,
  { paint }: Pick<Paper, 'paint'>,
): string {
  const whole = { kind: 'Difference', ...moments, objects: differences, ...(hidden.length === 0 ? {} : { hidden }) };
  if (format === 'json') return jsonText(whole);
  if (format === 'yaml') return yamlText(whole);
  if (format === 'name') return differences.map(({ object }) => `${printable(nameText(object))}\n`).join('');
  const counts = (['created', 'deleted', 'replaced', 'changed'] as const).flatMap((one) => {
    const count = differences.filter(({ difference }) => difference === one).length;
    return count === 0 ? [] : [`${count} ${one}`];
  });
  const head =
    differences.length === 0 ? [] : [paint('red', `--- ${printable(moments.from)}`), paint('green', `+++ ${printable(moments.to)}`)];
  const unread = hidden.length === 0 ? [] : [paint('yellow', `Not compared: ${hidden.map(printable).join('; ')}.`)];
  const foot = differences.length > 1 ? ['', counts.join(', ')] : [];
  const lines = [...head, ...differences.flatMap((one) => differenceLines(one, paint)), ...foot, ...unread];
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
}

function nameText({ apiVersion, kind, namespace, name }: Difference['object']): string {
  const group = apiVersion.includes('/') ? `.${apiVersion.slice(0, apiVersion.indexOf('/'))}` : '';
  return `${kind.toLowerCase()}${group}/${namespace === undefined ? '' : `${namespace}/`}${name}`;
}

const SIGNS = { created: ['green', '+'], deleted: ['red', '-'], replaced: ['cyan', '~'], changed: ['cyan', '~'] } as const;

function differenceLines({ object, difference, changes = [] }: Difference, paint: Paint): readonly string[] {
  const { kind, namespace, name } = object;
  const [colour, sign] = SIGNS[difference];
  const note = difference === 'replaced' ? ' (deleted, and created again)' : difference === 'changed' ? '' : ` (${difference})`;
  const title = `${sign} ${kind} ${namespace === undefined ? '' : `${namespace}/`}${name}${note}`;
  const minus = (field: string, value: unknown) => valueLines('-', field, value).map((line) => paint('red', line));
  const plus = (field: string, value: unknown) => valueLines('+', field, value).map((line) => paint('green', line));
  return [
    paint(colour, printable(title)),
    ...changes.flatMap(({ op, field = '', old, value }) => {
      if (op === 'replace' && isText(old) && isText(value)) return textLines(field, old, value, paint);
      return [...(op === 'add' ? [] : minus(field, old)), ...(op === 'remove' ? [] : plus(field, value))];
    }),
  ];
}

const isText = (value: unknown): value is string => typeof value === 'string' && value.includes('\n');

/** A value as lines: a field with a plain value each; text over several lines below its field. */
function valueLines(sign: string, field: string, value: unknown): readonly string[] {
  return leavesOf(value, field).flatMap(([leaf, one]) => {
    if (isText(one))
      return [
        `${sign}   ${printable(leaf)}: |`,
        ...one
          .replace(/\n$/, '')
          .split('\n')
          .map((line) => `${sign}     ${printable(line)}`),
      ];
    return [`${sign}   ${printable(`${leaf}: ${stringify(one, { lineWidth: 0 }).trimEnd()}`)}`];
  });
}

/** Lines around a change that are shown. */
const CONTEXT = 2;

/** Text over several lines: what its changed part was and is, between the lines that stayed. */
function textLines(field: string, old: string, value: string, paint: Paint): readonly string[] {
  const [was, is] = [old, value].map((text) => text.split('\n')) as [string[], string[]];
  let start = 0;
  while (start < was.length && start < is.length && was[start] === is[start]) start++;
  let end = 0;
  while (end < was.length - start && end < is.length - start && was.at(-1 - end) === is.at(-1 - end)) end++;
  const shown = (sign: string, lines: readonly string[]): readonly string[] => lines.map((line) => `${sign}     ${printable(line)}`);
  return [
    `    ${printable(field)}: |`,
    ...shown(' ', was.slice(Math.max(0, start - CONTEXT), start)),
    ...shown('-', was.slice(start, was.length - end)).map((line) => paint('red', line)),
    ...shown('+', is.slice(start, is.length - end)).map((line) => paint('green', line)),
    ...shown(' ', was.slice(was.length - end, was.length - end + CONTEXT)),
  ];
}
