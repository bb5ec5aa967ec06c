import { PODS, type Pod, type Toleration } from '#libs/api';
import { forbidden } from '#libs/apimachinery';

/** How long pods stay on a node that is not ready or can't be reached, in seconds. */
const TOLERATION_SECONDS = 300;
const TAINTS = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'];

const PRIORITY_CLASSES: Readonly<Record<string, number>> = {
  'system-node-critical': 2_000_001_000,
  'system-cluster-critical': 2_000_000_000,
};
const PREEMPTION = 'PreemptLowerPriority';

const toleratesExecution = (toleration: Toleration, key: string): boolean =>
  (toleration.key === key || !toleration.key) && (toleration.effect === 'NoExecute' || !toleration.effect);

/** DefaultTolerationSeconds: a pod that says nothing of nodes going away leaves them after five minutes. */
export function admitTolerations(pod: Pod): Pod {
  const tolerations = pod.spec?.tolerations ?? [];
  const missing = TAINTS.filter((key) => !tolerations.some((toleration) => toleratesExecution(toleration, key)));
  if (!pod.spec || missing.length === 0) return pod;
  const added = missing.map((key) => ({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: TOLERATION_SECONDS }));
  return { ...pod, spec: { ...pod.spec, tolerations: [...tolerations, ...added] } };
}

/** Priority: the class's number and policy. The two built-in classes are all there are. */
export function admitPriority(pod: Pod, name: string): Pod {
  if (!pod.spec) return pod;
  const { priorityClassName, priority, preemptionPolicy } = pod.spec;
  const value = priorityClassName ? PRIORITY_CLASSES[priorityClassName] : 0;
  if (value === undefined) throw forbidden(PODS, name, `no PriorityClass with name ${priorityClassName} was found`);
  const computed = 'must not be provided in pod spec; priority admission controller computed';
  if (priority !== undefined && priority !== value) {
    throw forbidden(PODS, name, `the integer value of priority (${priority}) ${computed} ${value} from the given PriorityClass name`);
  }
  if (preemptionPolicy !== undefined && preemptionPolicy !== PREEMPTION) {
    const sentence = `the string value of PreemptionPolicy (${preemptionPolicy}) ${computed} ${PREEMPTION} from the given PriorityClass name`;
    throw forbidden(PODS, name, sentence);
  }
  return { ...pod, spec: { ...pod.spec, priority: value, preemptionPolicy: PREEMPTION } };
}

/** On an update, what Priority gave and the client left out stays. */
export function keepPriority(next: Pod, old: Pod): Pod {
  const { priority, preemptionPolicy } = old.spec ?? {};
  if (!next.spec || next.spec.priority !== undefined || priority === undefined) return next;
  return { ...next, spec: { ...next.spec, priority, ...(preemptionPolicy === undefined ? {} : { preemptionPolicy }) } };
}
