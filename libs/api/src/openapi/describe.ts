import type { OpenApiDocument } from './document.js';
import type { Schema } from './schemas.js';
import { META_PACKAGE } from '../schema/meta-models.js';

/** Sentences about types and their fields, by the type's OpenAPI name; the type's own stands under the empty name. */
export type Descriptions = Readonly<Record<string, Readonly<Record<string, string>>>>;

const CORE = 'io.k8s.api.core.v1';
/** Whose fields the parameters of a query are: the first that has one of the name. */
const OPTIONS = [
  `${META_PACKAGE}.ListOptions`,
  `${META_PACKAGE}.DeleteOptions`,
  `${META_PACKAGE}.PatchOptions`,
  ...['PodLogOptions', 'PodExecOptions', 'PodAttachOptions', 'PodPortForwardOptions', 'NodeProxyOptions'].map((name) => `${CORE}.${name}`),
];

/** A document with a description of every type, field and parameter that sentences are known about; it is the same without. */
export function described(document: OpenApiDocument, descriptions: Descriptions): OpenApiDocument {
  // The tables of types leave out what all of them embed.
  const common = descriptions[`${META_PACKAGE}.TypeMeta`] ?? {};
  const schemas = Object.entries(document.components.schemas).map(([name, schema]) => {
    const own = Object.hasOwn(descriptions, name) ? descriptions[name] : undefined;
    return [name, own === undefined ? schema : describedSchema(schema, { ...common, '': '', ...own })] as const;
  });
  const paths = Object.entries(document.paths).map(([path, item]) => [path, describedItem(item, descriptions)] as const);
  return { ...document, paths: Object.fromEntries(paths), components: { ...document.components, schemas: Object.fromEntries(schemas) } };
}

function describedSchema(schema: Schema, sentences: Descriptions[string]): Schema {
  const { properties } = schema as { readonly properties?: Readonly<Record<string, Schema>> };
  return {
    ...(sentences[''] ? { description: sentences[''] } : {}),
    ...schema,
    ...(properties === undefined ? {} : { properties: describedFields(properties, sentences) }),
  };
}

const describedFields = (properties: Readonly<Record<string, Schema>>, sentences: Descriptions[string]): Schema =>
  Object.fromEntries(
    Object.entries(properties).map(([name, field]) => {
      const sentence = Object.hasOwn(sentences, name) ? sentences[name] : undefined;
      return [name, sentence === undefined ? field : { description: withValues(sentence, field), ...field }];
    }),
  );

/** Upstream names the values of an enumeration at the end of its field's sentences. */
function withValues(sentence: string, { enum: values }: { readonly enum?: unknown }): string {
  if (!Array.isArray(values)) return sentence;
  return `${sentence}\n\nPossible enum values:\n${values.map((value) => ` - \`${JSON.stringify(value)}\``).join('\n')}`;
}

/** Parameters of a path, and of each of its operations. */
function describedItem(item: Schema, descriptions: Descriptions): Schema {
  const members = Object.entries(item).map(([key, member]) => {
    if (key === 'parameters') return [key, describedParameters(member, descriptions)] as const;
    const operation = member as Schema;
    const { parameters } = operation;
    return [
      key,
      parameters === undefined ? operation : { ...operation, parameters: describedParameters(parameters, descriptions) },
    ] as const;
  });
  return Object.fromEntries(members);
}

const describedParameters = (parameters: unknown, descriptions: Descriptions): unknown =>
  (parameters as readonly Schema[]).map((parameter) => {
    const name = String(parameter['name']);
    const sentence = parameter['in'] === 'query' ? OPTIONS.map((model) => descriptions[model]?.[name]).find(Boolean) : undefined;
    return sentence === undefined ? parameter : { description: sentence, ...parameter };
  });
