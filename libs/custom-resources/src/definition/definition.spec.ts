import { unrecognizedFormats, validateDefinition, validateDefinitionUpdate } from '../index.js';
import type { CustomResourceDefinition, CustomResourceDefinitionSpec, CustomResourceDefinitionVersion, JsonSchema } from '../index.js';

const version = (more: Partial<CustomResourceDefinitionVersion> = {}): CustomResourceDefinitionVersion => ({
  name: 'v1',
  served: true,
  storage: true,
  schema: { openAPIV3Schema: { type: 'object' } },
  ...more,
});

const definition = (spec: Partial<CustomResourceDefinitionSpec> = {}, established = false): CustomResourceDefinition => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'tabs.example.com', resourceVersion: '1' },
  spec: {
    group: 'example.com',
    scope: 'Namespaced',
    names: { plural: 'tabs', singular: 'tab', kind: 'Tab', listKind: 'TabList' },
    versions: [version()],
    conversion: { strategy: 'None' },
    ...spec,
  },
  status: {
    acceptedNames: { plural: '', kind: '' },
    storedVersions: ['v1'],
    conditions: established ? [{ type: 'Established', status: 'True' }] : [],
  },
});

const said = (errors: readonly { readonly field: string; readonly message: string }[]): readonly string[] =>
  errors.map(({ field, message }) => `${field}: ${message}`);

const withSchema = (schema: JsonSchema): Partial<CustomResourceDefinitionSpec> => ({
  versions: [version({ schema: { openAPIV3Schema: schema } })],
});
const ROOT = 'spec.validation.openAPIV3Schema';
const inSpec = (schema: JsonSchema): Partial<CustomResourceDefinitionSpec> => withSchema({ type: 'object', properties: { a: schema } });
const A = `${ROOT}.properties[a]`;

const webhook = (clientConfig: object, conversionReviewVersions: readonly string[] = ['v1']): Partial<CustomResourceDefinitionSpec> => ({
  conversion: { strategy: 'Webhook', webhook: { clientConfig, conversionReviewVersions } },
});

const LABEL =
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an " +
  "alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";

