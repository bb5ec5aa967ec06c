import type { PodSpec, ResourceRequirements } from '../../generated/types.js';
import { containersTotal, isPodLevelResource } from './pod-resources.js';
import type { ResourceList } from './resource-list.js';

const isHugePages = (name: string): boolean => name.startsWith('hugepages-');
const isEmpty = (list: ResourceList | undefined): boolean => list === undefined || Object.keys(list).length === 0;
const isSet = (list: ResourceList | undefined): boolean => Object.keys(list ?? {}).some(isPodLevelResource);

/** `list` with what `more` has besides, of the names that pass; undefined stays undefined where nothing is added. */
function completed(list: ResourceList | undefined, more: ResourceList, passes: (name: string) => boolean): ResourceList | undefined {
  let out = list;
  for (const name in more) {
    if (out?.[name] === undefined && isPodLevelResource(name) && passes(name)) out = { ...out, [name]: more[name] ?? '0' };
  }
  return out;
}

function requestsOf(spec: PodSpec, { requests, limits }: ResourceRequirements): ResourceList | undefined {
  if (isEmpty(limits)) return requests;
  const fromContainers = completed(requests, containersTotal(spec, 'requests'), (name) => !isHugePages(name));
  return completed(fromContainers, limits ?? {}, () => true);
}

function limitsOf(spec: PodSpec, { requests, limits }: ResourceRequirements): ResourceList | undefined {
  if (isSet(limits) || !isSet(requests)) return limits;
  const all = [...spec.containers, ...(spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always')];
  const limitedByAll = (name: string): boolean => all.every(({ resources }) => resources?.limits?.[name] !== undefined);
  return completed(limits, containersTotal(spec, 'limits'), (name) => !isHugePages(name) && limitedByAll(name));
}

const withList = (resources: ResourceRequirements, of: 'limits' | 'requests', list: ResourceList | undefined): ResourceRequirements =>
  list === undefined || list === resources[of] ? resources : { ...resources, [of]: list };

/**
 * Resources of the pod as a whole, completed from those of its containers where some are given. Requests come
 * before limits and once more after them, so that defaulting a second time adds nothing (upstream's does, where
 * limits came of the first).
 */
export function podLevelDefaults(spec: PodSpec): PodSpec {
  let { resources } = spec;
  if (!resources || (isEmpty(resources.limits) && isEmpty(resources.requests))) return spec;
  const asked = resources.requests;
  const ofContainers = containersTotal(spec, 'limits');
  resources = withList(
    resources,
    'limits',
    completed(resources.limits, ofContainers, (name) => isHugePages(name) && asked?.[name] === undefined),
  );
  resources = withList(resources, 'requests', requestsOf(spec, resources));
  resources = withList(resources, 'limits', limitsOf(spec, resources));
  resources = withList(resources, 'requests', requestsOf(spec, resources));
  return resources === spec.resources ? spec : { ...spec, resources };
}
