import type { NodeInfo } from '../node-info.js';
import type { PodInfo } from '../pod-info.js';
import { MOST_SCORE, type FilterPlugin, type ScorePlugin } from './plugin.js';

/** Requests against what is allocatable, the number of pods among them. */
export const nodeResourcesFit: FilterPlugin = {
  name: 'NodeResourcesFit',
  prepare({ requests }) {
    const wanted = Object.entries(requests).filter(([, amount]) => amount > 0);
    return ({ allocatable, use }) => {
      const reasons: string[] = [];
      let resolvable = true;
      if (use.pods + 1 > (allocatable['pods'] ?? 0)) reasons.push('Too many pods');
      for (const [name, amount] of wanted) {
        const there = allocatable[name] ?? 0;
        if (amount <= there - (use.requested[name] ?? 0)) continue;
        reasons.push(`Insufficient ${name}`);
        if (amount > there) resolvable = false;
      }
      return reasons.length === 0 ? undefined : { reasons, resolvable };
    };
  },
};

const WATCHED = ['cpu', 'memory'] as const;

/** The mean over cpu and memory of what `share` makes of what is taken with the pod and what there is. */
const byShare = (share: (taken: number, there: number) => number): ScorePlugin => ({
  name: 'NodeResourcesFit',
  weight: 1,
  prepare:
    ({ load }) =>
    ({ allocatable, use }) => {
      let sum = 0;
      let counted = 0;
      for (const name of WATCHED) {
        const there = allocatable[name] ?? 0;
        if (there === 0) continue;
        sum += share(use.load[name] + load[name], there);
        counted++;
      }
      return counted === 0 ? 0 : Math.floor(sum / counted);
    },
});

/** The share that is left free, averaged over cpu and memory. */
export const leastAllocated: ScorePlugin = byShare((taken, there) =>
  taken > there ? 0 : Math.floor(((there - taken) * MOST_SCORE) / there),
);

/** The share that is taken, averaged over cpu and memory: full nodes are filled up before empty ones are begun. */
export const mostAllocated: ScorePlugin = byShare((taken, there) => Math.floor((Math.min(taken, there) * MOST_SCORE) / there));

const fraction = ({ requests }: PodInfo, { allocatable, use }: NodeInfo, name: string): number | undefined => {
  const there = allocatable[name] ?? 0;
  return there === 0 ? undefined : Math.min(1, ((use.requested[name] ?? 0) + (requests[name] ?? 0)) / there);
};

/** Cpu and memory are to be used up evenly: the less their shares differ, the better. A pod that asks for neither has no say. */
export const balancedAllocation: ScorePlugin = {
  name: 'NodeResourcesBalancedAllocation',
  weight: 1,
  prepare(info) {
    if (WATCHED.every((name) => (info.requests[name] ?? 0) === 0)) return undefined;
    return (node) => {
      const cpu = fraction(info, node, 'cpu');
      const memory = fraction(info, node, 'memory');
      const deviation = cpu === undefined || memory === undefined ? 0 : Math.abs(cpu - memory) / 2;
      return Math.floor((1 - deviation) * MOST_SCORE);
    };
  },
};
