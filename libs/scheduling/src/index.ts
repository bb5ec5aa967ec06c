export { MOST_PLACED, reconcilePending, schedulerController } from './controller.js';
export { ClusterState, clusterState, SCHEDULER_NAME, type SchedulingSnapshot } from './cluster-state.js';
export { NodeUse, type NodeInfo } from './node-info.js';
export { podInfo, type PodInfo } from './pod-info.js';
export type { FilterPlugin, ScorePlugin, Unfit } from './plugins/plugin.js';
export { FILTERS, schedule, scheduleAll, SCORES, type Placement } from './schedule.js';
