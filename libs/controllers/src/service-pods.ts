import { isPodTerminal, PODS, SERVICES, type Pod, type Service, type ServicePort } from '#libs/api';
import { deepEqual, isLabelled, keyOf, type KubeObject, type Labels, type Lister, type WatchRule } from '#libs/apimachinery';
import { byName } from './ordering.js';

/** Marks the endpoints of a Service without a ClusterIP. */
export const HEADLESS = 'service.kubernetes.io/headless';

/** A port as a pod serves it, named as in the Service. */
export interface ServedPort {
  readonly name: string;
  readonly protocol: string;
  readonly port: number;
  readonly appProtocol?: string;
}

/** Whether a controller keeps endpoints for the Service: those of one without selector are somebody else's. */
export const hasPods = ({ spec }: Service): boolean =>
  spec?.selector !== undefined && Object.keys(spec.selector).length > 0 && spec.type !== 'ExternalName';

export const isHeadless = ({ spec }: Service): boolean => spec?.clusterIP === 'None' || !spec?.clusterIP;

/** A Service's selector ready to be matched: it is asked of every pod of a namespace, and of every Service about each pod that changes. */
function selectorOf({ spec }: Service): (labels: Labels | undefined) => boolean {
  const wanted = Object.entries(spec?.selector ?? {});
  const [only] = wanted;
  if (wanted.length === 1 && only) return (labels) => isLabelled(labels, only[0], only[1]);
  return (labels) => wanted.every(([key, value]) => isLabelled(labels, key, value));
}

/** The pods a Service selects, by name. */
export const selectedPods = (service: Service, lister: Lister): readonly Pod[] => {
  const isSelected = selectorOf(service);
  return (lister.list(PODS, service.metadata.namespace) as readonly Pod[])
    .filter(({ metadata }) => isSelected(metadata.labels))
    .sort(byName);
};

/** A pod that has ended or has no address is no endpoint; whether one being deleted still is depends on who asks. */
export const isEndpoint = (pod: Pod, terminatingToo: boolean): boolean =>
  !isPodTerminal(pod) && (pod.status?.podIP ?? '') !== '' && (terminatingToo || pod.metadata.deletionTimestamp === undefined);

function numberOf({ targetPort, port, protocol = 'TCP' }: ServicePort, pod: Pod): number | undefined {
  const target = targetPort ?? port;
  if (typeof target === 'number') return target === 0 ? port : target;
  const containers = [
    ...(pod.spec?.containers ?? []),
    ...(pod.spec?.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always'),
  ];
  for (const { ports = [] } of containers) {
    const found = ports.find((one) => one.name === target && (one.protocol ?? 'TCP') === protocol);
    if (found) return found.containerPort;
  }
  return undefined;
}

/** The Service's ports as this pod serves them; one whose name the pod does not know is left out. */
export function servedPorts(service: Service, pod: Pod): readonly ServedPort[] {
  return (service.spec?.ports ?? []).flatMap((one) => {
    const port = numberOf(one, pod);
    if (port === undefined) return [];
    const { name = '', protocol = 'TCP', appProtocol } = one;
    return [{ name, protocol, port, ...(appProtocol === undefined ? {} : { appProtocol }) }];
  });
}

/** A pod gets its hostname resolved where it asks for the Service as its subdomain. */
export const hostnameIn = (service: Service, { spec, metadata }: Pod): string | undefined =>
  spec?.hostname && spec.subdomain === service.metadata.name && metadata.namespace === service.metadata.namespace
    ? spec.hostname
    : undefined;

/** What of a pod its endpoints depend on. */
const relevant = (pod: Pod | undefined): unknown =>
  pod && [
    pod.metadata.labels ?? {},
    pod.metadata.deletionTimestamp,
    pod.spec?.nodeName,
    pod.status?.podIP,
    pod.status?.phase,
    pod.status?.conditions?.find(({ type }) => type === 'Ready')?.status,
  ];

/** A pod wakes the Services that select it or did, where something changed that endpoints tell. */
export const selectingServices: WatchRule = {
  resource: PODS,
  keys(next, old, lister) {
    if (next && old && deepEqual(relevant(next as Pod), relevant(old as Pod))) return [];
    const about = [next, old].filter((pod): pod is KubeObject => pod !== undefined);
    const services = lister.list(SERVICES, about[0]?.metadata.namespace) as readonly Service[];
    return services
      .filter((service) => {
        if (!hasPods(service)) return false;
        const isSelected = selectorOf(service);
        return about.some(({ metadata }) => isSelected(metadata.labels));
      })
      .map(keyOf);
  },
};
