import type { Change, GroupVersionResource, KubeObject } from '#libs/apimachinery';
import type { ResourceDefinition } from '#libs/api';
import type { Actor, Decision } from '#libs/log';
import type { Requester, WriteRequest } from '#libs/registry';
import { generatedName, generatedSuffix } from './generated-suffix.js';

const SERVICE_ACCOUNT = 'system:serviceaccount:';

/** The identity that a controller's writes carry, with the groups such a user is in. */
export function actorOf(user: string): Actor {
  if (user.startsWith(SERVICE_ACCOUNT)) {
    const [namespace = ''] = user.slice(SERVICE_ACCOUNT.length).split(':');
    return { user, groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'] };
  }
  return user.startsWith('system:node:')
    ? { user, groups: ['system:nodes', 'system:authenticated'] }
    : { user, groups: ['system:authenticated'] };
}

/** The object a change is about, as `namespace/name` or its generateName where it has no name yet. */
export const changedObject = (change: Change): string =>
  change.verb === 'delete'
    ? `${change.namespace ?? ''}/${change.name}`
    : `${change.object.metadata.namespace ?? ''}/${change.object.metadata.name ?? `${change.object.metadata.generateName ?? ''}*`}`;

/** A create's object with the name its decision gives it. */
function named(object: KubeObject, decision: Pick<Decision, 'key' | 'seen' | 'index'>): KubeObject {
  const { name, generateName, ownerReferences } = object.metadata;
  if (name !== undefined || generateName === undefined) return object;
  const owner = ownerReferences?.find(({ controller }) => controller === true)?.uid ?? decision.key;
  const suffix = generatedSuffix(owner, decision.seen, decision.index);
  return { ...object, metadata: { ...object.metadata, name: generatedName(generateName, suffix) } };
}

/** The change as it is asked for: what a generated name depends on is known by now. */
export const decidedChange = (change: Change, decision: Pick<Decision, 'key' | 'seen' | 'index'>): Change =>
  change.verb === 'create' ? { ...change, object: named(change.object, decision) } : change;

const placed = (namespace: string | undefined): { readonly namespace?: string } => (namespace === undefined ? {} : { namespace });

/** A decided change as the write path takes it. Throws where the resource is not served. */
export function requestFor(
  change: Change,
  definitionFor: (resource: GroupVersionResource) => ResourceDefinition | undefined,
  requester: Requester,
): WriteRequest {
  const definition = definitionFor(change.resource);
  if (!definition) throw new RangeError(`no definition of ${change.resource.group}/${change.resource.resource}`);
  const { verb } = change;
  if (verb === 'delete') {
    const { preconditions, propagationPolicy, gracePeriodSeconds } = change;
    const options = {
      ...(preconditions ? { preconditions } : {}),
      ...(propagationPolicy ? { propagationPolicy } : {}),
      ...(gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }),
    };
    return { verb, definition, ...placed(change.namespace), name: change.name, options, requester };
  }
  const { object, subresource } = change;
  const { name, namespace } = object.metadata;
  return {
    verb,
    definition,
    ...placed(namespace),
    ...(name === undefined || (verb === 'create' && subresource === undefined) ? {} : { name }),
    ...(subresource === undefined ? {} : { subresource }),
    object,
    options: {},
    requester,
  };
}
