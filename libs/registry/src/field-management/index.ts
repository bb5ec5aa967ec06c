export { applied, configurationOf } from './apply.js';
export { managerName, sameButForTimes, tracked, type Tracking } from './track.js';
