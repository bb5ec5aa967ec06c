/** Which replicas of a service live, by leases that each keeps up. */
export interface Membership {
  /** What this replica is called among them: another one each time that it starts. */
  readonly self: string;
  /** All whose leases hold, sorted; as last known where nothing is heard of any. */
  readonly members: readonly string[];
  /** Whether the own lease holds, by a clock that only runs forward. */
  readonly leased: boolean;
  /** Called whenever one of these may have changed; returns how to stop. */
  subscribe(listener: () => void): () => void;
  /** Gives the own lease up: the others know at once. */
  leave(): Promise<void>;
}
