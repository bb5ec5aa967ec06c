export { applied, configurationOf } from './apply.js';
export { managedAfterScale, managedOfScale } from './scale.js';
export { managerName, mergeTypeFor, sameButForTimes, tracked, withoutManagedFields, type TrackedKind, type Tracking } from './track.js';
