import { badRequest, formatTime, type KubeObject, type ObjectMeta } from '#libs/apimachinery';
import type { WriteContext } from './write.js';

/** The longest prefix that leaves room for the five characters a server appends. */
const LONGEST_GENERATED_PREFIX = 58;

const NAMESPACE_MISMATCH = 'the namespace of the provided object does not match the namespace sent on the request';

/** An object's namespace as the request has it: filled in, dropped for cluster-scoped kinds, or BadRequest where they differ. */
export function inNamespace(metadata: ObjectMeta, namespace: string): ObjectMeta {
  const { namespace: own = '', ...rest } = metadata;
  if (own === namespace) return own === '' ? rest : metadata;
  if (namespace === '') return rest;
  if (own === '') return { ...metadata, namespace };
  throw badRequest(NAMESPACE_MISMATCH);
}

/** On updates the body must carry the name of the URL and no other namespace than the request's. */
export function checkName({ metadata }: KubeObject, name: string, namespace: string): void {
  if (!metadata.name) throw badRequest(`the name of the object (${name} based on URL) was undeterminable: name must be provided`);
  if (metadata.name !== name) throw badRequest(`the name of the object (${metadata.name}) does not match the name on the URL (${name})`);
  const own = metadata.namespace ?? '';
  if (namespace !== '' && own !== '' && own !== namespace) {
    throw badRequest(`the namespace of the object (${own}) does not match the namespace on the request (${namespace})`);
  }
}

/** A name made from a prefix, as upstream's name generator makes it. */
export const generatedName = (prefix: string, suffix: string): string => `${prefix.slice(0, LONGEST_GENERATED_PREFIX)}${suffix}`;

/** The metadata of a new object: what the server owns is the server's, whatever the client sent. */
export function metadataForCreate(sent: ObjectMeta, namespace: string, { now, uid, suffix }: WriteContext): ObjectMeta {
  const {
    selfLink: _link,
    resourceVersion: _version,
    deletionTimestamp: _deleted,
    deletionGracePeriodSeconds: _grace,
    name = '',
    generateName,
    ...rest
  } = inNamespace(sent, namespace);
  const made = name === '' && generateName ? generatedName(generateName, suffix) : name;
  return {
    ...(made === '' ? {} : { name: made }),
    ...(generateName === undefined ? {} : { generateName }),
    ...rest,
    uid,
    creationTimestamp: formatTime(now),
  };
}

/** The metadata of a changed object: what an update can't move is as it was. `next.resourceVersion` has been judged. */
export function metadataForUpdate(next: ObjectMeta, old: ObjectMeta): ObjectMeta {
  const { selfLink: _link, generation: _generation, ...rest } = next;
  const grace = rest.deletionGracePeriodSeconds ?? old.deletionGracePeriodSeconds;
  return {
    ...rest,
    ...(old.generation === undefined ? {} : { generation: old.generation }),
    ...(rest.uid ? {} : old.uid === undefined ? {} : { uid: old.uid }),
    ...(old.resourceVersion === undefined ? {} : { resourceVersion: old.resourceVersion }),
    ...(old.creationTimestamp === undefined ? {} : { creationTimestamp: old.creationTimestamp }),
    ...(old.deletionTimestamp === undefined ? {} : { deletionTimestamp: old.deletionTimestamp }),
    ...(grace === undefined ? {} : { deletionGracePeriodSeconds: grace }),
  };
}
