export { compared, HIDDEN } from './compare.js';
export type { Comparison, FieldDifference, ObjectDifference } from './compare.js';
export type { Load, NodeSummary, PodCounts, WorkloadSummary } from './summary.js';
