export { Tracer } from './tracer.js';
export type { TracerOptions } from './tracer.js';
