import { definitionOf } from '#libs/api';
import type { GroupVersionResource } from '#libs/apimachinery';
import type { WriteRequest } from '#libs/registry';
import type { SimulatedCluster } from '#libs/simulation';

/** Writes to a simulated cluster as a user does, in one namespace. */
export async function writeIn(
  cluster: SimulatedCluster,
  space: string,
  verb: WriteRequest['verb'],
  resource: GroupVersionResource,
  wish: Partial<WriteRequest>,
): Promise<void> {
  const definition = definitionOf(resource);
  if (!definition) throw new Error(`${resource.resource} is not defined`);
  const namespace = definition.scope === 'Namespaced' ? { namespace: space } : {};
  await cluster.writePath.execute({ verb, definition, options: {}, requester: { actor: { user: 'alice' } }, ...namespace, ...wish });
}
