import type { Container, Pod } from '#libs/api';
import { SANDBOX } from './observed.js';

/** Labels by which a pod's containers are found again: dockershim's, and the cluster's own. */
export const LABELS = {
  pod: 'io.kubernetes.pod.name',
  namespace: 'io.kubernetes.pod.namespace',
  uid: 'io.kubernetes.pod.uid',
  container: 'io.kubernetes.container.name',
  attempt: 'annotation.io.kubernetes.container.restartCount',
  type: 'io.kubernetes.docker.type',
  sandbox: 'io.kubernetes.sandbox.id',
  terminationPath: 'annotation.io.kubernetes.container.terminationMessagePath',
  terminationPolicy: 'annotation.io.kubernetes.container.terminationMessagePolicy',
  messageFile: 'dev.decklog.termination-file',
  cluster: 'dev.decklog.cluster',
  node: 'dev.decklog.node',
} as const;

/** Which cluster and node containers belong to. */
export interface Ownership {
  readonly cluster: string;
  readonly node: string;
}

/** `k8s_<container>_<pod>_<namespace>_<uid>_<attempt>`, as dockershim named containers, with the cluster's id before the attempt's end. */
export const containerName = (pod: Pod, container: string, attempt: number): string =>
  ['k8s', container, pod.metadata.name ?? '', pod.metadata.namespace ?? '', pod.metadata.uid ?? '', String(attempt)].join('_');

/** The labels of a pod's container or (with the name `POD`) its sandbox. */
export function containerLabels(
  pod: Pod,
  container: string,
  attempt: number,
  owner: Ownership,
  more: Readonly<Record<string, string>> = {},
): Record<string, string> {
  return {
    ...more,
    [LABELS.pod]: pod.metadata.name ?? '',
    [LABELS.namespace]: pod.metadata.namespace ?? '',
    [LABELS.uid]: pod.metadata.uid ?? '',
    [LABELS.container]: container,
    [LABELS.attempt]: String(attempt),
    [LABELS.type]: container === SANDBOX ? 'podsandbox' : 'container',
    [LABELS.cluster]: owner.cluster,
    [LABELS.node]: owner.node,
  };
}

/** `name_namespace(uid)`: how the kubelet names a pod in messages. */
export const podFullName = ({ metadata }: Pod): string => `${metadata.name ?? ''}_${metadata.namespace ?? ''}(${metadata.uid ?? ''})`;

/** An init container that keeps running beside the pod's own. */
export const isSidecar = (container: Container): boolean => container.restartPolicy === 'Always';

/** The pod's hostname: spec.hostname, else its name cut to 63 characters. */
export function hostnameOf(pod: Pod): string {
  if (pod.spec?.hostnameOverride) return pod.spec.hostnameOverride;
  if (pod.spec?.hostname) return pod.spec.hostname;
  return (pod.metadata.name ?? '').slice(0, 63).replace(/[-.]+$/, '');
}

/** Every container that a pod names: its own, those before them, and those that were added to look into it. */
export const allContainers = ({ spec }: Pod): readonly (Container & { readonly targetContainerName?: string })[] => [
  ...(spec?.containers ?? []),
  ...(spec?.initContainers ?? []),
  ...(spec?.ephemeralContainers ?? []),
];

/** `spec.containers{name}`: how an event says which container it speaks of. */
export function fieldPathOf(pod: Pod, container: string): string {
  const among = (list: readonly { readonly name: string }[] | undefined): boolean => list?.some(({ name }) => name === container) === true;
  const { initContainers, ephemeralContainers } = pod.spec ?? {};
  const list = among(initContainers) ? 'initContainers' : among(ephemeralContainers) ? 'ephemeralContainers' : 'containers';
  return `spec.${list}{${container}}`;
}

/** The fully qualified name of a pod with a hostname and a subdomain. */
export function fqdnOf(pod: Pod, clusterDomain: string): string | undefined {
  const subdomain = pod.spec?.subdomain;
  return subdomain ? `${hostnameOf(pod)}.${subdomain}.${pod.metadata.namespace ?? ''}.svc.${clusterDomain}` : undefined;
}
