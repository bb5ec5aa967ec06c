import { strategicMergePatch } from '#libs/api';
import { badRequest, invalidValue, jsonMergePatch, jsonPatch, notFound, StatusError, type KubeObject } from '#libs/apimachinery';
import { currentOf, namespaceOf, type Case, type Decided } from './case.js';
import { decodeBody, expectedOf, type DecodedBody, type Expected } from './decoding.js';
import { checkName } from './metadata.js';
import { applyUpdate } from './update.js';
import type { Patch, WriteRequest } from './write.js';

function applied(patch: Patch, model: string, original: KubeObject): unknown {
  switch (patch.type) {
    case 'apply':
      throw new StatusError('UnsupportedMediaType', 'server-side apply is not served for this resource');
    case 'json':
      return jsonPatch(original, patch.operations);
    case 'merge':
      return jsonMergePatch(original, patch.body);
    case 'strategic':
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
  const body = applied(patch, expected.model, original);
  return decodeBody(body, expected, request.options, request.duplicates, (problems) => refused(patch, problems));
}

/** Decides a PATCH of the main resource or of `status`. */
export function decidePatch(given: Case): Decided {
  const { request, definition } = given;
  const name = request.name ?? '';
  const namespace = namespaceOf(given);
  const current = currentOf(given, namespace, name);
  if (!current) throw notFound(definition.resource, name);
  const { object, warnings } = patched(request, current.object, expectedOf(definition));
  checkName(object, name, namespace);
  return applyUpdate(given, current, definition.strategy.defaults(object), warnings);
}
