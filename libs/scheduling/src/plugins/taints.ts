import { tolerates, type Taint } from '#libs/api';
import type { FilterPlugin, ScorePlugin } from './plugin.js';

const UNSCHEDULABLE: Taint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };

/** A cordoned node takes only pods that tolerate it. */
export const nodeUnschedulable: FilterPlugin = {
  name: 'NodeUnschedulable',
  prepare({ pod }) {
    const tolerated = (pod.spec?.tolerations ?? []).some((toleration) => tolerates(toleration, UNSCHEDULABLE));
    const unfit = { reasons: ['node(s) were unschedulable'], resolvable: false };
    return ({ node }) => (node.spec?.unschedulable && !tolerated ? unfit : undefined);
  },
};

/** Taints that keep pods away have to be tolerated. */
export const taintToleration: FilterPlugin = {
  name: 'TaintToleration',
  prepare({ pod }) {
    const tolerations = pod.spec?.tolerations ?? [];
    const unfit = { reasons: ['node(s) had untolerated taint(s)'], resolvable: false };
    return ({ node }) => {
      for (const taint of node.spec?.taints ?? []) {
        if (taint.effect === 'PreferNoSchedule') continue;
        if (!tolerations.some((toleration) => tolerates(toleration, taint))) return unfit;
      }
      return undefined;
    };
  },
};

/** The fewer taints of the gentle kind are not tolerated, the better. */
export const taintTolerationScore: ScorePlugin = {
  name: 'TaintToleration',
  weight: 3,
  normalize: 'reverse',
  prepare({ pod }) {
    const tolerations = (pod.spec?.tolerations ?? []).filter(({ effect }) => !effect || effect === 'PreferNoSchedule');
    return ({ node }) =>
      (node.spec?.taints ?? []).filter(
        (taint) => taint.effect === 'PreferNoSchedule' && !tolerations.some((toleration) => tolerates(toleration, taint)),
      ).length;
  },
};
