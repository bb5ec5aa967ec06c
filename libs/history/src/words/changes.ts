import { isJsonObject } from '#libs/apimachinery';

import { changesBetween, leavesOf } from '../difference.js';
import type { PatchOperation, Revision } from '../wire.js';

/** One thing that changed, in words. `sign`: it came, it went, or it is otherwise now. */
export interface ChangeLine {
  readonly sign: '+' | '-' | '~';
  readonly text: string;
}

const LONGEST_VALUE = 80;

/** A value as people read it within a line. */
export function valueText(value: unknown): string {
  if (typeof value === 'string') {
    const bare = /^[^\s"\u0000-\u001f\u007f-\u009f]+$/.test(value) ? value : JSON.stringify(value);
    return cut(bare);
  }
  if (value === undefined) return 'nothing';
  if (Array.isArray(value) && value.length === 0) return '[]';
  return cut(JSON.stringify(value));
}

const cut = (text: string): string => (text.length <= LONGEST_VALUE ? text : `${text.slice(0, LONGEST_VALUE - 3)}...`);

/** Fields that move whenever something else does, and say nothing by themselves. */
const NOISE = [
  /^metadata\.generation$/,
  /^metadata\.deletionGracePeriodSeconds$/,
  /^metadata\.annotations\[kubectl\.kubernetes\.io\/last-applied-configuration\]$/,
  /\.observedGeneration$/,
  /\.last(Transition|Update|Heartbeat|Probe)Time$/,
  /^status\.(podIPs|hostIPs|hostIP|qosClass|startTime)(\[.*)?$/,
  /^status\.(init|ephemeral)?[cC]ontainerStatuses\[[^\]]*\]\.(started|imageID|containerID|lastState.*|allocatedResources.*|resources.*|user.*|volumeMounts.*)$/,
];

/** Whether a field moves whenever something else does. */
export const noisy = (field: string): boolean => NOISE.some((pattern) => pattern.test(field));

/** What the beginnings of fields are called. The last group is what follows. */
const NAMED: readonly (readonly [pattern: RegExp, words: (...found: readonly string[]) => string])[] = [
  [/^metadata\.labels(?:\.([^.[\]]+)|\[(.+)\])$/, (_, plain, bracketed) => `label ${plain ?? bracketed ?? ''}`],
  [/^metadata\.annotations(?:\.([^.[\]]+)|\[(.+)\])$/, (_, plain, bracketed) => `annotation ${plain ?? bracketed ?? ''}`],
];

const labelled = (field: string): string | undefined => {
  for (const [pattern, words] of NAMED) {
    const found = pattern.exec(field);
    if (found !== null) return words(...found);
  }
  return undefined;
};

const CONTAINER =
  /^(?:spec\.template\.)?(?:spec\.)?(?:jobTemplate\.spec\.template\.spec\.)?(init|ephemeral)?[cC]ontainers\[([^\]]+)\]\.(.+)$/;

/** A field in words, and what it belongs to where that is a container. */
function fieldWords(field: string): { readonly name: string; readonly of: string } {
  const [, , container, rest] = CONTAINER.exec(field.replace(/^spec\.template\.spec\./, 'spec.')) ?? [];
  if (container !== undefined && rest !== undefined) {
    const env = /^env\[([^\]]+)\](?:\.value)?$/.exec(rest)?.[1];
    return { name: env === undefined ? rest : `env ${env}`, of: ` (container ${container})` };
  }
  return { name: field, of: '' };
}

const TAINT = /^spec\.taints\[[^\]]+\]$/;

function plainLine({ op, field = '', value, old }: PatchOperation): ChangeLine {
  const label = labelled(field);
  if (label !== undefined) {
    if (op === 'add') return { sign: '+', text: `${label}=${valueText(value)}` };
    if (op === 'remove') return { sign: '-', text: `${label}=${valueText(old)}` };
    return { sign: '~', text: `${label}: ${valueText(old)} -> ${valueText(value)}` };
  }
  const finalizer = /^metadata\.finalizers\[(.+)\]$/.exec(field)?.[1];
  if (finalizer !== undefined) return { sign: op === 'add' ? '+' : '-', text: `finalizer ${finalizer}` };
  const taint = TAINT.test(field) ? (op === 'remove' ? old : value) : undefined;
  if (isJsonObject(taint)) return { sign: op === 'remove' ? '-' : '+', text: `taint ${String(taint['key'])}:${String(taint['effect'])}` };
  const { name, of } = fieldWords(field);
  if (op === 'add') return { sign: '+', text: `${name}: ${valueText(value)}${of}` };
  if (op === 'remove') return { sign: '-', text: `${name}: ${valueText(old)}${of}` };
  return { sign: '~', text: `${name}: ${valueText(old)} -> ${valueText(value)}${of}` };
}

