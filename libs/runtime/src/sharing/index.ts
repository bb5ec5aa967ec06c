export { WHOLE } from './alone.js';
export { assign } from './assign.js';
export type { Membership } from './membership.js';
export { planLeaving, planSteps, type Standing, type Steps } from './plan.js';
export * from './share.js';
export { Sharing, type SharingOptions } from './sharing.js';
