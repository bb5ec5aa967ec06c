import { additionalOf, itemsOf } from '../schema/node.js';
import type { JsonSchema } from '../types.js';
import { formatOf } from '../validation/formats.js';

/** Formats of numbers, which say what any number here is. */
const NUMERIC = ['int32', 'int64', 'float', 'double'];

/** The formats that a schema names and nobody knows, each once, in order. */
export function unrecognizedFormats(schema: JsonSchema): readonly string[] {
  const found = new Set<string>();
  walk(schema, found);
  return [...found].sort();
}

function walk(schema: JsonSchema, found: Set<string>): void {
  const { format = '', properties = {}, allOf = [], anyOf = [], oneOf = [], not } = schema;
  if (format !== '' && !NUMERIC.includes(format) && formatOf(format) === undefined) found.add(format);
  const items = itemsOf(schema);
  const additional = additionalOf(schema);
  const below = [...Object.values(properties), ...allOf, ...anyOf, ...oneOf];
  for (const one of [...below, ...(not ? [not] : []), ...(items ? [items] : []), ...(additional ? [additional] : [])]) walk(one, found);
}
