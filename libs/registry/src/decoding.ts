import { decode, definitionByKind, strictDecodingError, type ObjectSchema, type ResourceDefinition } from '#libs/api';
import { apiVersionOf, badRequest, isJsonObject, type GroupVersionKind, type KubeObject, type StatusError } from '#libs/apimachinery';
import type { WriteOptions } from './write.js';

/** A decoded object and what the client is warned about. */
export interface DecodedBody<T extends KubeObject = KubeObject> {
  readonly object: T;
  readonly warnings: readonly string[];
}

/** The kind a body is expected to be, and its name in the facts. */
export interface Expected extends GroupVersionKind {
  readonly model: string;
  /** Of a custom resource. */
  readonly schema?: ObjectSchema;
}

/** The kind that a resource's own body has. */
export const expectedOf = ({ resource, kind, model, schema }: ResourceDefinition): Expected => ({
  group: resource.group,
  version: resource.version,
  kind,
  model,
  ...(schema ? { schema } : {}),
});

/** What a body says it is must be what the URL says, in upstream's words; what it leaves out is taken from the URL. */
function checkKind(body: Readonly<Record<string, unknown>>, expected: Expected): void {
  const { apiVersion, kind } = body;
  const version = apiVersionOf(expected);
  if (typeof apiVersion === 'string' && apiVersion !== '' && apiVersion !== version) {
    throw badRequest(`the API version in the data (${apiVersion}) does not match the expected API version (${version})`);
  }
  if (typeof kind !== 'string' || kind === '' || kind === expected.kind || expected.schema) return;
  const why = definitionByKind(version, kind)
    ? `converting (${expected.version}.${kind}) to (${expected.group.split('.')[0] || 'core'}.${expected.kind}): unknown conversion`
    : `no kind "${kind}" is registered for version "${version}" in scheme "pkg/api/legacyscheme/scheme.go:30"`;
  throw badRequest(`${kind} in version "${expected.version}" cannot be handled as a ${expected.kind}: ${why}`);
}

/** The problems of strict decoding, judged: warnings, nothing, or the error that `refuse` makes of them. */
function judged(
  problems: readonly string[],
  { fieldValidation }: WriteOptions,
  refuse: (problems: readonly string[]) => StatusError,
): readonly string[] {
  if (problems.length === 0 || fieldValidation === 'Ignore') return [];
  if (fieldValidation === 'Strict') throw refuse(problems);
  return problems;
}

/**
 * A client's body as an object of the expected kind. Throws BadRequest where kind, version or types are wrong, and
 * where strict validation was asked for and it has unknown or duplicate fields; `refuse` words the latter.
 */
export function decodeBody<T extends KubeObject = KubeObject>(
  body: unknown,
  expected: Expected,
  options: WriteOptions,
  duplicates: readonly string[] = [],
  refuse: (problems: readonly string[]) => StatusError = (problems) => strictDecodingError(expected.model, problems),
): DecodedBody<T> {
  if (isJsonObject(body)) checkKind(body, expected);
  const strict = options.fieldValidation !== 'Ignore';
  const { object: decoded, unknown } = expected.schema
    ? expected.schema.decode(body, { strict })
    : decode(expected.model, body, { strict });
  const object = decoded as T;
  const warnings = judged([...duplicates, ...unknown], options, refuse);
  const { apiVersion: _version, kind: _kind, metadata, ...rest } = object;
  return {
    object: { apiVersion: apiVersionOf(expected), kind: expected.kind, metadata: metadata ?? {}, ...rest } as unknown as T,
    warnings,
  };
}
