import type { Instant } from '#libs/apimachinery';
import type { AppliedLimits } from './resources.js';

/** The name under which a pod's sandbox appears among its containers, as in dockershim. */
export const SANDBOX = 'POD';

/**
 * A container as the runtime has it. One that could not be started counts as exited. `ip` is a sandbox's, in the
 * pod network; a sandbox on the host's network has none.
 */
export interface ObservedContainer {
  readonly id: string;
  readonly podUid: string;
  readonly podNamespace: string;
  readonly podName: string;
  /** The container's name in the pod, or `SANDBOX`. */
  readonly name: string;
  /** Counts restarts: 0 for the first. */
  readonly attempt: number;
  readonly state: 'created' | 'running' | 'exited';
  readonly createdAt: Instant;
  readonly startedAt?: Instant;
  readonly finishedAt?: Instant;
  readonly exitCode?: number;
  readonly oomKilled?: boolean;
  /** Why the runtime could not start it. */
  readonly startError?: string;
  readonly image: string;
  readonly imageId: string;
  /** The signal it wants to be asked to end with; SIGTERM when absent. */
  readonly stopSignal?: string;
  readonly tty?: boolean;
  readonly stdinOpen?: boolean;
  readonly pid?: number;
  /** What it has of cpu and memory; absent where the runtime does not say. */
  readonly limits?: AppliedLimits;
  readonly ip?: string;
  /** What the container left as its termination message. */
  readonly message?: string;
}

/** Why a container does not run, as its status says it. */
export interface Waiting {
  readonly reason: string;
  readonly message?: string;
}

/** The containers of one name, newest first. */
export function attemptsOf(containers: readonly ObservedContainer[], name: string): readonly ObservedContainer[] {
  return containers.filter((container) => container.name === name).sort((a, b) => b.attempt - a.attempt || b.createdAt - a.createdAt);
}

/** The newest sandbox that runs. */
export const runningSandbox = (containers: readonly ObservedContainer[]): ObservedContainer | undefined => {
  const [newest] = attemptsOf(containers, SANDBOX);
  return newest?.state === 'running' ? newest : undefined;
};
