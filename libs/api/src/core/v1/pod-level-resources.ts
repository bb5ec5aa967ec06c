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

/** Resources of the pod as a whole, completed from those of its containers where some are given. */
export function podLevelDefaults(spec: PodSpec): PodSpec {
  const { resources } = spec;
  if (!resources || (isEmpty(resources.limits) && isEmpty(resources.requests))) return spec;
  const asked = resources.requests;
  const hugePages = completed(
    resources.limits,
    containersTotal(spec, 'limits'),
    (name) => isHugePages(name) && asked?.[name] === undefined,
  );
  const limited: ResourceRequirements = hugePages === undefined ? resources : { ...resources, limits: hugePages };
  const requests = requestsOf(spec, limited);
  const requested: ResourceRequirements = requests === undefined ? limited : { ...limited, requests };
  const limits = limitsOf(spec, requested);
  if (requests === resources.requests && limits === resources.limits) return spec;
  return { ...spec, resources: limits === undefined ? requested : { ...requested, limits } };
}
