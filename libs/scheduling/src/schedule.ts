import { fnv32 } from '#libs/apimachinery';
import { NodeUse, type NodeInfo } from './node-info.js';
import { nodeAffinityFilter, nodeAffinityScore } from './plugins/node-affinity.js';
import { nodeName, nodePorts, spreading } from './plugins/placement.js';
import { normalized, type FilterPlugin, type ScorePlugin, type Unfit } from './plugins/plugin.js';
import { balancedAllocation, leastAllocated, mostAllocated, nodeResourcesFit } from './plugins/resources.js';
import { nodeUnschedulable, taintToleration, taintTolerationScore } from './plugins/taints.js';
import { volumeBinding } from './plugins/volume-binding.js';
import type { PodInfo } from './pod-info.js';

/** In the order in which kube-scheduler asks them; the first that says no gives the node's reason. */
export const FILTERS: readonly FilterPlugin[] = [
  nodeUnschedulable,
  nodeName,
  taintToleration,
  nodeAffinityFilter,
  nodePorts,
  nodeResourcesFit,
  volumeBinding,
];

/** The ways to choose among the nodes that can take a pod. */
export const SCHEDULING_PROFILES = ['spreading', 'bin-packing'] as const;
/** One of them. */
export type SchedulingProfile = (typeof SCHEDULING_PROFILES)[number];

/** What all profiles score by. */
const WISHES: readonly ScorePlugin[] = [taintTolerationScore, nodeAffinityScore];

/**
 * The score plugins of each profile, with kube-scheduler's default weights. `spreading` is its default profile. `bin-packing` is a profile
 * of it whose NodeResourcesFit has the scoring strategy MostAllocated, without what works against that: default topology constraints
 * and balanced allocation.
 */
export const SCORES: Readonly<Record<SchedulingProfile, readonly ScorePlugin[]>> = {
  spreading: [...WISHES, spreading, leastAllocated, balancedAllocation],
  'bin-packing': [...WISHES, mostAllocated],
};

/** Where a pod goes, or why nowhere. */
export type Placement = { readonly node: string } | { readonly why: string };

const sentence = (count: number, all: number, histogram: ReadonlyMap<string, number>): string =>
  `${count}/${all} nodes are available: ${[...histogram]
    .map(([reason, times]) => `${times} ${reason}`)
    .sort()
    .join(', ')}.`;

const counted = (reasons: readonly string[]): ReadonlyMap<string, number> => {
  const histogram = new Map<string, number>();
  for (const reason of reasons) histogram.set(reason, (histogram.get(reason) ?? 0) + 1);
  return histogram;
};

/** kube-scheduler's message for a pod that fits nowhere: how many nodes refuse it why, and that no preemption helps. */
function explain(pod: PodInfo, unfit: readonly Unfit[]): string {
  if (unfit.length === 0) return 'no nodes available to schedule pods';
  const why = sentence(0, unfit.length, counted(unfit.flatMap(({ reasons }) => reasons)));
  if (pod.pod.spec?.preemptionPolicy === 'Never') return `${why} preemption: not eligible due to preemptionPolicy=Never.`;
  const help = unfit.map(({ resolvable }) =>
    resolvable ? 'No preemption victims found for incoming pod' : 'Preemption is not helpful for scheduling',
  );
  return `${why} preemption: ${sentence(0, unfit.length, counted(help))}`;
}

/** The same for a pod that no node is asked for. */
function refused(nodes: readonly NodeInfo[], refusal: string): string {
  const all = nodes.length;
  if (all === 0) return 'no nodes available to schedule pods';
  const help = sentence(0, all, new Map([['Preemption is not helpful for scheduling', all]]));
  return `0/${all} nodes are available: ${refusal}. preemption: ${help}`;
}

