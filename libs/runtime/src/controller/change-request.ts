import { GENERATED_NAME, type Basis, type Change, type KubeObject } from '#libs/apimachinery';
import { EVENTS, type Catalog, type Event, type ResourceDefinition } from '#libs/api';
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

/** What a change moves that it was decided on; undefined: nothing. */
export const basisOf = (change: Change): Basis | undefined => (change.verb === 'create' ? change.basis : undefined);

/** Whether a change only tells of another: a Kubernetes Event. */
export const isTelling = ({ verb, resource }: Change): boolean =>
  (verb === 'create' || verb === 'update') && resource.group === EVENTS.group && resource.resource === EVENTS.resource;

type Chosen = Pick<Decision, 'key' | 'seen'>;

/** The name of what a Kubernetes Event tells of: the nearest change before it that is no Event itself. */
function toldName(changes: readonly Change[], at: number, decision: Chosen): string {
  for (let index = at - 1; index >= 0; index--) {
    const change = changes[index];
    if (!change || isTelling(change)) continue;
    return change.verb === 'create' ? (named(change.object, { ...decision, index }).metadata.name ?? '') : '';
  }
  return '';
}

/** One change of a decision as it is asked for: generated names are known by now. */
export function decidedChange(changes: readonly Change[], index: number, decision: Chosen): Change | undefined {
  const change = changes[index];
  if (change?.verb !== 'create') return change;
  if (!isTelling(change)) return { ...change, object: named(change.object, { ...decision, index }) };
  const event = change.object as Event;
  if (!event.message?.includes(GENERATED_NAME)) return change;
  const told: Event = { ...event, message: event.message.replace(GENERATED_NAME, toldName(changes, index, decision)) };
  return { ...change, object: told };
}

const placed = (namespace: string | undefined): { readonly namespace?: string } => (namespace === undefined ? {} : { namespace });

/** The definition of what a change is about. An object of a custom resource is written in the version that it is in. */
function definitionFor(change: Change, catalog: Catalog): ResourceDefinition | undefined {
  const stored = catalog.storedDefinitionOf(change.resource);
  if (stored?.schema === undefined || change.verb === 'delete') return stored;
  return catalog.definitionByKind(change.object.apiVersion, change.object.kind) ?? stored;
}

/** A decided change as the write path takes it. Throws where the resource is not served. */
export function requestFor(change: Change, catalog: Catalog, requester: Requester): WriteRequest {
  const definition = definitionFor(change, catalog);
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
  const basis = basisOf(change);
  const { name, namespace } = object.metadata;
  return {
    verb,
    definition,
    ...placed(namespace),
    ...(name === undefined || (verb === 'create' && subresource === undefined) ? {} : { name }),
    ...(subresource === undefined ? {} : { subresource }),
    object,
    options: {},
    ...(basis === undefined ? {} : { basis }),
    requester,
  };
}
