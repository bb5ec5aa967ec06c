import { PODS, type Pod, type Toleration } from '#libs/api';
import { isAbout } from './about.js';
import type { MutatingPlugin } from './plugin.js';

/** How long pods stay on a node that is not ready or can't be reached, in seconds. */
const TOLERATION_SECONDS = 300;
const TAINTS = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'];

const toleratesExecution = (toleration: Toleration, key: string): boolean =>
  (toleration.key === key || !toleration.key) && (toleration.effect === 'NoExecute' || !toleration.effect);

function withTolerations(pod: Pod): Pod {
  const tolerations = pod.spec?.tolerations ?? [];
  const missing = TAINTS.filter((key) => !tolerations.some((toleration) => toleratesExecution(toleration, key)));
  if (!pod.spec || missing.length === 0) return pod;
  const added = missing.map((key) => ({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: TOLERATION_SECONDS }));
  return { ...pod, spec: { ...pod.spec, tolerations: [...tolerations, ...added] } };
}

/** DefaultTolerationSeconds: a pod that says nothing of nodes going away leaves them after five minutes. */
export const defaultTolerationSeconds: MutatingPlugin = {
  name: 'DefaultTolerationSeconds',
  operations: ['CREATE', 'UPDATE'],
  mutate: (object, attributes, given) => (isAbout(given, attributes, PODS) ? withTolerations(object as Pod) : object),
};
