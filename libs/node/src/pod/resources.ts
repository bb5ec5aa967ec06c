import type { Container, Pod } from '#libs/api';
import { milliValue, quantityValue } from '#libs/apimachinery';

/** cgroup settings of a container. Quota and period are in microseconds. */
export interface Cgroup {
  readonly cpuShares: number;
  readonly cpuQuotaUs?: number;
  readonly cpuPeriodUs?: number;
  readonly memoryBytes?: number;
  readonly oomScoreAdj: number;
}

/** What a node offers a pod that sets no limits: the downward API answers with it. */
export interface Allocatable {
  readonly cpu: string;
  readonly memory: string;
  readonly 'ephemeral-storage': string;
}

const MIN_SHARES = 2;
const MAX_SHARES = 262_144;
const PERIOD_US = 100_000;
const MIN_QUOTA_US = 1_000;

/** CPU requests as shares and limits as quota, as the kubelet computes them. */
export function cgroupOf(pod: Pod, container: Container, nodeMemoryBytes: number): Cgroup {
  const { requests, limits } = container.resources ?? {};
  const request = requests?.cpu ?? limits?.cpu;
  const shares = request === undefined ? MIN_SHARES : Math.floor((milliValue(request) * 1024) / 1000);
  const cpuLimit = limits?.cpu === undefined ? 0 : milliValue(limits.cpu);
  const memory = limits?.memory === undefined ? 0 : quantityValue(limits.memory);
  return {
    cpuShares: Math.min(MAX_SHARES, Math.max(MIN_SHARES, shares)),
    ...(cpuLimit > 0 ? { cpuQuotaUs: Math.max(MIN_QUOTA_US, Math.floor((cpuLimit * PERIOD_US) / 1000)), cpuPeriodUs: PERIOD_US } : {}),
    ...(memory > 0 ? { memoryBytes: memory } : {}),
    oomScoreAdj: oomScoreAdj(pod, container, nodeMemoryBytes),
  };
}

/** The settings of a container that can change while it runs. */
export type AppliedLimits = Pick<Cgroup, 'cpuShares' | 'cpuQuotaUs' | 'memoryBytes'>;

/** What a container is to have of cpu and memory. */
export function wantedLimits(pod: Pod, container: Container): AppliedLimits {
  const { cpuShares, cpuQuotaUs, memoryBytes } = cgroupOf(pod, container, 0);
  return { cpuShares, ...(cpuQuotaUs === undefined ? {} : { cpuQuotaUs }), ...(memoryBytes === undefined ? {} : { memoryBytes }) };
}

/** What has to change for a container that runs to have what it asks for. */
export interface Resize {
  readonly limits: AppliedLimits;
  /** Whether its policy is that it starts anew when one of these changes. */
  readonly restarts: boolean;
}

/** Undefined where a container has what it asks for, or the runtime does not say what it has. */
export function resizeOf(pod: Pod, container: Container, applied: AppliedLimits | undefined): Resize | undefined {
  if (!applied) return undefined;
  const limits = wantedLimits(pod, container);
  const cpu = limits.cpuShares !== applied.cpuShares || limits.cpuQuotaUs !== applied.cpuQuotaUs;
  const memory = limits.memoryBytes !== applied.memoryBytes;
  if (!cpu && !memory) return undefined;
  const restarts = (container.resizePolicy ?? []).some(
    ({ resourceName, restartPolicy }) => restartPolicy === 'RestartContainer' && (resourceName === 'cpu' ? cpu : memory),
  );
  return { limits, restarts };
}

/** Who dies first when memory runs out: guaranteed pods last, those without requests first. */
function oomScoreAdj(pod: Pod, container: Container, nodeMemoryBytes: number): number {
  if ((pod.spec?.priority ?? 0) >= 2_000_000_000) return -997;
  const qos = qosClassOf(pod);
  if (qos === 'Guaranteed') return -997;
  if (qos === 'BestEffort' || nodeMemoryBytes <= 0) return 1000;
  const request = container.resources?.requests?.memory;
  const score = 1000 - Math.floor((1000 * (request === undefined ? 0 : quantityValue(request))) / nodeMemoryBytes);
  return score < 3 ? 3 : score === 1000 ? 999 : score;
}

/** Guaranteed, Burstable or BestEffort, from the requests and limits of cpu and memory. */
export function qosClassOf(pod: Pod): string {
  const containers = [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])];
  const amount = (text: string | undefined): number => (text === undefined ? 0 : milliValue(text));
  let any = false;
  let guaranteed = true;
  for (const { resources } of containers) {
    for (const name of ['cpu', 'memory']) {
      const request = amount(resources?.requests?.[name]);
      const limit = amount(resources?.limits?.[name]);
      any ||= request > 0 || limit > 0;
      guaranteed &&= limit > 0 && request === limit;
    }
  }
  return !any ? 'BestEffort' : guaranteed ? 'Guaranteed' : 'Burstable';
}

/** The value a resourceFieldRef resolves to: rounded up in units of its divisor. */
export function resourceField(container: Container, resource: string, divisor: string | undefined, allocatable: Allocatable): string {
  const [side, name = ''] = resource.split('.', 2);
  const own = side === 'limits' ? container.resources?.limits?.[name] : container.resources?.requests?.[name];
  const fallback = side === 'limits' ? allocatable[name as keyof Allocatable] : '0';
  const amount = own ?? fallback ?? '0';
  const unit = divisor === undefined || divisor === '' || divisor === '0' ? '1' : divisor;
  return name === 'cpu'
    ? String(Math.ceil(milliValue(amount) / milliValue(unit)))
    : String(Math.ceil(quantityValue(amount) / quantityValue(unit)));
}