const cases: readonly (readonly [name: string, spec: Partial<CustomResourceDefinitionSpec>, problems: readonly string[]])[] = [
  ['nothing', {}, []],
  ['no group', { group: '' }, ['spec.group: Required value']],
  ['a group without a dot', { group: 'example' }, ['spec.group: Invalid value: "example": should be a domain with at least one dot']],
  ['no scope', { scope: '' }, ['spec.scope: Required value']],
  ['another scope', { scope: 'World' }, ['spec.scope: Unsupported value: "World": supported values: "Cluster", "Namespaced"']],
  [
    'no names',
    { names: { plural: '', kind: '' } },
    ['plural', 'singular', 'kind', 'listKind'].map((name) => `spec.names.${name}: Required value`),
  ],
  [
    'names that are none',
    { names: { plural: 'Tabs', singular: 'tab', kind: 'Tab', listKind: 'Tab', shortNames: ['T'] } },
    [
      `spec.names.plural: Invalid value: "Tabs": ${LABEL}`,
      `spec.names.shortNames[0]: Invalid value: "T": ${LABEL}`,
      'spec.names.listKind: Invalid value: "Tab": kind and listKind may not be the same',
    ],
  ],
  ['no schema', { versions: [version({ schema: {} })] }, ['spec.versions[0].schema.openAPIV3Schema: Required value: schemas are required']],
  [
    'two storage versions',
    { versions: [version(), version({ name: 'v2' })] },
    [
      expect.stringContaining('must have exactly one version marked as storage version') as string,
      'status.storedVersions: Invalid value: ["v1"]: must have the storage version v2',
    ],
  ],
  ['an array without items', inSpec({ type: 'array' }), [`${A}.items: Required value: must be specified`]],
  ['no type', inSpec({}), [`${A}.type: Required value: must not be empty for specified object fields`]],
  ['a root of another type', withSchema({ type: 'string' }), [`${ROOT}.type: Invalid value: "string": must be object at the root`]],
  [
    'a type in a junctor',
    inSpec({ type: 'string', anyOf: [{ type: 'string' }] }),
    [`${A}.anyOf[0].type: Forbidden: must be empty to be structural`],
  ],
  ['the junctor of an int or string', inSpec({ 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }] }), []],
  [
    'a junctor about what is not specified',
    inSpec({ type: 'object', not: { properties: { b: { pattern: '^x' } } } }),
    [`${A}.properties[b]: Required value: because it is defined in ${A}.not.properties[b]`],
  ],
  [
    'metadata beyond names',
    withSchema({ type: 'object', properties: { metadata: { type: 'object', properties: { labels: { type: 'object' } } } } }),
    [
      `${ROOT}.properties[metadata]: Forbidden: must not specify anything other than name and generateName, but metadata is implicitly specified`,
    ],
  ],
  [
    'properties beside additionalProperties',
    inSpec({ type: 'object', properties: { b: { type: 'string' } }, additionalProperties: { type: 'string' } }),
    [`${A}.additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive`],
  ],
  [
    'unique items',
    inSpec({ type: 'array', uniqueItems: true, items: { type: 'string' } }),
    [`${A}.uniqueItems: Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes quadratic`],
  ],
  [
    'a type that is none',
    inSpec({ type: 'text' }),
    [`${A}.type: Unsupported value: "text": supported values: "array", "boolean", "integer", "number", "object", "string"`],
  ],
  ['a reference', inSpec({ type: 'string', $ref: '#/x' }), [`${A}.$ref: Forbidden: $ref is not supported`]],
  [
    'a pattern that is none',
    inSpec({ type: 'string', pattern: '(' }),
    [expect.stringContaining(`${A}.pattern: Invalid value: "(": must be a valid regular expression, but isn't: `) as string],
  ],
  [
    'a default of another type',
    inSpec({ type: 'integer', default: 'x' }),
    [`${A}.default: Invalid value: "string":  in body must be of type integer: "string"`],
  ],
  [
    'a default with unknown fields',
    inSpec({ type: 'object', default: { b: 1 } }),
    [`${A}.default: Invalid value: {"b":1}: must not have unknown fields`],
  ],
  [
    'a default of metadata',
    withSchema({ type: 'object', properties: { kind: { type: 'string', default: 'x' } } }),
    [`${ROOT}.properties[kind].default: Forbidden: must not be set in top-level kind`],
  ],
  [
    'a map without keys',
    inSpec({ type: 'array', 'x-kubernetes-list-type': 'map', items: { type: 'object' } }),
    [`${A}.x-kubernetes-list-map-keys: Required value: must not be empty if x-kubernetes-list-type is map`],
  ],
  [
    'keys that may be missing',
    inSpec({
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['n'],
      items: { type: 'object', properties: { n: { type: 'string' } } },
    }),
    [
      `${A}.items.properties[n].default: Required value: this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property`,
    ],
  ],
  [
    'preserving where it is off',
    inSpec({ type: 'object', 'x-kubernetes-preserve-unknown-fields': false }),
    [`${A}.x-kubernetes-preserve-unknown-fields: Invalid value: false: must be true or undefined`],
  ],
  [
    'a column without a path',
    { versions: [version({ additionalPrinterColumns: [{ name: 'A', type: 'text', jsonPath: 'spec' }] })] },
    [
      'spec.additionalPrinterColumns[0].type: Invalid value: "text": must be one of boolean,date,integer,number,string',
      'spec.additionalPrinterColumns[0].JSONPath: Invalid value: "spec": must be a simple json path starting with .',
    ],
  ],
  [
    'a scale outside of spec and status',
    { versions: [version({ subresources: { scale: { specReplicasPath: '.a', statusReplicasPath: '' } } })] },
    [
      'spec.subresources.scale.specReplicasPath: Invalid value: ".a": should be a json path under .spec',
      'spec.subresources.scale.statusReplicasPath: Required value',
    ],
  ],
  [
    'a selectable field that is no field',
    { versions: [version({ selectableFields: [{ jsonPath: '.spec.x' }] })] },
    ['spec.selectableFields[0].jsonPath: Invalid value: ".spec.x": is an invalid path: does not refer to a valid field'],
  ],
  [
    'a webhook without an address',
    webhook({}),
    ['spec.conversion.webhookClientConfig: Required value: exactly one of url or service is required'],
  ],
  [
    'a webhook without https',
    webhook({ url: 'http://a.b/c' }),
    [
      'spec.conversion.webhookClientConfig.url: Invalid value: "http": \'https\' is the only allowed URL scheme; desired format: https://host[/path]',
    ],
  ],
  [
    'reviews of no known version',
    webhook({ url: 'https://a.b/c' }, ['v9']),
    ['spec.conversion.conversionReviewVersions: Invalid value: ["v9"]: must include at least one of v1, v1beta1'],
  ],
  [
    'a definition of the community without approval',
    { group: 'x.k8s.io' },
    [
      'metadata.annotations[api-approved.kubernetes.io]: Required value: protected groups must have approval annotation "api-approved.kubernetes.io", see https://github.com/kubernetes/enhancements/pull/1111',
    ],
  ],
  [
    'unknown fields kept in the old way',
    { preserveUnknownFields: true },
    [
      'spec.preserveUnknownFields: Invalid value: true: cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead',
    ],
  ],
];

