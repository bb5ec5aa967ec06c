import { PODS, PRIORITYCLASSES, SYSTEM_PRIORITY_CLASSES, type Pod, type PriorityClass } from '#libs/api';
import { forbidden, type KubeObject } from '#libs/apimachinery';
import type { Case } from '../case.js';
import { isAbout } from './about.js';
import type { Attributes, MutatingPlugin, ValidatingPlugin } from './plugin.js';

const PREEMPTION = 'PreemptLowerPriority';

const isSystem = (name: string): PriorityClass | undefined => SYSTEM_PRIORITY_CLASSES.find(({ metadata }) => metadata.name === name);

/** The class of pods that name none: of several, the one of the lowest value. */
function defaultClass({ read }: Case): PriorityClass | undefined {
  const classes = (read.list(PRIORITYCLASSES, undefined) as readonly PriorityClass[]).filter(({ globalDefault }) => globalDefault === true);
  return classes.reduce<PriorityClass | undefined>(
    (least, next) => (!least || (next.value ?? 0) < (least.value ?? 0) ? next : least),
    undefined,
  );
}

/** The class that a pod names; those of the system count before anybody has written them down. */
function namedClass(name: string, podName: string, { read }: Case): PriorityClass {
  const found = (read.object(PRIORITYCLASSES, '', name)?.object as PriorityClass | undefined) ?? isSystem(name);
  if (!found) throw forbidden(PODS, podName, `no PriorityClass with name ${name} was found`);
  return found;
}

/** The class's number and policy (plugin/pkg/admission/priority). Throws Forbidden where the pod says otherwise. */
function admitPriority(pod: Pod, podName: string, given: Case): Pod {
  if (!pod.spec) return pod;
  const { priorityClassName, priority, preemptionPolicy } = pod.spec;
  const found = priorityClassName ? namedClass(priorityClassName, podName, given) : defaultClass(given);
  const { value = 0, preemptionPolicy: policy = PREEMPTION } = found ?? {};
  const computed = 'must not be provided in pod spec; priority admission controller computed';
  if (priority !== undefined && priority !== value) {
    throw forbidden(PODS, podName, `the integer value of priority (${priority}) ${computed} ${value} from the given PriorityClass name`);
  }
  if (preemptionPolicy !== undefined && preemptionPolicy !== policy) {
    const sentence = `the string value of PreemptionPolicy (${preemptionPolicy}) ${computed} ${policy} from the given PriorityClass name`;
    throw forbidden(PODS, podName, sentence);
  }
  const name = priorityClassName || found?.metadata.name;
  return { ...pod, spec: { ...pod.spec, ...(name ? { priorityClassName: name } : {}), priority: value, preemptionPolicy: policy } };
}

/** On an update, what Priority gave and the client left out stays. */
function keepPriority(next: Pod, old: Pod): Pod {
  const { priority, preemptionPolicy } = old.spec ?? {};
  if (!next.spec || (next.spec.priority !== undefined && next.spec.preemptionPolicy !== undefined)) return next;
  return {
    ...next,
    spec: {
      ...(priority === undefined ? {} : { priority }),
      ...(preemptionPolicy === undefined ? {} : { preemptionPolicy }),
      ...next.spec,
    },
  };
}

/** Priority, mutating: a pod is given the number and policy of its class, or of the default one. */
export const priority: MutatingPlugin = {
  name: 'Priority',
  operations: ['CREATE', 'UPDATE'],
  mutate(object, attributes, given): KubeObject {
    if (!isAbout(given, attributes, PODS)) return object;
    return attributes.old ? keepPriority(object as Pod, attributes.old as Pod) : admitPriority(object as Pod, attributes.name, given);
  },
};

function checkOnlyDefault(next: PriorityClass, { old, name }: Attributes, given: Case): void {
  if (next.globalDefault !== true) return;
  const other = defaultClass(given)?.metadata.name;
  if (other === undefined || (old && other === name)) return;
  throw forbidden(PRIORITYCLASSES, name, `PriorityClass ${other} is already marked as default. Only one default can exist`);
}

/** Priority, validating: one class at most is the default, and those of the system stay. */
export const priorityClasses: ValidatingPlugin = {
  name: 'Priority',
  operations: ['CREATE', 'UPDATE', 'DELETE'],
  validate(attributes, given) {
    if (!isAbout(given, attributes, PRIORITYCLASSES)) return undefined;
    const { object, name } = attributes;
    if (object) checkOnlyDefault(object as PriorityClass, attributes, given);
    else if (isSystem(name)) throw forbidden(PRIORITYCLASSES, name, 'this is a system priority class and cannot be deleted');
    return undefined;
  },
};