/** An addition or removal of a whole is told by its plain values, where these are few. */
function spread(change: PatchOperation): readonly PatchOperation[] {
  const { op, field = '', value, old } = change;
  const whole = op === 'add' ? value : old;
  if (field === 'spec.taints' && Array.isArray(whole))
    return changesBetween(
      { spec: op === 'add' ? { taints: [] } : { taints: whole } },
      { spec: op === 'add' ? { taints: whole } : { taints: [] } },
    );
  if (TAINT.test(field) || op === 'replace' || whole === null || typeof whole !== 'object') return [change];
  const leaves = leavesOf(whole, field);
  const simple = leaves.length <= 4 || /^metadata\.(labels|annotations|finalizers)$/.test(field);
  return simple
    ? leaves.map(([leaf, one]) => ({ op, path: '', field: leaf, ...(op === 'add' ? { value: one } : { old: one }) }))
    : [change];
}

function groupedBy<T>(items: readonly T[], keyOf: (item: T) => string): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group === undefined) groups.set(keyOf(item), [item]);
    else group.push(item);
  }
  return groups;
}

const CONDITION = /^status\.conditions\[([^\]]+)\](?:\.(\w+))?$/;

/** Conditions: `Ready: True -> False (NodeNotReady)`, whatever else moved with them. */
function conditionLines(changes: readonly PatchOperation[]): readonly ChangeLine[] {
  const byType = groupedBy(changes, ({ field = '' }) => CONDITION.exec(field)?.[1] ?? '');
  return [...byType].flatMap(([type, of]): readonly ChangeLine[] => {
    const member = (name: string): PatchOperation | undefined => of.find(({ field = '' }) => CONDITION.exec(field)?.[2] === name);
    const whole = of.find(({ field = '' }) => CONDITION.exec(field)?.[2] === undefined);
    if (whole !== undefined) {
      const one = (whole.op === 'add' ? whole.value : whole.old) as { status?: unknown; reason?: unknown };
      return [{ sign: whole.op === 'add' ? '+' : '-', text: `${type}: ${valueText(one.status)}${because(one.reason)}` }];
    }
    const status = member('status');
    const reason = member('reason')?.value;
    if (status !== undefined)
      return [{ sign: '~', text: `${type}: ${valueText(status.old)} -> ${valueText(status.value)}${because(reason)}` }];
    const told = reason ?? member('message')?.value;
    return told === undefined ? [] : [{ sign: '~', text: `${type}: ${valueText(told)}` }];
  });
}

const because = (reason: unknown): string => (typeof reason === 'string' && reason !== '' ? ` (${reason})` : '');

const STATE = /^status\.(?:init|ephemeral)?[cC]ontainerStatuses\[([^\]]+)\]\.state(?:\.(\w+))?/;

/** What a container state is: `waiting (ImagePullBackOff)`. */
export function containerStateText(state: unknown): string | undefined {
  if (!isJsonObject(state)) return undefined;
  const [kind, details] = Object.entries(state)[0] ?? [];
  if (kind === undefined) return undefined;
  const { reason, exitCode } = isJsonObject(details) ? details : {};
  const code = kind === 'terminated' && exitCode !== undefined ? `exit code ${valueText(exitCode)}` : undefined;
  const notes = [typeof reason === 'string' ? reason : undefined, code].filter((one) => one !== undefined);
  return notes.length === 0 ? kind : `${kind} (${notes.join(', ')})`;
}

/** Containers' states: `container app: waiting (ContainerCreating) -> running`. */
function stateLines(changes: readonly PatchOperation[]): readonly ChangeLine[] {
  const byContainer = groupedBy(changes, ({ field = '' }) => STATE.exec(field)?.[1] ?? '');
  return [...byContainer].flatMap(([container, of]): readonly ChangeLine[] => {
    const whole = (side: 'value' | 'old'): string | undefined => {
      for (const change of of) {
        const [matched = '', , kind] = STATE.exec(change.field ?? '') ?? [];
        if (change[side] === undefined) continue;
        if (kind === undefined) return containerStateText(change[side]);
        if (matched === change.field) return containerStateText({ [kind]: change[side] });
        if (change.field === `${matched}.reason`) return `${kind} (${valueText(change[side])})`;
      }
      return undefined;
    };
    const from = whole('old');
    const to = whole('value');
    if (to === undefined) return [];
    return [{ sign: '~', text: `container ${container}: ${from === undefined || from === to ? '' : `${from} -> `}${to}` }];
  });
}

