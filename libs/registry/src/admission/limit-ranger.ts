import {
  LIMITRANGES,
  PERSISTENTVOLUMECLAIMS,
  podLimits,
  podRequests,
  PODS,
  type Container,
  type LimitRange,
  type LimitRangeItem,
  type PersistentVolumeClaim,
  type Pod,
} from '#libs/api';
import { compareQuantities, forbidden, milliValue } from '#libs/apimachinery';
import type { Case } from '../case.js';
import { isAbout } from './about.js';
import type { MutatingPlugin, ValidatingPlugin } from './plugin.js';

type Amounts = Readonly<Record<string, string>>;
const ANNOTATION = 'kubernetes.io/limit-ranger';

const rangesOf = (given: Case, namespace: string): readonly LimitRange[] =>
  given.read.list(LIMITRANGES, namespace) as readonly LimitRange[];

/** What a container is given: the names of the amounts that were filled in, for the pod's annotation. */
function filled(container: Container, limits: Amounts, requests: Amounts, what: string, told: string[]): Container {
  const { resources = {} } = container;
  const newLimits = Object.keys(limits).filter((name) => resources.limits?.[name] === undefined);
  const newRequests = Object.keys(requests).filter((name) => resources.requests?.[name] === undefined);
  if (newLimits.length === 0 && newRequests.length === 0) return container;
  if (newRequests.length > 0) told.push(`${newRequests.sort().join(', ')} request for ${what} ${container.name}`);
  if (newLimits.length > 0) told.push(`${newLimits.sort().join(', ')} limit for ${what} ${container.name}`);
  return {
    ...container,
    resources: {
      ...resources,
      ...(newLimits.length > 0 ? { limits: { ...limits, ...resources.limits } } : {}),
      ...(newRequests.length > 0 ? { requests: { ...requests, ...resources.requests } } : {}),
    },
  };
}

/** Of several rules of one range for the same amount, the last counts. */
const merged = (items: readonly LimitRangeItem[], of: 'default' | 'defaultRequest'): Amounts =>
  Object.assign({}, ...items.map((item) => item[of])) as Amounts;

/** One range's defaults for containers. Each range that sets something replaces the note that the one before left. */
function withDefaults(pod: Pod, { spec: range }: LimitRange): Pod {
  const items = (range?.limits ?? []).filter(({ type }) => type === 'Container');
  const { spec } = pod;
  if (!spec || items.length === 0) return pod;
  const [limits, requests] = [merged(items, 'default'), merged(items, 'defaultRequest')];
  const told: string[] = [];
  const containers = spec.containers.map((container) => filled(container, limits, requests, 'container', told));
  const initContainers = spec.initContainers?.map((container) => filled(container, limits, requests, 'init container', told));
  if (told.length === 0) return pod;
  const annotations = { ...pod.metadata.annotations, [ANNOTATION]: `LimitRanger plugin set: ${told.join('; ')}` };
  return {
    ...pod,
    metadata: { ...pod.metadata, annotations },
    spec: { ...spec, containers, ...(initContainers ? { initContainers } : {}) },
  };
}

const above = (a: string, b: string): boolean => compareQuantities(a, b) > 0;

function belowLeast({ type, min = {} }: LimitRangeItem, requests: Amounts, limits: Amounts): readonly string[] {
  return Object.entries(min).flatMap(([name, least]) => {
    const said = `minimum ${name} usage per ${type} is ${least}`;
    const [request, limit] = [requests[name], limits[name]];
    if (request === undefined) return [`${said}.  No request is specified`];
    if (above(least, request)) return [`${said}, but request is ${request}`];
    return limit !== undefined && above(least, limit) ? [`${said}, but limit is ${limit}`] : [];
  });
}

function aboveMost({ type, max = {} }: LimitRangeItem, requests: Amounts, limits: Amounts): readonly string[] {
  return Object.entries(max).flatMap(([name, most]) => {
    const said = `maximum ${name} usage per ${type} is ${most}`;
    const [request, limit] = [requests[name], limits[name]];
    if (limit === undefined) return [`${said}.  No limit is specified`];
    if (above(limit, most)) return [`${said}, but limit is ${limit}`];
    return request !== undefined && above(request, most) ? [`${said}, but request is ${request}`] : [];
  });
}

