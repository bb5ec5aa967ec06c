import { conflict, OPTIMISTIC_LOCK, StatusError } from '#libs/apimachinery';
import { Notes, remark } from './admission/notes.js';
import type { Case, Decided } from './case.js';
import { decideCreate } from './create.js';
import { decideDelete } from './delete.js';
import { decidePatch } from './patch.js';
import { Reader, Unknown } from './reader.js';
import { decideBinding } from './subresource/binding.js';
import { decideEviction } from './subresource/eviction.js';
import { decideAsked } from './subresource/connect.js';
import { decideScale } from './subresource/scale.js';
import { decideUpdate } from './update.js';
import type { AdmissionStep, ClusterSettings, Known, WriteContext, WriteRequest } from './write.js';

const unsupported = (): StatusError =>
  new StatusError('MethodNotAllowed', 'the server does not allow this method on the requested resource');

function decideMain(given: Case): Decided {
  switch (given.request.verb) {
    case 'create':
      return decideCreate(given);
    case 'update':
      return decideUpdate(given);
    case 'patch':
      return decidePatch(given);
    case 'delete':
      return decideDelete(given);
    case 'connect':
      throw unsupported();
  }
}

function decideSubresource(given: Case, subresource: string): Decided {
  const { verb } = given.request;
  if (verb === 'connect') return decideAsked(given, 'CONNECT');
  if (verb === 'create' && subresource === 'token') return decideAsked(given, 'CREATE');
  if (verb === 'update' || verb === 'patch') {
    if (subresource === 'scale') return decideScale(given);
    const isPart = given.definition.strategy.parts?.[subresource] !== undefined;
    if (subresource === 'status' || subresource === 'finalize' || isPart) return decideMain(given);
  }
  if (verb === 'create' && subresource === 'binding') return decideBinding(given);
  if (verb === 'create' && subresource === 'eviction') return decideEviction(given);
  throw unsupported();
}

/** Throws Conflict where what the request was decided on has moved since. */
function checkBasis({ request: { basis }, read }: Case): void {
  if (!basis) return;
  const { resource, namespace = '', name, resourceVersion = '0' } = basis;
  const stands = read.object(resource, namespace, name)?.sequence ?? 0;
  if (String(stands) !== resourceVersion) throw conflict(resource, name, OPTIMISTIC_LOCK);
}

/**
 * One step of the write path: what the request comes to, given what is known, or what must be known first.
 * Pure: the same arguments give the same step. Throws StatusError where the write is refused, in upstream's words.
 */
export function decideWrite(request: WriteRequest, known: Known, context: WriteContext, settings: ClusterSettings): AdmissionStep {
  const notes = new Notes();
  const given: Case = { request, definition: request.definition, read: new Reader(known), context, settings, notes };
  try {
    checkBasis(given);
    const decided = request.subresource === undefined ? decideMain(given) : decideSubresource(given, request.subresource);
    return notes.annotations.size === 0 ? decided : { ...decided, annotations: notes.annotations };
  } catch (thrown) {
    if (thrown instanceof Unknown) return { need: [thrown.need] };
    if (thrown instanceof StatusError) remark(thrown, notes);
    throw thrown;
  }
}
