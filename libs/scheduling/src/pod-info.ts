import { podRequests, type Pod } from '#libs/api';
import { controllerOf } from '#libs/apimachinery';
import { amountsOf, type Amounts } from './amounts.js';
import type { PodVolumes } from './pod-volumes.js';

/** What a pod without requests counts as where load is compared, as upstream. */
const ASSUMED_MILLI_CPU = 100;
const ASSUMED_MEMORY = 200 * 1024 * 1024;

/** A pod in the terms of the scheduler: what it takes on a node. */
export interface PodInfo {
  readonly pod: Pod;
  readonly requests: Amounts;
  /** The same, where a pod without requests counts as a small one. */
  readonly load: { readonly cpu: number; readonly memory: number };
  /** Host ports it binds, `protocol/ip/port`. */
  readonly ports: readonly string[];
  /** Whose pods are to be spread: its controller. */
  readonly group: string | undefined;
  /** What its claims say; of pods that wait, where they have any. */
  readonly volumes?: PodVolumes;
}

function hostPorts({ spec }: Pod): readonly string[] {
  const sidecars = (spec?.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always');
  return [...(spec?.containers ?? []), ...sidecars].flatMap(({ ports = [] }) =>
    ports
      .filter(({ hostPort = 0 }) => hostPort > 0)
      .map(({ protocol = 'TCP', hostIP, hostPort }) => `${protocol}/${hostIP || '0.0.0.0'}/${hostPort}`),
  );
}

/** Computes it all once; a pod is looked at on many nodes. */
export function podInfo(pod: Pod): PodInfo {
  const requests = amountsOf(podRequests(pod));
  return {
    pod,
    requests,
    load: { cpu: requests['cpu'] ?? ASSUMED_MILLI_CPU, memory: requests['memory'] ?? ASSUMED_MEMORY },
    ports: hostPorts(pod),
    group: controllerOf(pod)?.uid,
  };
}
