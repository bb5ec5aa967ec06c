export { MOST_PLACED, reconcilePending, schedulerController, schedulerFor } from './controller.js';
export { ClusterState, clusterState, SCHEDULER_NAME, type SchedulingSnapshot } from './cluster-state.js';
export { NodeUse, type NodeInfo } from './node-info.js';
export { QUEUE } from './part.js';
export { podInfo, type PodInfo } from './pod-info.js';
export type { FilterPlugin, ScorePlugin, Unfit } from './plugins/plugin.js';
export { FILTERS, schedule, scheduleAll, SCHEDULING_PROFILES, SCORES, type Placement, type SchedulingProfile } from './schedule.js';
