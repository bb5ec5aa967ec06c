import type { Node } from '#libs/api';
import { addInto, amountsOf, type Amounts } from './amounts.js';
import type { PodInfo } from './pod-info.js';

/** What is taken on a node, kept up to date pod by pod. */
export class NodeUse {
  readonly requested: Record<string, number>;
  readonly load: { cpu: number; memory: number };
  readonly ports: Map<string, number>;
  readonly groups: Map<string, number>;
  pods: number;

  constructor(from?: NodeUse) {
    this.requested = { ...from?.requested };
    this.load = { cpu: from?.load.cpu ?? 0, memory: from?.load.memory ?? 0 };
    this.ports = new Map(from?.ports);
    this.groups = new Map(from?.groups);
    this.pods = from?.pods ?? 0;
  }

  add(info: PodInfo): void {
    this.#count(info, 1);
  }

  remove(info: PodInfo): void {
    this.#count(info, -1);
  }

  #count({ requests, load, ports, group }: PodInfo, sign: 1 | -1): void {
    addInto(this.requested, requests, sign);
    this.load.cpu += sign * load.cpu;
    this.load.memory += sign * load.memory;
    this.pods += sign;
    for (const port of ports) tally(this.ports, port, sign);
    if (group !== undefined) tally(this.groups, group, sign);
  }
}

function tally(counts: Map<string, number>, key: string, by: 1 | -1): void {
  const count = (counts.get(key) ?? 0) + by;
  if (count === 0) counts.delete(key);
  else counts.set(key, count);
}

/** A node and what is taken on it. */
export interface NodeInfo {
  readonly name: string;
  readonly node: Node;
  readonly allocatable: Amounts;
  readonly use: NodeUse;
  /** The resourceVersion of its claim, which moves whenever pods come; absent: none came yet. */
  readonly claim?: string;
}

/** What pods may take of a node: its allocatable amounts, or its capacity where it reports none. */
export const allocatableOf = ({ status }: Node): Amounts => amountsOf(status?.allocatable ?? status?.capacity);
