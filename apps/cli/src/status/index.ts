export { askLog, askProcess } from './ask.js';
export { detailsOf } from './details.js';
export type { ProcessDetail, StatusDetails } from './details.js';
export { detailText, problemLines, processTable } from './text.js';