function aboveRatio({ type, maxLimitRequestRatio = {} }: LimitRangeItem, requests: Amounts, limits: Amounts): readonly string[] {
  return Object.entries(maxLimitRequestRatio).flatMap(([name, ratio]) => {
    const said = `${name} max limit to request ratio per ${type} is ${ratio}`;
    const request = milliValue(requests[name] ?? '0');
    const limit = milliValue(limits[name] ?? '0');
    if (request === 0) return [`${said}, but no request is specified or request is 0`];
    if (limit === 0) return [`${said}, but no limit is specified or limit is 0`];
    return (limit / request) * 1000 > milliValue(ratio) ? [`${said}, but provided ratio is ${(limit / request).toFixed(6)}`] : [];
  });
}

/** What is wrong with the amounts of one thing, in upstream's words (plugin/pkg/admission/limitranger). */
const problemsOf = (item: LimitRangeItem, requests: Amounts, limits: Amounts): readonly string[] => [
  ...belowLeast(item, requests, limits),
  ...aboveMost(item, requests, limits),
  ...aboveRatio(item, requests, limits),
];

/** What a pod takes by itself: a runtime's overhead is nobody's choice. */
const withoutOverhead = ({ spec, ...pod }: Pod): Pod => {
  if (!spec) return pod;
  const { overhead: _overhead, ...own } = spec;
  return { ...pod, spec: own };
};

function problemsOfPod(pod: Pod, items: readonly LimitRangeItem[]): readonly string[] {
  const containers = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])];
  const own = withoutOverhead(pod);
  return items.flatMap((item) => {
    if (item.type === 'Container') {
      return containers.flatMap(({ resources }) => problemsOf(item, resources?.requests ?? {}, resources?.limits ?? {}));
    }
    return item.type === 'Pod' ? problemsOf(item, podRequests(own), podLimits(own)) : [];
  });
}

/** A claim has a size, not a limit: the least and the most are both about what it requests. */
function problemsOfClaim({ spec }: PersistentVolumeClaim, items: readonly LimitRangeItem[]): readonly string[] {
  const requests = spec?.resources?.requests ?? {};
  return items
    .filter(({ type }) => type === 'PersistentVolumeClaim')
    .flatMap((item) => [
      ...belowLeast(item, requests, {}),
      ...Object.entries(item.max ?? {}).flatMap(([name, most]) => {
        const said = `maximum ${name} usage per ${item.type} is ${most}`;
        const request = requests[name];
        if (request === undefined) return [`${said}.  No request is specified`];
        return above(request, most) ? [`${said}, but request is ${request}`] : [];
      }),
    ]);
}

/** LimitRanger, mutating: containers of a new pod are given what the namespace's ranges say. */
export const limitDefaults: MutatingPlugin = {
  name: 'LimitRanger',
  operations: ['CREATE'],
  mutate: (object, attributes, given) =>
    isAbout(given, attributes, PODS) ? rangesOf(given, attributes.namespace).reduce<Pod>(withDefaults, object as Pod) : object,
};

/** LimitRanger, validating: new pods, those that are resized, and claims keep within the namespace's ranges. */
export const limitRanges: ValidatingPlugin = {
  name: 'LimitRanger',
  operations: ['CREATE', 'UPDATE'],
  validate(attributes, given) {
    const { object, old, namespace, name } = attributes;
    const isPod = isAbout(given, attributes, PODS, old ? 'resize' : '');
    if (object === undefined || !(isPod || isAbout(given, attributes, PERSISTENTVOLUMECLAIMS))) return undefined;
    if (old?.metadata.deletionTimestamp !== undefined) return undefined;
    for (const { spec } of rangesOf(given, namespace)) {
      const items = spec?.limits ?? [];
      const problems = [...new Set(isPod ? problemsOfPod(object as Pod, items) : problemsOfClaim(object as PersistentVolumeClaim, items))];
      if (problems.length === 0) continue;
      throw forbidden(given.definition.resource, name, problems.length === 1 ? (problems[0] ?? '') : `[${problems.join(', ')}]`);
    }
    return undefined;
  },
};
