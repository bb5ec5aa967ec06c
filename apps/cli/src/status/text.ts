import { plainTable } from '../table.js';
import type { ProcessDetail, StatusDetails, StreamAnswer } from './details.js';

const MIB = 1024 * 1024;
const UNKNOWN = '?';

/** A process as `status` shows it. */
export interface Shown {
  readonly name: string;
  readonly state: string;
  readonly pid: number;
  readonly since?: string;
}

const whole = (count: number): string => count.toLocaleString('en-US');
const seconds = (value: number): string => (value < 10 ? `${Number(value.toFixed(1))}s` : `${Math.round(value)}s`);

/** `-` where there is nothing to say of such a process, `?` where it does not say it. */
function cellsOf(isAsked: boolean, detail: ProcessDetail | undefined): readonly string[] {
  if (!isAsked) return ['-', '-', '-', '-'];
  if (detail?.ready === undefined) return [UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN];
  const { ready, version = UNKNOWN, memoryBytes, behind } = detail;
  return [
    ready ? 'yes' : 'no',
    version,
    memoryBytes === undefined ? UNKNOWN : `${Math.round(memoryBytes / MIB)}Mi`,
    behind === undefined ? '-' : whole(behind),
  ];
}

/** The processes, with what they say of themselves. */
export function processTable(components: readonly Shown[], { processes }: Pick<StatusDetails, 'processes'>): string {
  const byName = new Map(processes.map((one) => [one.component, one]));
  const rows = components.map(({ name, state, pid, since }) => [
    name,
    state,
    ...cellsOf(byName.has(name), byName.get(name)),
    pid === 0 ? '-' : String(pid),
    since ?? '-',
  ]);
  return plainTable(['COMPONENT', 'STATE', 'READY', 'VERSION', 'MEMORY', 'BEHIND', 'PID', 'SINCE'], rows);
}

/** What is wrong with processes, a line each; none where all is well. */
export const problemLines = ({ processes }: Pick<StatusDetails, 'processes'>): readonly string[] =>
  processes.flatMap(({ component, problems }) => (problems.length === 0 ? [] : [`${component}: ${problems.join(', ')}`]));

/** `2 of 3 in sync (nats-3: 120 behind)`. */
function copiesOf({ leader, copies }: StreamAnswer): string {
  if (copies === undefined || leader === undefined) return copies === undefined ? '1 of 1' : 'no leader';
  const lagging = copies.filter(({ current }) => !current).map(({ server, lag }) => `${server}: ${whole(lag)} behind`);
  const inSync = `${copies.length + 1 - lagging.length} of ${copies.length + 1} in sync`;
  return lagging.length === 0 ? inSync : `${inSync} (${lagging.join(', ')})`;
}

function shardsText({ services }: StatusDetails): readonly string[] {
  const shared = services.filter(({ shards }) => shards > 1);
  if (shared.length === 0) return [];
  const rows = shared.map(({ service, shards, replicas }) => {
    const owned = replicas.reduce((sum, one) => sum + one.owned, 0);
    return [service, `${owned} of ${shards}`, replicas.map((one) => `${one.component}: ${one.owned}`).join(', ')];
  });
  return ['', plainTable(['SERVICE', 'SHARDS OWNED', 'BY'], rows)];
}

function projectionText({ projections }: StatusDetails): readonly string[] {
  if (projections.length === 0) return [];
  const rows = projections.map(({ stream, position, lagEvents, lagSeconds, by }) => [
    stream,
    whole(position),
    lagEvents === undefined ? UNKNOWN : whole(lagEvents),
    lagSeconds === undefined ? UNKNOWN : seconds(lagSeconds),
    by,
  ]);
  return ['', plainTable(['PROJECTION', 'POSITION', 'LAG', 'FOR', 'BY'], rows)];
}

function logText({ log }: StatusDetails): readonly string[] {
  if (log.length === 0) return [];
  const rows = log.map((stream) => [stream.stream, whole(stream.last), stream.leader ?? '-', copiesOf(stream)]);
  return ['', plainTable(['LOG', 'LAST', 'LEADER', 'COPIES'], rows)];
}

/** How the work is shared, how far the projection is, and how the log's servers are, as far as anybody has said. */
export const detailText = (details: StatusDetails): readonly string[] => [
  ...shardsText(details),
  ...projectionText(details),
  ...logText(details),
];
