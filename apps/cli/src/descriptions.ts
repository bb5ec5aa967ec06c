/** Sentences about types and their fields, by the type's OpenAPI name; the type's own stands under the empty name. */
export type Descriptions = Readonly<Record<string, Readonly<Record<string, string>>>>;

const TABLE = /^var map_(\w+) = map\[string\]string\{\n((?:\t"[^\n]*\n)*)\}/gm;
const ENTRY = /^\t("(?:[^"\\]|\\.)*"):\s*("(?:[^"\\]|\\.)*"),$/gm;

/** The tables of a `types_swagger_doc_generated.go`. `prefix`: of its types' names, e.g. `io.k8s.api.core.v1`. */
export function descriptionsIn(source: string, prefix: string): Descriptions {
  const found: Record<string, Record<string, string>> = {};
  for (const [, type = '', body = ''] of source.matchAll(TABLE)) {
    const sentences: Record<string, string> = {};
    for (const [, name = '""', text = '""'] of body.matchAll(ENTRY)) sentences[unquoted(name)] = unquoted(text);
    found[`${prefix}.${type}`] = sentences;
  }
  return found;
}

/** A string of Go's source: JSON's escapes, and a few more that the generator never writes. */
const unquoted = (literal: string): string => JSON.parse(literal) as string;
