import type { Comparison, FieldDifference, Load, ObjectDifference, PodCounts, WorkloadSummary } from '#libs/history';
import { columns, printable, type Paint } from '../history/text.js';

/** What a comparison is of. */
export interface Compared {
  readonly source: string;
  readonly fork: string;
  /** The moment both stand at, RFC 3339. */
  readonly at: string;
  /** Where the fork began, and what did not happen there. */
  readonly from: number;
  readonly excludeRoot?: number;
  readonly comparison: Comparison;
}

/** How much of it is said. */
export interface TextOptions {
  readonly paint: Paint;
  readonly width: number | undefined;
  /** Everything. */
  readonly wide: boolean;
}

/** Objects, fields of each, and rows of what is the same in both, where not everything is said. */
const MOST_OBJECTS = 40;
const MOST_FIELDS = 6;
const MOST_ROWS = 12;
const MOST_VALUE = 60;
const ABSENT = '-';

const countsText = (counts: PodCounts): string => {
  const states = Object.entries(counts).sort(([a], [b]) => (a === 'ready' ? -1 : b === 'ready' ? 1 : a < b ? -1 : 1));
  return states.length === 0 ? 'none' : states.map(([state, count]) => `${count} ${state}`).join(', ');
};

const MIB = 1024 * 1024;
const loadText = (load: Load | undefined): string =>
  load === undefined
    ? ABSENT
    : `${load.pods} ${load.pods === 1 ? 'pod' : 'pods'}, cpu ${load.cpu / 1000}, memory ${Math.round(load.memory / MIB)}Mi`;

function valueText(value: unknown, wide: boolean): string {
  if (value === undefined) return ABSENT;
  const text = printable(typeof value === 'string' ? value : JSON.stringify(value));
  return wide || text.length <= MOST_VALUE ? text : `${text.slice(0, MOST_VALUE - 3)}...`;
}

/** The rows that differ first, and where there is room the others. */
function rowsOf<T>(all: readonly T[], same: (one: T) => boolean, wide: boolean): { readonly rows: readonly T[]; readonly more: number } {
  const differ = all.filter((one) => !same(one));
  const rows = wide ? all : differ.length > 0 ? differ.slice(0, MOST_ROWS) : all.slice(0, MOST_ROWS);
  return { rows, more: all.length - rows.length };
}

const moreLine = (more: number, what: string, { paint }: TextOptions): readonly string[] =>
  more === 0 ? [] : [paint('dim', `and ${more} more ${what}; -o wide shows all`)];

function workloadsText({ source, fork, comparison }: Compared, options: TextOptions): readonly string[] {
  if (comparison.workloads.length === 0) return [];
  const same = (one: WorkloadSummary): boolean => countsText(one.source) === countsText(one.fork);
  const { rows, more } = rowsOf(comparison.workloads, same, options.wide);
  const table = columns(
    ['NAMESPACE', 'WORKLOAD', source.toUpperCase(), fork.toUpperCase()],
    rows.map((one) => {
      const there = countsText(one.fork);
      return [
        printable(one.namespace),
        printable(`${one.kind}/${one.name}`),
        countsText(one.source),
        same(one) ? there : options.paint('yellow', there),
      ];
    }),
    options.width,
  );
  return [...table, ...moreLine(more, more === 1 ? 'workload' : 'workloads', options), ''];
}

function nodesText({ source, fork, comparison }: Compared, options: TextOptions): readonly string[] {
  if (comparison.nodes.length === 0) return [];
  const same = (one: (typeof comparison.nodes)[number]): boolean => loadText(one.source) === loadText(one.fork);
  const { rows, more } = rowsOf(comparison.nodes, same, options.wide);
  const table = columns(
    ['NODE', source.toUpperCase(), fork.toUpperCase()],
    rows.map((one) => [
      printable(one.name),
      loadText(one.source),
      same(one) ? loadText(one.fork) : options.paint('yellow', loadText(one.fork)),
    ]),
    options.width,
  );
  return [...table, ...moreLine(more, more === 1 ? 'node' : 'nodes', options), ''];
}

const fieldLine = ({ field, source, fork }: FieldDifference, { paint, wide }: TextOptions): string =>
  `    ${printable(field)}: ${paint('red', valueText(source, wide))} -> ${paint('green', valueText(fork, wide))}`;

function nameOf({ kind, namespace, source, fork }: ObjectDifference): string {
  const names = source === undefined || fork === undefined || source === fork ? (source ?? fork ?? '') : `${source} and ${fork}`;
  return printable(`${kind} ${namespace === undefined ? '' : `${namespace}/`}${names}`);
}

function objectText(object: ObjectDifference, compared: Compared, options: TextOptions): readonly string[] {
  const { paint, wide } = options;
  if (object.fork === undefined) return [`${paint('red', '-')} ${nameOf(object)} ${paint('dim', `only in ${compared.source}`)}`];
  if (object.source === undefined) return [`${paint('green', '+')} ${nameOf(object)} ${paint('dim', `only in ${compared.fork}`)}`];
  const fields = object.fields ?? [];
  const shown = wide ? fields : fields.slice(0, MOST_FIELDS);
  const more = fields.length - shown.length;
  return [
    `${paint('yellow', '~')} ${nameOf(object)}`,
    ...shown.map((one) => fieldLine(one, options)),
    ...(more === 0 ? [] : [paint('dim', `    and ${more} more ${more === 1 ? 'field' : 'fields'}`)]),
  ];
}

/** A comparison for people: the pods of each workload and the load of each node side by side, then every object that differs. */
export function comparisonText(compared: Compared, options: TextOptions): string {
  const { source, fork, at, from, excludeRoot, comparison } = compared;
  const { objects } = comparison;
  const excluded = excludeRoot === undefined ? '' : ` without state:${excludeRoot}`;
  const head = `"${source}" and its fork "${fork}" (from state:${from}${excluded}), both at ${at}`;
  if (objects.length === 0) {
    return `${[head, '', ...workloadsText(compared, options), ...nodesText(compared, options), 'No object differs.'].join('\n')}\n`;
  }
  const differ = objects.filter(({ fields }) => fields !== undefined).length;
  const only = (side: 'source' | 'fork'): number =>
    objects.filter((one) => one[side === 'source' ? 'fork' : 'source'] === undefined).length;
  const shown = options.wide ? objects : objects.slice(0, MOST_OBJECTS);
  const lines = [
    head,
    '',
    ...workloadsText(compared, options),
    ...nodesText(compared, options),
    `${differ} ${differ === 1 ? 'object differs' : 'objects differ'}, ${only('source')} only in ${source}, ${only('fork')} only in ${fork}:`,
    ...shown.flatMap((object) => objectText(object, compared, options)),
    ...moreLine(objects.length - shown.length, 'objects', options),
  ];
  return `${lines.join('\n')}\n`;
}

/** The objects that differ, a line each: `deployments... ` as kubectl's `-o name` has them, by kind. */
export const comparisonNames = ({ comparison }: Compared): string =>
  comparison.objects.map((object) => `${object.kind.toLowerCase()}/${printable(object.source ?? object.fork ?? '')}\n`).join('');
