import { StatusError, type KubeObject } from '#libs/apimachinery';
import { formatPlace, type Sequence } from '#libs/log';
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
 * no error. The first event is the root of the others, so one object goes before the rest. Throws the first other
 * StatusError, after those under way have ended. Resolves with what was selected.
 */
export async function deleteCollection(writePath: WritePath, { request, objects }: CollectionDeletion): Promise<readonly KubeObject[]> {
  let { requester } = request;
  let failure: unknown;
  const remove = async ({ metadata: { name = '', namespace } }: KubeObject): Promise<Sequence | undefined> => {
    try {
      const deletion = { ...request, requester, verb: 'delete', name, ...(namespace === undefined ? {} : { namespace }) } as const;
      return (await writePath.execute(deletion)).sequence;
    } catch (thrown) {
      if (!(thrown instanceof StatusError && thrown.reason === 'NotFound')) failure ??= thrown;
      return undefined;
    }
  };
  const lead = objects.find(({ metadata }) => metadata.deletionTimestamp === undefined);
  const first = lead && (await remove(lead));
  if (first !== undefined) {
    const root = formatPlace(request.definition.stream, first);
    requester = { ...requester, root: requester.root ?? root, cause: requester.cause ?? root };
  }
  const rest = objects.filter((object) => object !== lead);
  let next = 0;
  const work = async (): Promise<void> => {
    while (failure === undefined && next < rest.length) await remove(rest[next++] as KubeObject);
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, rest.length) }, work));
  if (failure !== undefined) throw failure;
  return objects;
}
