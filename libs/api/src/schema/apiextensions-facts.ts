import type { FieldFact, ModelFacts } from './field-fact.js';
import { OBJECT_META } from './meta-models.js';

/** Where upstream's OpenAPI has the types of CustomResourceDefinitions. */
const PACKAGE = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1';
const own = (name: string): string => `#${PACKAGE}.${name}`;

/** The model of CustomResourceDefinition. */
export const CRD_MODEL = `${PACKAGE}.CustomResourceDefinition`;
/** The model of the schemas within it. */
export const JSON_SCHEMA_MODEL = `${PACKAGE}.JSONSchemaProps`;

const omitted = (proto: number, type: string, more: Partial<FieldFact> = {}): FieldFact => ({
  type,
  proto,
  omit: true,
  optional: true,
  ...more,
});
const pointer = (proto: number, type: string): FieldFact => omitted(proto, type, { pointer: true });
const must = (proto: number, type: string, more: Partial<FieldFact> = {}): FieldFact => ({ type, proto, ...more });
const atomic = { listType: 'atomic' } as const;

const schema = '#' + JSON_SCHEMA_MODEL;

/**
 * The types of apiextensions.k8s.io/v1, which are not among those of the package that the other facts come from: fields
 * in Go's order, with their protobuf numbers. `any` is upstream's JSON.
 */
