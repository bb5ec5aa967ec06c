import { formatTime } from '#libs/apimachinery';
import type { ResourceDefinition, Strategy } from '../../definition.js';
import type { Pod } from '../../generated/types.js';
import { PODS } from '../../resources.js';
import { standardStrategy, withGeneration } from '../../strategy.js';
import { ALL_VERBS, proxyOf, statusOf } from '../../verbs.js';
import { withMatchLabelKeys } from './match-label-keys.js';
import { POD_COLUMNS } from './pod-columns.js';
import { podDefaults, sameServiceAccount } from './pod-defaults.js';
import { ephemeralContainersPart, resizePart } from './pod-parts.js';
import { qosClassOf } from './pod-resources.js';
import { validatePod, validatePodStatusUpdate, validatePodUpdate } from './pod-validation.js';
import { podWarnings } from './pod-warnings.js';

const STREAM_VERBS = ['create', 'get'] as const;

const strategy: Strategy<Pod> = standardStrategy<Pod>({
  defaults: podDefaults,
  prepareForCreate: (pod, { now }) => withGeneration(started(pod, now)),
  prepareForUpdate: (next, old) => withGeneration(sameAccount({ ...next, status: { ...old.status } }), old),
  prepareForStatusUpdate,
  validate: validatePod,
  validateUpdate: validatePodUpdate,
  validateStatusUpdate: validatePodStatusUpdate,
  warnings: podWarnings,
  parts: { ephemeralcontainers: ephemeralContainersPart, resize: resizePart },
});

const sameAccount = (pod: Pod): Pod => {
  const spec = pod.spec && sameServiceAccount(pod.spec);
  return spec === undefined || spec === pod.spec ? pod : { ...pod, spec };
};

/** A new pod waits: for its gates to open where it has any, else for the scheduler. */
function started(sent: Pod, now: number): Pod {
  const pod = withMatchLabelKeys(sameAccount(sent));
  const qosClass = pod.spec ? qosClassOf(pod.spec) : 'BestEffort';
  if (!pod.spec?.schedulingGates?.length) return { ...pod, status: { phase: 'Pending', qosClass } };
  const lastTransitionTime = formatTime(now);
  const message = 'Scheduling is blocked due to non-empty scheduling gates';
  const gated = { type: 'PodScheduled', status: 'False', lastTransitionTime, reason: 'SchedulingGated', message };
  return { ...pod, status: { phase: 'Pending', conditions: [gated], qosClass } };
}

/** Kubelets report here: neither spec nor owners move, and the QoS class stays what it was. */
function prepareForStatusUpdate(next: Pod, old: Pod): Pod {
  const { ownerReferences: _sent, ...metadata } = next.metadata;
  const { ownerReferences } = old.metadata;
  const qosClass = old.status?.qosClass ?? (old.spec && qosClassOf(old.spec));
  return {
    ...old,
    metadata: ownerReferences === undefined ? metadata : { ...metadata, ownerReferences },
    status: qosClass === undefined || next.status?.qosClass === qosClass ? { ...next.status } : { ...next.status, qosClass },
  };
}

export const pods: ResourceDefinition<Pod> = {
  resource: PODS,
  kind: 'Pod',
  listKind: 'PodList',
  singular: 'pod',
  shortNames: ['po'],
  categories: ['all'],
  scope: 'Namespaced',
  verbs: ALL_VERBS,
  model: 'io.k8s.api.core.v1.Pod',
  stream: 'state',
  subresources: [
    { name: 'attach', kind: 'PodAttachOptions', verbs: STREAM_VERBS },
    { name: 'binding', kind: 'Binding', verbs: ['create'] },
    { ...statusOf('Pod'), name: 'ephemeralcontainers' },
    { name: 'eviction', kind: 'Eviction', group: 'policy', version: 'v1', verbs: ['create'] },
    { name: 'exec', kind: 'PodExecOptions', verbs: STREAM_VERBS },
    { name: 'log', kind: 'Pod', verbs: ['get'] },
    { name: 'portforward', kind: 'PodPortForwardOptions', verbs: STREAM_VERBS },
    proxyOf('Pod'),
    { ...statusOf('Pod'), name: 'resize' },
    statusOf('Pod'),
  ],
  fields: {
    'spec.nodeName': ({ spec }) => spec?.nodeName ?? '',
    'spec.restartPolicy': ({ spec }) => spec?.restartPolicy ?? '',
    'spec.schedulerName': ({ spec }) => spec?.schedulerName ?? '',
    'spec.serviceAccountName': ({ spec }) => spec?.serviceAccountName ?? '',
    'spec.hostNetwork': ({ spec }) => `${spec?.hostNetwork ?? false}`,
    'status.phase': ({ status }) => status?.phase ?? '',
    'status.podIP': ({ status }) => status?.podIPs?.[0]?.ip ?? status?.podIP ?? '',
    'status.podIPs': ({ status }) => status?.podIPs?.[0]?.ip ?? status?.podIP ?? '',
    'status.nominatedNodeName': ({ status }) => status?.nominatedNodeName ?? '',
  },
  strategy,
  columns: POD_COLUMNS,
};
