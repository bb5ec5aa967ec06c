import type { Instant } from '#libs/apimachinery';
import type { Pod } from '#libs/api';
import type { Backoff } from './backoff.js';
import type { ObservedContainer, Waiting } from './observed.js';
import type { AppliedLimits } from './resources.js';
import type { ProbeKind, ProbeVerdicts } from './probes.js';

/** A container to be stopped: its preStop hook, SIGTERM, and SIGKILL when its time is up. */
export interface Kill {
  readonly id: string;
  readonly container: string;
  /** What its Killing event says; none for a sandbox. */
  readonly message?: string;
  /** The probe that failed, when one did: its own grace period may be shorter. */
  readonly probe?: ProbeKind;
}

/** Why a container could not be started last time, and when to try again. */
export interface StartFailure extends Waiting {
  readonly failedAt: Instant;
  readonly retryAt: Instant;
  /** The image that could not be pulled, when that was it. */
  readonly image?: string;
}

/** What the node remembers of a pod between plans: nothing of it survives the node's agent, nor has to. */
export interface PodMemory {
  readonly backoffs: ReadonlyMap<string, Backoff>;
  readonly failures: ReadonlyMap<string, StartFailure>;
  /** By container id. */
  readonly probes: ReadonlyMap<string, ProbeVerdicts>;
  /** Containers whose postStart hook still runs, by id: they don't count as started. */
  readonly starting: ReadonlySet<string>;
  /** Of containers that were told to have other limits, by id: until when not to tell them again. */
  readonly resizes?: ReadonlyMap<string, Instant>;
  /** Until when not to try to make a sandbox again. */
  readonly sandboxRetryAt?: Instant;
}

/** A pod, what runs of it, and what is remembered: all a plan depends on. */
export interface PodInput {
  readonly pod: Pod;
  readonly containers: readonly ObservedContainer[];
  readonly memory: PodMemory;
}

/** Something to be done for a pod. Those of one plan are done in order. */
export type PodAction =
  | { readonly kind: 'create-sandbox'; readonly attempt: number }
  | { readonly kind: 'start'; readonly container: string; readonly attempt: number; readonly backoff?: Backoff }
  | { readonly kind: 'resize'; readonly id: string; readonly limits: AppliedLimits }
  | { readonly kind: 'remove'; readonly id: string };

/** A Kubernetes Event to be recorded about the pod or one of its containers. */
export interface PodEvent {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
  readonly container?: string;
}

/** What to do for a pod now. */
export interface PodPlan {
  /** `active`: run it; `finished`: it has run to its end; `terminating`: it is being deleted; `terminated`: nothing of it runs any more. */
  readonly stage: 'active' | 'finished' | 'terminating' | 'terminated';
  readonly actions: readonly PodAction[];
  /** Containers to be stopped, all at once, beside the actions. */
  readonly kills: readonly Kill[];
  /** Why containers that should run wait. */
  readonly waiting: ReadonlyMap<string, Waiting>;
  readonly events: readonly PodEvent[];
  /** When to plan again even if nothing happens. */
  readonly requeueAt?: Instant;
}
