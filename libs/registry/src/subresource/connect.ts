import { notFound, type KubeObject } from '#libs/apimachinery';
import { admit, mutate } from '../admission/chain.js';
import type { Attributes, Operation } from '../admission/plugin.js';
import { currentOf, namespaceOf, type Case, type Decided } from '../case.js';

/**
 * Asks admission about what writes nothing: a connection to a pod, a node or a Service (CONNECT, its options as the
 * object; whether it exists is found out when connecting), or a token for an account that must exist (CREATE).
 */
export function decideAsked(given: Case, operation: Operation): Decided {
  const { request, definition } = given;
  const { name = '', subresource = '' } = request;
  const namespace = namespaceOf(given);
  if (operation === 'CREATE' && !currentOf(given, namespace, name)) throw notFound(definition.resource, name);
  const object = request.object as KubeObject;
  const attributes: Attributes = { operation, subresource, name, namespace, object, old: undefined };
  const answer = mutate(given, attributes) ?? object;
  const { warnings } = admit(given, { ...attributes, object: answer });
  return { writes: [], answer, code: operation === 'CREATE' ? 201 : 200, warnings };
}
