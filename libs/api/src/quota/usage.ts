import { parseTime, type GroupVersionResource, type Instant, type KubeObject } from '#libs/apimachinery';
import { podLimits, podRequests } from '../core/v1/pod-resources.js';
import type { ResourceList } from '../core/v1/resource-list.js';
import type { PersistentVolumeClaim, Pod, Service } from '../generated/types.js';
import { isOver } from './amounts.js';
import { requestedStorage, storageClassOf } from '../core/v1/claims.js';

const OF_CLASS = '.storageclass.storage.k8s.io/';
/** Core kinds that a quota may also call by their plain names. */
const PLAIN = new Set(['pods', 'services', 'persistentvolumeclaims', 'configmaps', 'secrets', 'replicationcontrollers', 'resourcequotas']);
const COMPUTE = new Set(['cpu', 'memory', 'ephemeral-storage']);
const HUGE_PAGES = 'hugepages-';

/** How a quota calls the number of objects of any resource: `count/jobs.batch`. */
const countName = ({ group, resource }: GroupVersionResource): string =>
  group === '' ? `count/${resource}` : `count/${resource}.${group}`;

/** When a pod that is being deleted stops to count, whether it is gone or not; undefined for others. */
export function usageEndsAt({ metadata }: KubeObject): Instant | undefined {
  const { deletionTimestamp, deletionGracePeriodSeconds } = metadata;
  const at = parseTime(deletionTimestamp);
  return at === undefined || deletionGracePeriodSeconds === undefined ? undefined : at + deletionGracePeriodSeconds * 1000;
}

/** Whether a pod still takes anything: it has not ended, and if it is to go, its time is not up. */
function isTaking(pod: Pod, now: Instant): boolean {
  if (pod.status?.phase === 'Failed' || pod.status?.phase === 'Succeeded') return false;
  const end = usageEndsAt(pod);
  return end === undefined || now <= end;
}

function usageOfPod(pod: Pod): ResourceList {
  const used: Record<string, string> = {};
  for (const [name, amount] of Object.entries(podRequests(pod))) {
    const isCompute = COMPUTE.has(name) || name.startsWith(HUGE_PAGES);
    if (isCompute) used[name] = amount;
    if (isCompute || name.includes('/')) used[`requests.${name}`] = amount;
  }
  for (const [name, amount] of Object.entries(podLimits(pod))) if (COMPUTE.has(name)) used[`limits.${name}`] = amount;
  return used;
}

function usageOfService({ spec }: Service): ResourceList {
  const ports = spec?.ports ?? [];
  if (spec?.type === 'NodePort') return { 'services.nodeports': `${ports.length}` };
  if (spec?.type !== 'LoadBalancer') return {};
  const held = spec.allocateLoadBalancerNodePorts === false ? ports.filter(({ nodePort = 0 }) => nodePort > 0) : ports;
  return { 'services.nodeports': `${held.length}`, 'services.loadbalancers': '1' };
}

function usageOfClaim(claim: PersistentVolumeClaim): ResourceList {
  const asked = requestedStorage(claim);
  const allocated = claim.status?.allocatedResources?.['storage'] ?? '0';
  const size = isOver(allocated, asked) ? allocated : asked;
  const name = storageClassOf(claim);
  return {
    'requests.storage': size,
    ...(name === '' ? {} : { [`${name}${OF_CLASS}requests.storage`]: size, [`${name}${OF_CLASS}persistentvolumeclaims`]: '1' }),
  };
}

/** What one object takes of quotas, by the names that quotas use (pkg/quota/v1/evaluator/core). A pod that has ended counts as an object alone. */
export function quotaUsageOf(resource: GroupVersionResource, object: KubeObject, now: Instant): ResourceList {
  const count = { [countName(resource)]: '1' };
  if (resource.group !== '') return count;
  const counted = PLAIN.has(resource.resource) ? { ...count, [resource.resource]: '1' } : count;
  switch (resource.resource) {
    case 'pods':
      return isTaking(object as Pod, now) ? { ...counted, ...usageOfPod(object as Pod) } : count;
    case 'services':
      return { ...counted, ...usageOfService(object as Service) };
    case 'persistentvolumeclaims':
      return { ...counted, ...usageOfClaim(object as PersistentVolumeClaim) };
  }
  return counted;
}

function isPodAmount(name: string): boolean {
  const plain = name.replace(/^requests\./, '');
  return (
    COMPUTE.has(plain) ||
    plain.startsWith(HUGE_PAGES) ||
    (plain !== name && plain.includes('/')) ||
    (name.startsWith('limits.') && COMPUTE.has(name.slice('limits.'.length)))
  );
}

/** Those of a quota's names of which objects of a resource can take something (upstream's MatchingResources). */
export function quotaNamesOf(names: readonly string[], resource: GroupVersionResource): readonly string[] {
  const count = countName(resource);
  if (resource.group !== '') return names.filter((name) => name === count);
  const plain = PLAIN.has(resource.resource) ? resource.resource : count;
  const own = (name: string): boolean => name === count || name === plain;
  switch (resource.resource) {
    case 'pods':
      return names.filter((name) => own(name) || isPodAmount(name));
    case 'services':
      return names.filter((name) => own(name) || name.startsWith('services.'));
    case 'persistentvolumeclaims':
      return names.filter((name) => own(name) || name === 'requests.storage' || name.includes(OF_CLASS));
  }
  return names.filter(own);
}
