import { apiVersionOf, badRequest, invalid, invalidValue, isJsonObject, type JsonObject, type KubeObject } from '#libs/apimachinery';
import { prune, type SchemaNode } from '#libs/custom-resources';
import { cannotBeHandled, decode, type Decoded, type DecodeOptions } from '../../schema/decode.js';
import { OBJECT_META } from '../../schema/meta-models.js';

/** Deepest nesting of an object: what recursion can carry, far beyond what anybody writes. */
const MOST_DEPTH = 500;
function isTooDeep(value: unknown, left: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (left === 0) return true;
  for (const member of Object.values(value)) if (isTooDeep(member, left - 1)) return true;
  return false;
}

/** The metadata of any object, read by its own type. Throws BadRequest in the words of the kind's own frame. */
function readMetadata(model: string, value: unknown, options: DecodeOptions, path: string, unknown: string[]): unknown {
  if (value === undefined || value === null) return {};
  if (!isJsonObject(value)) throw cannotBeHandled(model, `${path}: Invalid value: ${JSON.stringify(value)}: must be an object`);
  try {
    const { object, unknown: found } = decode<KubeObject>(OBJECT_META, value, options);
    for (const sentence of found) unknown.push(sentence.replace('unknown field "', `unknown field "${path}.`));
    return object;
  } catch (error) {
    const why = error instanceof Error ? error.message.replace(/^.*cannot be handled as a \w+: /, '') : String(error);
    throw cannotBeHandled(model, `${path}: Invalid value: ${JSON.stringify(value)}: ${why}`, error);
  }
}

/** A resource within a resource has metadata like any other. */
function coerceEmbedded(node: SchemaNode, value: unknown, read: (metadata: unknown, path: string) => unknown, path: string): unknown {
  if (Array.isArray(value)) {
    const { items } = node;
    return items ? value.map((item: unknown, index) => coerceEmbedded(items, item, read, `${path}[${index}]`)) : value;
  }
  if (!isJsonObject(value)) return value;
  const out: Record<string, unknown> = {};
  for (const [name, member] of Object.entries(value)) {
    const at = path === '' ? name : `${path}.${name}`;
    const inner = node.properties.get(name) ?? node.additional;
    const next = node.embedded && name === 'metadata' ? read(member, at) : inner ? coerceEmbedded(inner, member, read, at) : member;
    Object.defineProperty(out, name, { value: next, enumerable: true, configurable: true, writable: true });
  }
  return out;
}

const hasEmbedded = (node: SchemaNode): boolean =>
  node.embedded ||
  [...node.properties.values()].some(hasEmbedded) ||
  (node.additional !== undefined && hasEmbedded(node.additional)) ||
  (node.items !== undefined && hasEmbedded(node.items));

/**
 * How a client's body becomes an object of a version of a custom resource: kind and version as they must be, metadata
 * read by its type, fields that are not specified dropped and told.
 */
export function decoderOf(
  node: SchemaNode,
  expected: { readonly group: string; readonly version: string; readonly kind: string },
  model: string,
) {
  const apiVersion = apiVersionOf(expected);
  const embeds = hasEmbedded(node);
  return (body: unknown, options: DecodeOptions): Decoded => {
    if (!isJsonObject(body))
      throw badRequest(`the object provided is unrecognized (must be of type ${expected.kind}): couldn't get version/kind`);
    if (isTooDeep(body, MOST_DEPTH)) throw badRequest('exceeded max depth');
    const { kind, metadata } = body;
    if (typeof kind === 'string' && kind !== '' && kind !== expected.kind) {
      const name = isJsonObject(metadata) && typeof metadata['name'] === 'string' ? metadata['name'] : '';
      throw invalid(expected.group, kind, name, [invalidValue('kind', kind, `must be ${expected.kind}`)]);
    }
    const unknown: string[] = [];
    const meta = readMetadata(model, metadata, options, 'metadata', unknown);
    const dropped: string[] | undefined = options.strict ? [] : undefined;
    const pruned = prune(node, body, true, dropped) as JsonObject;
    if (dropped) unknown.push(...dropped.sort().map((path) => `unknown field ${JSON.stringify(path)}`));
    const read = (value: unknown, path: string): unknown => readMetadata(model, value, options, path, unknown);
    const coerced = embeds ? (coerceEmbedded(node, pruned, read, '') as JsonObject) : pruned;
    return { object: { ...coerced, apiVersion, kind: expected.kind, metadata: meta } as unknown as KubeObject, unknown };
  };
}
