import type { ConfigMap, Pod, Secret } from '#libs/api';
import type { Allocatable } from './resources.js';

/** What a pod's environment and files are made from. Absent objects are undefined. */
export interface PodContext {
  readonly pod: Pod;
  readonly podIP: string;
  readonly hostIP: string;
  readonly nodeName: string;
  readonly allocatable: Allocatable;
  readonly configMap: (name: string) => ConfigMap | undefined;
  readonly secret: (name: string) => Secret | undefined;
}