/** A list of conditions that came whole, or in another order, by its conditions. */
function byCondition(change: PatchOperation): readonly PatchOperation[] {
  const { field, old = [], value = [] } = change;
  if (field !== 'status.conditions' || !Array.isArray(old) || !Array.isArray(value)) return [change];
  const sorted = (list: readonly unknown[]): object => ({
    status: { conditions: list.filter(isJsonObject).sort((a, b) => (String(a['type']) < String(b['type']) ? -1 : 1)) },
  });
  return changesBetween(sorted(old), sorted(value));
}

const rank = ({ field = '' }: PatchOperation): number => (field.startsWith('status') ? 2 : field.startsWith('metadata') ? 1 : 0);

/**
 * What a patch did, in words, what somebody wanted before what was only found out. Bookkeeping (generations, times of conditions) is
 * left out, unless nothing else is there.
 */
export function changeLines(changes: readonly PatchOperation[]): readonly ChangeLine[] {
  const deletion = changes.find(({ field, op }) => field === 'metadata.deletionTimestamp' && op === 'add');
  const grace = changes.find(({ field }) => field === 'metadata.deletionGracePeriodSeconds')?.value;
  const asked: readonly ChangeLine[] =
    deletion === undefined
      ? []
      : [{ sign: '-', text: `deletion requested${grace === undefined ? '' : ` (grace period ${valueText(grace)}s)`}` }];
  const telling = changes
    .flatMap(byCondition)
    .filter((change) => change !== deletion && !noisy(change.field ?? ''))
    .sort((a, b) => rank(a) - rank(b));
  const conditions = telling.filter(({ field = '' }) => CONDITION.test(field));
  const states = telling.filter(({ field = '' }) => STATE.test(field));
  const others = telling.filter((change) => !conditions.includes(change) && !states.includes(change));
  const lines = [
    ...asked,
    ...others
      .flatMap(spread)
      .filter(({ field = '' }) => !noisy(field))
      .map(plainLine),
    ...stateLines(states),
    ...conditionLines(conditions),
  ];
  if (lines.length > 0 || changes.length === 0) return lines;
  return changes.flatMap(spread).map(plainLine);
}

/** A line of a change as text: `+label a=b`, `spec.replicas: 1 -> 3`. */
export const changeText = ({ sign, text }: ChangeLine): string => (sign === '~' ? text : `${sign}${text}`);

/** The first lines, and how many more there are. */
export function fewLines(lines: readonly ChangeLine[], most: number): readonly ChangeLine[] {
  if (lines.length <= most) return lines;
  return [...lines.slice(0, most - 1), { sign: '~', text: `and ${lines.length - most + 1} more` }];
}

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';
const isSecretly = (field: string): boolean =>
  /^(data|stringData)\b/.test(field) || field === 'metadata.annotations' || field.includes(LAST_APPLIED);

/** A value of a Secret, with nothing to be read in it. */
const veiled = (value: unknown): unknown => (isJsonObject(value) ? Object.fromEntries(Object.keys(value).map((key) => [key, VEIL])) : VEIL);

const VEIL = '***';

/** What changed, as it may be shown to people: of a Secret that a value is another, not which. */
export function shownChanges({ object, changes = [] }: Pick<Revision, 'object' | 'changes'>): readonly PatchOperation[] {
  if (object.group !== '' || object.resource !== 'secrets') return changes;
  return changes.map((change) => {
    if (!isSecretly(change.field ?? '')) return change;
    const { value, old } = change;
    return { ...change, ...(value === undefined ? {} : { value: veiled(value) }), ...(old === undefined ? {} : { old: veiled(old) }) };
  });
}

/** What an event did to its object, in words: what was changed, or that it came or went. */
export function revisionLines(revision: Pick<Revision, 'type' | 'verb' | 'changes' | 'object'>): readonly ChangeLine[] {
  const { type, verb, changes } = revision;
  if (type === 'Created') return [{ sign: '+', text: 'created' }];
  if (type === 'Deleted') return [{ sign: '-', text: verb.startsWith('delete') ? 'deleted' : `deleted (${verb})` }];
  const lines = changeLines(shownChanges(revision));
  return lines.length > 0 ? lines : [{ sign: '~', text: changes === undefined ? 'updated' : 'nothing of note' }];
}
