import { each, fill, within } from '../../defaulting.js';
import type { Container, Pod, PodSpec, PodTemplateSpec } from '../../generated/types.js';
import { containerDefaults } from './container-defaults.js';
import { podLevelDefaults } from './pod-level-resources.js';
import { roundedList } from './resource-list.js';
import { volumeDefaults } from './volume-defaults.js';

const POD_SPEC = {
  restartPolicy: 'Always',
  terminationGracePeriodSeconds: 30,
  dnsPolicy: 'ClusterFirst',
  securityContext: {},
  schedulerName: 'default-scheduler',
} as const;

/** The old name of serviceAccountName always says the same; where only the old one is given, it counts. */
export function sameServiceAccount(spec: PodSpec): PodSpec {
  const name = spec.serviceAccountName ?? spec.serviceAccount;
  if (name === undefined || (spec.serviceAccountName === name && spec.serviceAccount === name)) return spec;
  return { ...spec, serviceAccountName: name, serviceAccount: name };
}

/** What upstream fills into the spec of pods and of templates alike. */
export function podSpecDefaults(spec: PodSpec): PodSpec {
  let out = sameServiceAccount(fill(spec, POD_SPEC));
  out = within(out, 'volumes', (volumes) => each(volumes, volumeDefaults));
  out = within(out, 'initContainers', (containers) => each(containers, containerDefaults));
  out = within(out, 'containers', (containers) => each(containers, containerDefaults));
  out = within(out, 'ephemeralContainers', (containers) => each(containers, containerDefaults));
  return within(out, 'overhead', roundedList);
}

/** What upstream fills into a workload's template. */
export const templateDefaults = (template: PodTemplateSpec): PodTemplateSpec => within(template, 'spec', podSpecDefaults);

/** What is limited but not requested is requested up to its limit. */
function requestsFromLimits(container: Container): Container {
  const { limits, requests } = container.resources ?? {};
  if (limits === undefined) return container;
  for (const name in limits) {
    if (requests?.[name] === undefined)
      return { ...container, resources: { ...container.resources, requests: { ...limits, ...requests } } };
  }
  return container;
}

/** On the host's network a container's port is the host's. */
const hostPorts = (container: Container): Container =>
  within(container, 'ports', (ports) =>
    each(ports, (port) => (port.hostPort || !port.containerPort ? port : { ...port, hostPort: port.containerPort })),
  );

/** Pods alone, not templates: requests from limits, service links, host ports, resources of the pod as a whole. */
function podOnlyDefaults(spec: PodSpec): PodSpec {
  const container = spec.hostNetwork === true ? (c: Container): Container => hostPorts(requestsFromLimits(c)) : requestsFromLimits;
  let out = within(spec, 'containers', (containers) => each(containers, container));
  out = within(out, 'initContainers', (containers) => each(containers, container));
  if (out.enableServiceLinks === undefined) out = { ...out, enableServiceLinks: true };
  return podLevelDefaults(out);
}

/** What upstream fills into a pod. */
export const podDefaults = (pod: Pod): Pod => within(pod, 'spec', (spec) => podSpecDefaults(podOnlyDefaults(spec)));
