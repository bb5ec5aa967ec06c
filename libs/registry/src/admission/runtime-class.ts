import { PODS, RUNTIMECLASSES, type Pod, type RuntimeClass, type Toleration } from '#libs/api';
import { compareQuantities, deepEqual, forbidden, type KubeObject } from '#libs/apimachinery';
import type { Case } from '../case.js';
import { isAbout } from './about.js';
import type { MutatingPlugin, ValidatingPlugin } from './plugin.js';

type Amounts = Readonly<Record<string, string>>;

const DIFFERENT = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead";
const ALONE = 'pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead';

const sameAmounts = (a: Amounts, b: Amounts): boolean => {
  const names = Object.keys(a);
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => b[name] !== undefined && compareQuantities(a[name] ?? '0', b[name]) === 0)
  );
};

function classOf({ spec }: Pod, name: string, { read }: Case): RuntimeClass | undefined {
  const called = spec?.runtimeClassName;
  if (called === undefined) return undefined;
  const found = read.object(RUNTIMECLASSES, '', called)?.object as RuntimeClass | undefined;
  if (!found) throw forbidden(PODS, name, `pod rejected: RuntimeClass ${JSON.stringify(called)} not found`);
  return found;
}

const hasToleration = (all: readonly Toleration[], one: Toleration): boolean => all.some((each) => deepEqual(each, one));

/** Where the class's pods may run, joined with what the pod says itself. Throws Forbidden where they contradict each other. */
function scheduled(pod: Pod, name: string, { scheduling }: RuntimeClass): Pod {
  if (!scheduling || !pod.spec) return pod;
  const { nodeSelector: own = {}, tolerations = [] } = pod.spec;
  for (const [key, value] of Object.entries(scheduling.nodeSelector ?? {})) {
    const mine = own[key];
    if (mine === undefined || mine === value) continue;
    const ofClass = `runtimeClass.scheduling.nodeSelector[${key}] = ${value}`;
    throw forbidden(PODS, name, `conflict: ${ofClass}; pod.spec.nodeSelector[${key}] = ${mine}`);
  }
  const nodeSelector = { ...own, ...scheduling.nodeSelector };
  const added = (scheduling.tolerations ?? []).filter((each) => !hasToleration(tolerations, each));
  return {
    ...pod,
    spec: {
      ...pod.spec,
      ...(Object.keys(nodeSelector).length > 0 ? { nodeSelector } : {}),
      ...(added.length > 0 ? { tolerations: [...tolerations, ...added] } : {}),
    },
  };
}

/** RuntimeClass, mutating: a pod of a class takes what its runtime takes besides, and runs where the class runs. */
export const runtimeClass: MutatingPlugin = {
  name: 'RuntimeClass',
  operations: ['CREATE'],
  mutate(object, attributes, given): KubeObject {
    if (!isAbout(given, attributes, PODS)) return object;
    const pod = object as Pod;
    const found = classOf(pod, attributes.name, given);
    if (!found || !pod.spec) return pod;
    const fixed = found.overhead?.podFixed;
    const own = pod.spec.overhead ?? {};
    if (fixed && Object.keys(own).length > 0 && !sameAmounts(fixed, own)) throw forbidden(PODS, attributes.name, DIFFERENT);
    return scheduled(fixed ? { ...pod, spec: { ...pod.spec, overhead: fixed } } : pod, attributes.name, found);
  },
};

/** RuntimeClass, validating: a pod's overhead is its class's, whatever came between. */
export const runtimeClassOverhead: ValidatingPlugin = {
  name: 'RuntimeClass',
  operations: ['CREATE'],
  validate(attributes, given) {
    if (!isAbout(given, attributes, PODS)) return undefined;
    const pod = attributes.object as Pod;
    const fixed = classOf(pod, attributes.name, given)?.overhead?.podFixed;
    const own = pod.spec?.overhead;
    if (fixed && !sameAmounts(fixed, own ?? {})) throw forbidden(PODS, attributes.name, DIFFERENT);
    if (!fixed && own !== undefined) throw forbidden(PODS, attributes.name, ALONE);
    return undefined;
  },
};
