import { strategicMergePatch } from '#libs/api';
import { badRequest, invalidValue, jsonMergePatch, jsonPatch, notFound, StatusError, type KubeObject } from '#libs/apimachinery';
import { currentOf, namespaceOf, trackingOf, type Case, type Decided } from './case.js';
import { create } from './create.js';
import { decodeBody, expectedOf, type DecodedBody, type Expected } from './decoding.js';
import { applied, configurationOf, tracked } from './field-management/index.js';
import { checkName } from './metadata.js';
import { applyUpdate, checkUid, isMeant } from './update.js';
import type { Patch, WriteRequest } from './write.js';

function patchedValue(patch: Patch, { model, schema }: Expected, original: KubeObject): unknown {
  switch (patch.type) {
    case 'apply':
      throw new Error('an apply is merged, not patched');
    case 'json':
      return jsonPatch(original, patch.operations);
    case 'merge':
      return jsonMergePatch(original, patch.body);
    case 'strategic':
      if (schema) throw new StatusError('UnsupportedMediaType', 'custom resources are not merged strategically');
      return strategicMergePatch(model, original, patch.body);
  }
}

const textOf = (patch: Patch): string => JSON.stringify(patch.type === 'json' ? patch.operations : patch.body);

/** What strict decoding finds in a patched object is said of the patch. */
function refused(patch: Patch, problems: readonly string[]): StatusError {
  const problem = invalidValue('patch', textOf(patch), `strict decoding error: ${problems.join(', ')}`);
  return new StatusError('Invalid', ` "" is invalid: patch: ${problem.message}`, { causes: [problem] });
}

/** An object after a request's patch, decoded against the kind it is of. */
export function patched(request: WriteRequest, original: KubeObject, expected: Expected): DecodedBody {
  const { patch } = request;
  if (!patch) throw badRequest('no patch in the request');
  const body = patchedValue(patch, expected, original);
  return decodeBody(body, expected, request.options, request.duplicates, (problems) => refused(patch, problems));
}

/** Decides a server-side apply: a create where the object is not there, else the merged object with its owners. */
function decideApply(given: Case, body: unknown): Decided {
  const { request, definition } = given;
  const name = request.name ?? '';
  const namespace = namespaceOf(given);
  const config = configurationOf(body, definition, name, namespace);
  const current = currentOf(given, namespace, name);
  const force = request.options.force === true;
  const live = current?.object ?? { apiVersion: config.apiVersion, kind: config.kind, metadata: {} };
  const { object, warnings } = decodeBody(
    applied(trackingOf(given), live, config, force),
    expectedOf(definition),
    request.options,
    request.duplicates,
    (problems) => badRequest(`error strict decoding YAML: ${problems.join(', ')}`),
  );
  const next = definition.strategy.defaults(object);
  if (current) {
    checkName(next, name, namespace);
    return applyUpdate(given, current, next, warnings);
  }
  if (request.subresource !== undefined || isMeant(request)) throw notFound(definition.resource, name);
  checkUid(given, next.metadata, { name, namespace });
  checkName(next, name, namespace);
  const { resourceVersion: _none, ...metadata } = next.metadata;
  return create(given, { ...next, metadata }, warnings);
}

/** Decides a PATCH of the main resource or of `status`. */
export function decidePatch(given: Case): Decided {
  const { request, definition } = given;
  if (request.patch?.type === 'apply') return decideApply(given, request.patch.body);
  const name = request.name ?? '';
  const namespace = namespaceOf(given);
  const current = currentOf(given, namespace, name);
  if (!current) throw notFound(definition.resource, name);
  const { object, warnings } = patched(request, current.object, expectedOf(definition));
  checkName(object, name, namespace);
  const next = tracked(trackingOf(given), current.object, definition.strategy.defaults(object));
  return applyUpdate(given, current, next, warnings);
}
