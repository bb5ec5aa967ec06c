import {
  selectsNode,
  templateGenerationOf,
  tolerates,
  type Affinity,
  type DaemonSet,
  type Node,
  type Pod,
  type PodSpec,
  type Taint,
  type Toleration,
} from '#libs/api';
import { REVISION_HASH } from '../history/revisions.js';
import { controllerReference } from '../ownership.js';

const TEMPLATE_GENERATION = 'pod-template-generation';
const NODE_NAME = 'metadata.name';
const EMPTY: PodSpec = { containers: [] };

const tolerating = (name: string, effect: string): Toleration => ({ key: `node.kubernetes.io/${name}`, operator: 'Exists', effect });

/** What daemons put up with on their node, whatever their template says: upstream's AddOrUpdateDaemonPodTolerations. */
const TOLERATIONS: readonly Toleration[] = [
  tolerating('not-ready', 'NoExecute'),
  tolerating('unreachable', 'NoExecute'),
  tolerating('disk-pressure', 'NoSchedule'),
  tolerating('memory-pressure', 'NoSchedule'),
  tolerating('pid-pressure', 'NoSchedule'),
  tolerating('unschedulable', 'NoSchedule'),
];
const WITHOUT_NETWORK = tolerating('network-unavailable', 'NoSchedule');

function tolerationsOf({ tolerations = [], hostNetwork }: PodSpec): readonly Toleration[] {
  const added = hostNetwork === true ? [...TOLERATIONS, WITHOUT_NETWORK] : TOLERATIONS;
  const others = tolerations.filter(
    ({ key, operator, effect }) => !added.some((one) => one.key === key && one.effect === effect && operator === 'Exists'),
  );
  return [...others, ...added];
}

/** Whether a node is to get a daemon, and whether one that is there may stay. */
export interface Wanted {
  readonly run: boolean;
  readonly stay: boolean;
}

/** What a node is to a DaemonSet: upstream's NodeShouldRunDaemonPod. */
export function wantedOn({ spec }: DaemonSet, node: Node): Wanted {
  const template = spec?.template.spec ?? EMPTY;
  const { nodeName = '' } = template;
  if ((nodeName !== '' && nodeName !== node.metadata.name) || !selectsNode(template, node)) return { run: false, stay: false };
  const tolerations = tolerationsOf(template);
  const untolerated = (node.spec?.taints ?? []).filter((taint: Taint) => !tolerations.some((one) => tolerates(one, taint)));
  if (!untolerated.some(({ effect }) => effect === 'NoSchedule' || effect === 'NoExecute')) return { run: true, stay: true };
  return { run: false, stay: !untolerated.some(({ effect }) => effect === 'NoExecute') };
}

/** The node that a daemon runs on, or is meant for while no scheduler has placed it. */
export function nodeOf({ spec }: Pod): string {
  if (spec?.nodeName) return spec.nodeName;
  const terms = spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  const field = terms.flatMap(({ matchFields = [] }) => matchFields).find(({ key, operator }) => key === NODE_NAME && operator === 'In');
  return field?.values?.[0] ?? '';
}

/** The template's affinity with the one node: the default scheduler places daemons as any other pod. */
const affinityTo = (affinity: Affinity | undefined, name: string): Affinity => ({
  ...affinity,
  nodeAffinity: {
    ...affinity?.nodeAffinity,
    requiredDuringSchedulingIgnoredDuringExecution: {
      nodeSelectorTerms: [{ matchFields: [{ key: NODE_NAME, operator: 'In', values: [name] }] }],
    },
  },
});

/** The daemon of a node. */
export function podFor(daemonSet: DaemonSet, hash: string, node: string): Pod {
  const { metadata = {}, spec = EMPTY } = daemonSet.spec?.template ?? {};
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      generateName: `${daemonSet.metadata.name ?? ''}-`,
      namespace: daemonSet.metadata.namespace ?? '',
      labels: { ...metadata.labels, [REVISION_HASH]: hash, [TEMPLATE_GENERATION]: String(templateGenerationOf(daemonSet)) },
      ...(metadata.annotations ? { annotations: metadata.annotations } : {}),
      ...(metadata.finalizers ? { finalizers: metadata.finalizers } : {}),
      ownerReferences: [controllerReference(daemonSet)],
    },
    spec: { ...spec, affinity: affinityTo(spec.affinity, node), tolerations: tolerationsOf(spec) },
  };
}

/** Whether a daemon was made of the current template. */
export const isUpdated = ({ metadata }: Pod, hash: string): boolean => metadata.labels?.[REVISION_HASH] === hash;
