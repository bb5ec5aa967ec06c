import type { Condition } from '#libs/runtime';

/**
 * What an app of the control plane runs: something with a lifetime. `start` resolves when it works or is on
 * its way to (`ready` says which); `stop` resolves when nothing of it is left.
 */
export interface HostedService {
  readonly name: string;
  readonly ready: boolean;
  /** What is wrong with what it stands on; absent: nothing is known. */
  readonly conditions?: () => readonly Condition[];
  start(): Promise<void>;
  stop(): Promise<void>;
}