/** A number that looks drawn by lot, from a pod and a place among its nodes. */
function mixed(seed: number, place: number): number {
  const hash = Math.imul(seed ^ Math.imul(place + 1, 0x9e3779b1), 0x85ebca6b);
  return (hash ^ (hash >>> 15)) >>> 0;
}

function best(pod: PodInfo, feasible: readonly NodeInfo[], scores: readonly ScorePlugin[]): string {
  const [only] = feasible;
  if (feasible.length === 1 && only) return only.name;
  const totals = feasible.map(() => 0);
  for (const { prepare, normalize, weight } of scores) {
    const score = prepare(pod);
    if (!score) continue;
    const points = normalized(feasible.map(score), normalize);
    for (let i = 0; i < totals.length; i++) totals[i] = (totals[i] ?? 0) + weight * (points[i] ?? 0);
  }
  const most = Math.max(...totals);
  const seed = fnv32(pod.pod.metadata.uid ?? pod.pod.metadata.name ?? '');
  let chosen = '';
  let lot = Infinity;
  for (const [i, { name }] of feasible.entries()) {
    if (totals[i] !== most) continue;
    const draw = mixed(seed, i);
    if (draw < lot || chosen === '') [chosen, lot] = [name, draw];
  }
  return chosen;
}

/** Chooses a node for a pod. Among equally good ones a hash of the pod decides: the same input, the same node. */
export function schedule(pod: PodInfo, nodes: readonly NodeInfo[], profile: SchedulingProfile = 'spreading'): Placement {
  const refusal = pod.volumes?.refusal;
  if (refusal !== undefined) return { why: refused(nodes, refusal) };
  const filters = FILTERS.map(({ prepare }) => prepare(pod));
  const feasible: NodeInfo[] = [];
  const unfit: Unfit[] = [];
  for (const node of nodes) {
    let no: Unfit | undefined;
    for (const filter of filters) {
      no = filter(node);
      if (no) break;
    }
    if (no) unfit.push(no);
    else feasible.push(node);
  }
  return feasible.length === 0 ? { why: explain(pod, unfit) } : { node: best(pod, feasible, SCORES[profile]) };
}

/** Everything of a pod that its placement depends on, but for the nodes: pods with the same fail for the same reasons. */
function signature({ pod: { spec }, requests, ports, volumes }: PodInfo): string {
  return JSON.stringify([
    spec?.nodeSelector,
    spec?.affinity?.nodeAffinity,
    spec?.tolerations,
    spec?.nodeName,
    spec?.preemptionPolicy === 'Never',
    requests,
    ports,
    volumes,
  ]);
}

/**
 * Places pods one after the other, each counting on those before it. Within a batch nodes only fill up, so a pod like
 * one that fitted nowhere is not tried again; how full they were then is what its message tells.
 */
export function scheduleAll(
  pods: readonly PodInfo[],
  nodes: readonly NodeInfo[],
  mostPlaced: number,
  profile: SchedulingProfile = 'spreading',
): ReadonlyMap<PodInfo, Placement> {
  const assumed = [...nodes];
  const at = new Map(nodes.map(({ name }, i) => [name, i]));
  const copied = new Set<string>();
  const failed = new Map<string, Placement>();
  const placements = new Map<PodInfo, Placement>();
  let placed = 0;
  for (const pod of pods) {
    if (placed === mostPlaced) break;
    const key = failed.size > 0 ? signature(pod) : undefined;
    const known = key === undefined ? undefined : failed.get(key);
    const placement = known ?? schedule(pod, assumed, profile);
    placements.set(pod, placement);
    if ('why' in placement) {
      if (!known) failed.set(key ?? signature(pod), placement);
      continue;
    }
    placed++;
    const i = at.get(placement.node) ?? 0;
    const info = assumed[i];
    if (!info) continue;
    const mine = copied.has(placement.node) ? info : { ...info, use: new NodeUse(info.use) };
    copied.add(placement.node);
    mine.use.add(pod);
    assumed[i] = mine;
  }
  return placements;
}
