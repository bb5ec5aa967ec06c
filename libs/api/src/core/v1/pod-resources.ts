import { compareQuantities, ownMember } from '#libs/apimachinery';
import type { Container, Pod, PodSpec } from '../../generated/types.js';
import { addTo, raiseTo, type ResourceList } from './resource-list.js';

/** Whether a container that is listed among the init containers runs along with the others: a sidecar. */
export const isRestartableInitContainer = (container: Pick<Container, 'restartPolicy'>): boolean => container.restartPolicy === 'Always';

/** Resources that can be asked for by a pod as a whole. */
export const isPodLevelResource = (name: string): boolean => name === 'cpu' || name === 'memory' || name.startsWith('hugepages-');

/**
 * What the containers of a pod need together, of requests or of limits: the sum over those that run side by
 * side, or what initialization needs at its height where that is more (upstream's AggregateContainerRequests).
 */
export function containersTotal(spec: PodSpec, of: 'requests' | 'limits'): Record<string, string> {
  const total: Record<string, string> = {};
  for (const container of spec.containers ?? []) addTo(total, container.resources?.[of]);
  const sidecars: Record<string, string> = {};
  const height: Record<string, string> = {};
  for (const container of spec.initContainers ?? []) {
    const list = container.resources?.[of];
    if (isRestartableInitContainer(container)) {
      addTo(total, list);
      addTo(sidecars, list);
      raiseTo(height, sidecars);
    } else {
      const now = { ...sidecars };
      addTo(now, list);
      raiseTo(height, now);
    }
  }
  raiseTo(total, height);
  return total;
}

/**
 * What a pod takes of a node, as kube-scheduler reckons: containers and init containers, overridden by what is
 * asked for the pod as a whole, plus overhead. Canonical quantities by resource name; what is not asked for is absent.
 */
export function podRequests(pod: Pod): ResourceList {
  const { spec } = pod;
  if (!spec) return {};
  const total = containersTotal(spec, 'requests');
  const whole = spec.resources?.requests;
  for (const name in whole) {
    if (isPodLevelResource(name)) total[name] = whole[name] ?? '0';
  }
  addTo(total, spec.overhead);
  return total;
}

/** What a pod may take at most, reckoned likewise; overhead raises only limits that there are. */
export function podLimits(pod: Pod): ResourceList {
  const { spec } = pod;
  if (!spec) return {};
  const total = containersTotal(spec, 'limits');
  const whole = spec.resources?.limits;
  for (const name in whole) {
    if (isPodLevelResource(name)) total[name] = whole[name] ?? '0';
  }
  for (const [name, amount] of Object.entries(spec.overhead ?? {})) if (total[name] !== undefined) addTo(total, { [name]: amount });
  return total;
}

const COMPUTE = ['cpu', 'memory'] as const;

/** Amounts above zero of cpu and memory. Canonical quantities: zero has one text. */
function positive(list: ResourceList | undefined): ResourceList {
  const found: Record<string, string> = {};
  for (const name of COMPUTE) {
    const amount = list?.[name];
    if (amount !== undefined && amount !== '0' && !amount.startsWith('-')) found[name] = amount;
  }
  return found;
}

/** Whether a pod asks for resources as a whole. */
export const hasPodLevelResources = (spec: PodSpec): boolean =>
  [spec.resources?.requests, spec.resources?.limits].some((list) => Object.keys(list ?? {}).some(isPodLevelResource));

/** Which pods go first when a node runs short: upstream's ComputePodQOS over cpu and memory. */
export function qosClassOf(spec: PodSpec): 'Guaranteed' | 'Burstable' | 'BestEffort' {
  const lists = hasPodLevelResources(spec)
    ? [spec.resources ?? {}]
    : [...(spec.containers ?? []), ...(spec.initContainers ?? [])].map(({ resources }) => resources ?? {});
  const requests: Record<string, string> = {};
  const limits: Record<string, string> = {};
  let guaranteed = true;
  for (const list of lists) {
    const limited = positive(list.limits);
    addTo(requests, positive(list.requests));
    addTo(limits, limited);
    if (!COMPUTE.every((name) => limited[name] !== undefined)) guaranteed = false;
  }
  const names = Object.keys(requests);
  if (names.length === 0 && Object.keys(limits).length === 0) return 'BestEffort';
  const equal =
    names.length === Object.keys(limits).length && names.every((name) => same(ownMember(requests, name), ownMember(limits, name)));
  return guaranteed && equal ? 'Guaranteed' : 'Burstable';
}

const same = (a: string | undefined, b: string | undefined): boolean =>
  a !== undefined && b !== undefined && (a === b || compareQuantities(a, b) === 0);
