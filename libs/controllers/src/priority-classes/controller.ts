import { PRIORITYCLASSES, SYSTEM_PRIORITY_CLASSES, type PriorityClass } from '#libs/api';
import type { Controller } from '#libs/apimachinery';
import { ownKey } from '../watching.js';

/** One of the system's classes, where it is missing. */
export interface MissingClass {
  readonly wanted: PriorityClass;
}

/** Keeps the priority classes that every cluster has (upstream's post-start hook `scheduling/bootstrap-system-priority-classes`). */
export const systemPriorityClasses: Controller<MissingClass> = {
  name: 'system-priority-classes',
  actor: 'system:apiserver',
  initialKeys: SYSTEM_PRIORITY_CLASSES.map(({ metadata }) => metadata.name ?? ''),
  watches: [ownKey(PRIORITYCLASSES)],
  snapshot(key, lister) {
    const wanted = SYSTEM_PRIORITY_CLASSES.find(({ metadata }) => metadata.name === key);
    return wanted && !lister.get(PRIORITYCLASSES, undefined, key) ? { wanted } : undefined;
  },
  reconcile: ({ wanted }) => ({ changes: [{ verb: 'create', resource: PRIORITYCLASSES, object: wanted }] }),
};
