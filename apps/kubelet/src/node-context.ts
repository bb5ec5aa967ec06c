import type { ContainerRuntime } from '#libs/node-adapters';
import type { ApiClient } from '#libs/client';
import type { Allocatable } from '#libs/node';
import type { Logger } from '#libs/runtime';
import type { KubeletConfig } from './config.js';
import type { EventRecorder } from './event-recorder.js';

/** What every part of a node's agent works with. */
export interface NodeContext {
  readonly config: KubeletConfig;
  readonly client: ApiClient;
  readonly runtime: ContainerRuntime;
  readonly events: EventRecorder;
  readonly logger: Logger;
  readonly allocatable: Allocatable;
  /** Bytes of memory of the machine. */
  readonly memoryBytes: number;
}
