import type { ProxyPort } from '#libs/node';

/** What carries a plan out. Applying the same plan again is harmless. */
export interface ProxyBackend {
  /** Makes the machine do what the plan says, all at once. `nodeAddresses`: of every node of the cluster. */
  apply(plan: readonly ProxyPort[], nodeAddresses: readonly string[]): Promise<ProxyOutcome>;
  /** Called now and then: puts back what somebody else removed. */
  repair(): Promise<void>;
  /** Releases what ends with this process. Rules stay: pods outlive their node's agent. */
  close(): Promise<void>;
}

/** What could not be had. */
export interface ProxyOutcome {
  /** Node ports (`tcp-30080`) that another cluster of this machine holds, with that cluster's id. */
  readonly refused: ReadonlyMap<string, string>;
}
