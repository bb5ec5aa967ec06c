import type { KubeObject } from '#libs/apimachinery';
import { decodeObject } from './body.js';
import type { Recorded } from './event.js';

/** The object after an event, resourceVersion included; undefined once it is deleted. */
export function evolve<T extends KubeObject = KubeObject>(_before: T | undefined, event: Recorded): T | undefined {
  switch (event.meta.type) {
    case 'Created':
    case 'Updated':
      return decodeObject<T>(event.body, event.sequence);
    case 'Deleted':
      return undefined;
  }
}