describe('a definition', () => {
  it.each(cases)('with %s', (_name, spec, problems) => {
    expect(said(validateDefinition(definition(spec)))).toEqual(problems);
  });

  it('tells the versions apart where they differ', () => {
    const bad: JsonSchema = { type: 'object', properties: { a: {} } };
    const spec = { versions: [version(), version({ name: 'v2', storage: false, schema: { openAPIV3Schema: bad } })] };
    expect(said(validateDefinition(definition(spec)))).toEqual([
      'spec.versions[1].schema.openAPIV3Schema.properties[a].type: Required value: must not be empty for specified object fields',
    ]);
  });

  it('keeps its scope and kind once it is established, and its group and plural always', () => {
    const names = { plural: 'other', singular: 'tab', kind: 'Other', listKind: 'TabList' };
    const next = definition({ scope: 'Cluster', group: 'other.com', names });
    const immutable = (field: string, value: string): string => `${field}: Invalid value: "${value}": field is immutable`;
    const always = [immutable('spec.group', 'other.com'), immutable('spec.names.plural', 'other')];
    expect(said(validateDefinitionUpdate(next, definition()))).toEqual(always);
    expect(said(validateDefinitionUpdate(next, definition({}, true)))).toEqual([
      immutable('spec.scope', 'Cluster'),
      immutable('spec.names.kind', 'Other'),
      ...always,
    ]);
  });

  it('keeps the versions that objects are stored in', () => {
    const next = { ...definition({ versions: [version({ name: 'v2' })] }) };
    expect(said(validateDefinitionUpdate(next, definition()))).toEqual([
      'status.storedVersions: Invalid value: ["v1"]: must have the storage version v2',
      expect.stringContaining(
        'status.storedVersions[0]: Invalid value: "v1": missing from spec.versions; v1 was previously a storage version',
      ) as string,
    ]);
  });

  it('is told of formats that nobody knows, wherever they are', () => {
    const schema: JsonSchema = {
      type: 'object',
      properties: {
        a: { type: 'string', format: 'date-time' },
        b: { type: 'integer', format: 'int32' },
        c: { type: 'array', items: { type: 'string', format: 'phone' } },
        d: { type: 'object', additionalProperties: { type: 'string', format: 'colour' } },
      },
    };
    expect(unrecognizedFormats(schema)).toEqual(['colour', 'phone']);
  });

  it('does not nest without end', () => {
    let schema: JsonSchema = { type: 'object' };
    for (let depth = 0; depth < 300; depth++) schema = { type: 'object', properties: { a: schema } };
    expect(said(validateDefinition(definition(withSchema(schema))))).toEqual([`${ROOT}: Forbidden: must not nest deeper than 200 levels`]);
  });
});
