import { StatusError, type KubeObject } from '#libs/apimachinery';
import type { WriteRequest } from '#libs/registry';
import type { WritePath } from '../ports.js';

/** How many of a collection's objects are deleted at the same time. */
const AT_ONCE = 64;

/** Which objects to delete: `request` is the deletion of one of them, less its name and namespace. */
export interface CollectionDeletion {
  readonly request: Omit<WriteRequest, 'verb' | 'name' | 'namespace'>;
  readonly objects: readonly KubeObject[];
}

/**
 * Deletes the objects that a list has selected, each as a request of its own would; one that is gone by then is
 * no error. Throws the first other StatusError, after those under way have ended. Resolves with what was selected.
 */
export async function deleteCollection(writePath: WritePath, { request, objects }: CollectionDeletion): Promise<readonly KubeObject[]> {
  let next = 0;
  let failure: unknown;
  const work = async (): Promise<void> => {
    while (failure === undefined && next < objects.length) {
      const { name = '', namespace } = (objects[next++] as KubeObject).metadata;
      try {
        await writePath.execute({ ...request, verb: 'delete', name, ...(namespace === undefined ? {} : { namespace }) });
      } catch (thrown) {
        if (!(thrown instanceof StatusError && thrown.reason === 'NotFound')) failure ??= thrown;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, objects.length) }, work));
  if (failure !== undefined) throw failure;
  return objects;
}
