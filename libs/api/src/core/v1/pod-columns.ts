import type { Instant } from '#libs/apimachinery';
import { AGE, NAME, ago, column, wideColumn } from '../../columns.js';
import type { PrinterColumn } from '../../definition.js';
import type { ContainerState, ContainerStateTerminated, ContainerStatus, Pod } from '../../generated/types.js';
import { isRestartableInitContainer } from './pod-resources.js';
import { isPodReady, isPodTerminal, podCondition } from './pod-status.js';

/** What one line of `kubectl get pods` says of a pod's containers. */
interface Summary {
  readonly reason: string;
  readonly ready: number;
  readonly total: number;
  readonly restarts: number;
  /** RFC 3339; when the last container to end before its restart ended. */
  readonly lastRestart: string | undefined;
}

/** Restarts counted so far, and when the last was. */
interface Restarts {
  readonly count: number;
  readonly last: string | undefined;
}

const NO_RESTARTS: Restarts = { count: 0, last: undefined };

function plus({ count, last }: Restarts, { restartCount, lastState }: ContainerStatus): Restarts {
  const ended = lastState?.terminated?.finishedAt;
  return { count: count + restartCount, last: ended !== undefined && (last === undefined || last < ended) ? ended : last };
}

const ending = ({ reason, signal, exitCode }: ContainerStateTerminated): string =>
  reason ? reason : signal ? `Signal:${signal}` : `ExitCode:${exitCode}`;

/** What an init container that holds up the rest is called; undefined where it holds nothing up. */
function initializing(status: ContainerStatus, sidecar: boolean, position: string): string | undefined {
  const { terminated, waiting }: ContainerState = status.state ?? {};
  if (terminated?.exitCode === 0 || (sidecar && status.started === true)) return undefined;
  if (terminated) return `Init:${ending(terminated)}`;
  if (waiting?.reason && waiting.reason !== 'PodInitializing') return `Init:${waiting.reason}`;
  return `Init:${position}`;
}

interface Initialization {
  readonly reason: string | undefined;
  readonly ready: number;
  readonly all: Restarts;
  readonly sidecars: Restarts;
}

function initializationOf(pod: Pod, sidecars: ReadonlySet<string>): Initialization {
  let all = NO_RESTARTS;
  let ofSidecars = NO_RESTARTS;
  let ready = 0;
  for (const [index, status] of (pod.status?.initContainerStatuses ?? []).entries()) {
    const sidecar = sidecars.has(status.name);
    all = plus(all, status);
    if (sidecar) ofSidecars = plus(ofSidecars, status);
    const reason = initializing(status, sidecar, `${index}/${pod.spec?.initContainers?.length ?? 0}`);
    if (reason !== undefined) return { reason, ready, all, sidecars: ofSidecars };
    if (status.state?.terminated?.exitCode !== 0 && status.ready) ready++;
  }
  return { reason: undefined, ready, all, sidecars: ofSidecars };
}

/** The first container that says why it does not run names the reason; counts are over all. */
function runningSummary(pod: Pod, initialization: Initialization, phaseReason: string, total: number): Summary {
  let reason = initialization.reason ?? phaseReason;
  let { ready, sidecars: restarts } = initialization;
  let running = false;
  for (const status of [...(pod.status?.containerStatuses ?? [])].reverse()) {
    restarts = plus(restarts, status);
    const { waiting, terminated, running: runs } = status.state ?? {};
    if (waiting?.reason) reason = waiting.reason;
    else if (terminated) reason = ending(terminated);
    else if (status.ready && runs) {
      running = true;
      ready++;
    }
  }
  if (reason === 'Completed' && running) reason = isPodReady(pod) ? 'Running' : 'NotReady';
  return { reason, ready, total, restarts: restarts.count, lastRestart: restarts.last };
}

function phaseReasonOf({ status }: Pod): string {
  if (status?.conditions?.some(({ type, reason }) => type === 'PodScheduled' && reason === 'SchedulingGated')) return 'SchedulingGated';
  return status?.reason || status?.phase || '';
}

function containersSummary(pod: Pod): Summary {
  const sidecars = new Set((pod.spec?.initContainers ?? []).filter(isRestartableInitContainer).map(({ name }) => name));
  const total = (pod.spec?.containers?.length ?? 0) + sidecars.size;
  const initialization = initializationOf(pod, sidecars);
  if (initialization.reason === undefined || podCondition(pod, 'Initialized')?.status === 'True') {
    return runningSummary(pod, initialization, phaseReasonOf(pod), total);
  }
  const { reason, ready, all } = initialization;
  return { reason, ready, total, restarts: all.count, lastRestart: all.last };
}

/** Three columns ask in turn for the same pod. */
const summaries = new WeakMap<Pod, Summary>();

function summaryOf(pod: Pod): Summary {
  const known = summaries.get(pod);
  if (known) return known;
  const summary = containersSummary(pod);
  summaries.set(pod, summary);
  return summary;
}

function statusCell(pod: Pod): string {
  if (pod.metadata.deletionTimestamp !== undefined) {
    if (pod.status?.reason === 'NodeLost') return 'Unknown';
    if (!isPodTerminal(pod)) return 'Terminating';
  }
  return summaryOf(pod).reason;
}

function restartsCell(pod: Pod, now: Instant): string {
  const { restarts, lastRestart } = summaryOf(pod);
  return restarts !== 0 && lastRestart !== undefined ? `${restarts} (${ago(lastRestart, now)} ago)` : `${restarts}`;
}

function readyCell(pod: Pod): string {
  const { ready, total } = summaryOf(pod);
  return `${ready}/${total}`;
}

function gatesCell(pod: Pod): string {
  const gates = pod.spec?.readinessGates ?? [];
  if (gates.length === 0) return '<none>';
  return `${gates.filter(({ conditionType }) => podCondition(pod, conditionType)?.status === 'True').length}/${gates.length}`;
}

/** The columns of `kubectl get pods`. */
export const POD_COLUMNS: readonly PrinterColumn<Pod>[] = [
  NAME,
  column('Ready', readyCell),
  column('Status', statusCell),
  column('Restarts', restartsCell),
  AGE,
  wideColumn('IP', ({ status }) => status?.podIPs?.[0]?.ip || status?.podIP || '<none>'),
  wideColumn('Node', ({ spec }) => spec?.nodeName || '<none>'),
  wideColumn('Nominated Node', ({ status }) => status?.nominatedNodeName || '<none>'),
  wideColumn('Readiness Gates', gatesCell),
];
