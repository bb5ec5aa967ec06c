import type { Sequence, StreamName } from '#libs/log';
import type { StateCache } from '#libs/runtime';
import type { MemoryLog } from '../memory-log.js';
import type { Violation } from './witness.js';

/** Looks at a cache as it follows the log: it must hear of each event once, in order, from where it began. */
export function followed(view: StateCache, log: MemoryLog, name: string, report: (violation: Violation) => void): void {
  const heard: Record<StreamName, Sequence> = { ...view.position };
  view.subscribe(({ stream, sequence }) => {
    const next = log.nextAfter(stream, heard[stream]);
    if (next !== sequence) {
      const says = `${name} heard ${stream} ${sequence}, and ${next ?? 'nothing'} comes after ${heard[stream]}`;
      report({ invariant: 'each watch sees each event once, in order', says });
    }
    heard[stream] = sequence;
  });
}
