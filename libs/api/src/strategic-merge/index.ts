export { strategicMergePatch } from './strategic-merge.js';
