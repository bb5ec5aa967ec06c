import type { NodeInfo } from '../node-info.js';
import type { PodInfo } from '../pod-info.js';

/** Why a node can not take a pod. */
export interface Unfit {
  /** In kube-scheduler's words, as they are counted in a FailedScheduling message. */
  readonly reasons: readonly string[];
  /** Removing other pods from the node could help. */
  readonly resolvable: boolean;
}

/** Says whether a node can take a pod. Prepared once for each pod. */
export interface FilterPlugin {
  readonly name: string;
  readonly prepare: (pod: PodInfo) => (node: NodeInfo) => Unfit | undefined;
}

/** Says how well nodes suit a pod, each from 0 to 100 after `normalize`. */
export interface ScorePlugin {
  readonly name: string;
  readonly weight: number;
  readonly prepare: (pod: PodInfo) => ((node: NodeInfo) => number) | undefined;
  /** Absent: scores are from 0 to 100 already. `reverse`: the greatest raw score is worst. */
  readonly normalize?: 'straight' | 'reverse';
}

/** The best score. */
export const MOST_SCORE = 100;

/** Raw scores as upstream's DefaultNormalizeScore scales them. */
export function normalized(scores: readonly number[], how: ScorePlugin['normalize']): readonly number[] {
  if (how === undefined) return scores;
  const most = Math.max(0, ...scores);
  if (most === 0) return how === 'reverse' ? scores.map(() => MOST_SCORE) : scores;
  const scaled = scores.map((score) => Math.floor((score * MOST_SCORE) / most));
  return how === 'reverse' ? scaled.map((score) => MOST_SCORE - score) : scaled;
}