export const APIEXTENSIONS_FACTS: Readonly<Record<string, ModelFacts>> = {
  [CRD_MODEL]: {
    apiVersion: { type: 'string', omit: true, optional: true },
    kind: { type: 'string', omit: true, optional: true },
    metadata: { type: `#${OBJECT_META}`, proto: 1, omit: true, optional: true },
    spec: must(2, own('CustomResourceDefinitionSpec')),
    status: { type: own('CustomResourceDefinitionStatus'), proto: 3, omit: true, optional: true },
  },
  [`${PACKAGE}.CustomResourceDefinitionSpec`]: {
    group: must(1, 'string'),
    names: must(3, own('CustomResourceDefinitionNames')),
    scope: must(4, 'string'),
    versions: must(7, `[]${own('CustomResourceDefinitionVersion')}`, atomic),
    conversion: pointer(9, own('CustomResourceConversion')),
    preserveUnknownFields: omitted(10, 'bool'),
  },
  [`${PACKAGE}.CustomResourceDefinitionNames`]: {
    plural: must(1, 'string'),
    singular: omitted(2, 'string'),
    shortNames: omitted(3, '[]string', atomic),
    kind: must(4, 'string'),
    listKind: omitted(5, 'string'),
    categories: omitted(6, '[]string', atomic),
  },
  [`${PACKAGE}.CustomResourceDefinitionVersion`]: {
    name: must(1, 'string'),
    served: must(2, 'bool'),
    storage: must(3, 'bool'),
    deprecated: omitted(7, 'bool'),
    deprecationWarning: pointer(8, 'string'),
    schema: pointer(4, own('CustomResourceValidation')),
    subresources: pointer(5, own('CustomResourceSubresources')),
    additionalPrinterColumns: omitted(6, `[]${own('CustomResourceColumnDefinition')}`, atomic),
    selectableFields: omitted(9, `[]${own('SelectableField')}`, atomic),
  },
  [`${PACKAGE}.CustomResourceValidation`]: { openAPIV3Schema: pointer(1, schema) },
  [`${PACKAGE}.CustomResourceSubresources`]: {
    status: pointer(1, own('CustomResourceSubresourceStatus')),
    scale: pointer(2, own('CustomResourceSubresourceScale')),
  },
  [`${PACKAGE}.CustomResourceSubresourceStatus`]: {},
  [`${PACKAGE}.CustomResourceSubresourceScale`]: {
    specReplicasPath: must(1, 'string'),
    statusReplicasPath: must(2, 'string'),
    labelSelectorPath: pointer(3, 'string'),
  },
  [`${PACKAGE}.CustomResourceColumnDefinition`]: {
    name: must(1, 'string'),
    type: must(2, 'string'),
    format: omitted(3, 'string'),
    description: omitted(4, 'string'),
    priority: omitted(5, 'int32'),
    jsonPath: must(6, 'string'),
  },
  [`${PACKAGE}.SelectableField`]: { jsonPath: must(1, 'string') },
  [`${PACKAGE}.CustomResourceConversion`]: { strategy: must(1, 'string'), webhook: pointer(2, own('WebhookConversion')) },
  [`${PACKAGE}.WebhookConversion`]: {
    clientConfig: pointer(2, own('WebhookClientConfig')),
    conversionReviewVersions: must(3, '[]string', atomic),
  },
  [`${PACKAGE}.WebhookClientConfig`]: {
    url: pointer(3, 'string'),
    service: pointer(1, own('ServiceReference')),
    caBundle: omitted(2, 'bytes'),
  },
  [`${PACKAGE}.ServiceReference`]: {
    namespace: must(1, 'string'),
    name: must(2, 'string'),
    path: pointer(3, 'string'),
    port: pointer(4, 'int32'),
  },
  [`${PACKAGE}.CustomResourceDefinitionStatus`]: {
    conditions: {
      type: `[]${own('CustomResourceDefinitionCondition')}`,
      proto: 1,
      optional: true,
      listType: 'map',
      listMapKeys: ['type'],
    },
    acceptedNames: { type: own('CustomResourceDefinitionNames'), proto: 2, optional: true },
    storedVersions: { type: '[]string', proto: 3, optional: true, ...atomic },
    observedGeneration: omitted(4, 'int64'),
  },
  [`${PACKAGE}.CustomResourceDefinitionCondition`]: {
    type: must(1, 'string'),
    status: must(2, 'string'),
    lastTransitionTime: omitted(3, 'time', { omitZero: true }),
    reason: omitted(4, 'string'),
    message: omitted(5, 'string'),
    observedGeneration: omitted(6, 'int64'),
  },
  [`${PACKAGE}.ExternalDocumentation`]: { description: omitted(1, 'string'), url: omitted(2, 'string') },
  [`${PACKAGE}.ValidationRule`]: {
    rule: must(1, 'string'),
    message: omitted(2, 'string'),
    messageExpression: omitted(3, 'string'),
    reason: pointer(4, 'string'),
    fieldPath: omitted(5, 'string'),
    optionalOldSelf: pointer(6, 'bool'),
  },
  [JSON_SCHEMA_MODEL]: {
    id: omitted(1, 'string'),
    $schema: omitted(2, 'string'),
    $ref: pointer(3, 'string'),
    description: omitted(4, 'string'),
    type: omitted(5, 'string'),
    format: omitted(6, 'string'),
    title: omitted(7, 'string'),
    default: pointer(8, 'any'),
    maximum: pointer(9, 'double'),
    exclusiveMaximum: omitted(10, 'bool'),
    minimum: pointer(11, 'double'),
    exclusiveMinimum: omitted(12, 'bool'),
    maxLength: pointer(13, 'int64'),
    minLength: pointer(14, 'int64'),
    pattern: omitted(15, 'string'),
    maxItems: pointer(16, 'int64'),
    minItems: pointer(17, 'int64'),
    uniqueItems: omitted(18, 'bool'),
    multipleOf: pointer(19, 'double'),
    enum: omitted(20, '[]any', atomic),
    maxProperties: pointer(21, 'int64'),
    minProperties: pointer(22, 'int64'),
    required: omitted(23, '[]string', atomic),
    items: pointer(24, 'schemaOrArray'),
    allOf: omitted(25, `[]${schema}`, atomic),
    oneOf: omitted(26, `[]${schema}`, atomic),
    anyOf: omitted(27, `[]${schema}`, atomic),
    not: pointer(28, schema),
    properties: omitted(29, `map:${schema}`),
    additionalProperties: pointer(30, 'schemaOrBool'),
    patternProperties: omitted(31, `map:${schema}`),
    dependencies: omitted(32, 'map:schemaOrStrings'),
    additionalItems: pointer(33, 'schemaOrBool'),
    definitions: omitted(34, `map:${schema}`),
    externalDocs: pointer(35, own('ExternalDocumentation')),
    example: pointer(36, 'any'),
    nullable: omitted(37, 'bool'),
    'x-kubernetes-preserve-unknown-fields': pointer(38, 'bool'),
    'x-kubernetes-embedded-resource': omitted(39, 'bool'),
    'x-kubernetes-int-or-string': omitted(40, 'bool'),
    'x-kubernetes-list-map-keys': omitted(41, '[]string', atomic),
    'x-kubernetes-list-type': pointer(42, 'string'),
    'x-kubernetes-map-type': pointer(43, 'string'),
    'x-kubernetes-validations': omitted(44, `[]${own('ValidationRule')}`, { listType: 'map', listMapKeys: ['rule'] }),
  },
};
