import {
  child,
  deepEqual,
  forbiddenField,
  invalidValue,
  isDns1035Label,
  isDns1123Subdomain,
  item,
  notSupported,
  required,
  validateImmutableField,
  type FieldError,
} from '#libs/apimachinery';
import { nodeOf } from '../schema/node.js';
import type {
  CustomResourceColumnDefinition,
  CustomResourceDefinition,
  CustomResourceDefinitionSpec,
  CustomResourceDefinitionStatus,
  CustomResourceDefinitionVersion,
  CustomResourceSubresources,
  JsonSchema,
} from '../types.js';
import { validateApproval } from './approval.js';
import { validateCelRules } from './cel-rules.js';
import { isEstablished } from './conditions.js';
import { validateConversion } from './conversion.js';
import { validateDefaults } from './default-rules.js';
import { validateNames, validateNamesRequired } from './names.js';
import { validateSchemaRules, validateSelectableFields } from './schema-rules.js';
import { validateStructural } from './structural.js';

/** How deep a schema may nest. Upstream's limit is that of its decoder; here recursion must end well before the stack does. */
const MOST_DEPTH = 200;

const COLUMN_TYPES = ['boolean', 'date', 'integer', 'number', 'string'];
const COLUMN_FORMATS = ['binary', 'byte', 'date', 'date-time', 'double', 'float', 'int32', 'int64', 'password'];

/** The members that a root schema may have beside a status subresource, in upstream's order and by Go's names. */
const AT_ROOT: Readonly<Partial<Record<keyof JsonSchema, string>>> = {
  description: 'Description',
  type: 'Type',
  format: 'Format',
  title: 'Title',
  maximum: 'Maximum',
  exclusiveMaximum: 'ExclusiveMaximum',
  minimum: 'Minimum',
  exclusiveMinimum: 'ExclusiveMinimum',
  maxLength: 'MaxLength',
  minLength: 'MinLength',
  pattern: 'Pattern',
  maxItems: 'MaxItems',
  minItems: 'MinItems',
  uniqueItems: 'UniqueItems',
  multipleOf: 'MultipleOf',
  required: 'Required',
  items: 'Items',
  properties: 'Properties',
  externalDocs: 'ExternalDocs',
  example: 'Example',
  'x-kubernetes-preserve-unknown-fields': 'XPreserveUnknownFields',
  'x-kubernetes-validations': 'XValidations',
};

/** Every problem of a new definition but those of its metadata (apiextensions `validation.go`). */
export const validateDefinition = (crd: CustomResourceDefinition): readonly FieldError[] => [
  ...validateSpec(crd.spec, undefined),
  ...validateStatus(crd.status),
  ...validateStoredVersions(crd),
  ...validateApproval(crd.spec.group, crd.metadata, undefined),
  ...validatePreserve(crd.spec, undefined),
];

/** Every problem of a changed definition. */
export function validateDefinitionUpdate(crd: CustomResourceDefinition, old: CustomResourceDefinition): readonly FieldError[] {
  const { spec } = crd;
  const established = isEstablished(old);
  return [
    ...validateSpec(spec, old),
    ...(established ? validateImmutableField(spec.scope, old.spec.scope, 'spec.scope') : []),
    ...(established ? validateImmutableField(spec.names.kind, old.spec.names.kind, 'spec.names.kind') : []),
    ...validateImmutableField(spec.group, old.spec.group, 'spec.group'),
    ...validateImmutableField(spec.names.plural, old.spec.names.plural, 'spec.names.plural'),
    ...validateStatus(crd.status),
    ...validateStoredVersions(crd),
    ...validateApproval(spec.group, crd.metadata, old.metadata),
    ...validatePreserve(spec, old.spec),
  ];
}

/** Every problem of a definition's status. */
export const validateStatus = (status: CustomResourceDefinitionStatus | undefined): readonly FieldError[] =>
  status?.acceptedNames ? validateNames(status.acceptedNames, 'status.acceptedNames') : [];

function validateStoredVersions({ spec, status }: CustomResourceDefinition): readonly FieldError[] {
  const stored = status?.storedVersions ?? [];
  const path = 'status.storedVersions';
  if (stored.length === 0) return [invalidValue(path, status?.storedVersions ?? null, 'must have at least one stored version')];
  const missing = spec.versions.filter(({ name, storage }) => storage && !stored.includes(name));
  return [
    ...missing.map(({ name }) => invalidValue(path, stored, `must have the storage version ${name}`)),
    ...stored.flatMap((name, index) => {
      if (spec.versions.some((version) => version.name === name)) return [];
      const detail =
        `missing from spec.versions; ${name} was previously a storage version, and must remain in spec.versions until a storage ` +
        `migration ensures no data remains persisted in ${name} and removes ${name} from status.storedVersions`;
      return [invalidValue(item(path, index), name, detail)];
    }),
  ];
}

function validatePreserve(spec: CustomResourceDefinitionSpec, old: CustomResourceDefinitionSpec | undefined): readonly FieldError[] {
  if (spec.preserveUnknownFields !== true || old?.preserveUnknownFields === true) return [];
  const detail = 'cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead';
  return [invalidValue('spec.preserveUnknownFields', true, detail)];
}

function validateGroup(group: string): readonly FieldError[] {
  if (group === '') return [required('spec.group')];
  const problems = isDns1123Subdomain(group);
  if (problems.length > 0) return [invalidValue('spec.group', group, problems.join(','))];
  return group.includes('.') ? [] : [invalidValue('spec.group', group, 'should be a domain with at least one dot')];
}

function validateScope(scope: string): readonly FieldError[] {
  if (scope === '') return [required('spec.scope')];
  if (scope === 'Cluster' || scope === 'Namespaced') return [];
  const { message, ...rest } = notSupported('spec.scope', scope, ['Cluster', 'Namespaced']);
  return [{ ...rest, message }];
}

/** What all versions say alike stands at the top of upstream's internal type, and is told there. */
function hoisted<T>(versions: readonly CustomResourceDefinitionVersion[], of: (version: CustomResourceDefinitionVersion) => T): boolean {
  const [first, ...rest] = versions;
  return first !== undefined && rest.every((version) => deepEqual(of(version) ?? null, of(first) ?? null));
}

interface Parts {
  readonly schema: JsonSchema | undefined;
  readonly subresources: CustomResourceSubresources | undefined;
  readonly columns: readonly CustomResourceColumnDefinition[];
  readonly selectable: readonly { readonly jsonPath: string }[];
}

const partsOf = ({ schema, subresources, additionalPrinterColumns, selectableFields }: CustomResourceDefinitionVersion): Parts => ({
  schema: schema?.openAPIV3Schema,
  subresources,
  columns: additionalPrinterColumns ?? [],
  selectable: selectableFields ?? [],
});

function validateSpec(spec: CustomResourceDefinitionSpec, old: CustomResourceDefinition | undefined): readonly FieldError[] {
  const { versions } = spec;
  const path = 'spec.versions';
  const errors: FieldError[] = [...validateGroup(spec.group), ...validateScope(spec.scope)];
  versions.forEach(({ schema }, index) => {
    if (schema?.openAPIV3Schema === undefined) {
      errors.push(required(child(child(item(path, index), 'schema'), 'openAPIV3Schema'), 'schemas are required'));
    }
  });
  versions.forEach((version, index) => {
    const problems = isDns1035Label(version.name);
    if (problems.length > 0) errors.push(invalidValue(child(item(path, index), 'name'), version.name, problems.join(',')));
    errors.push(...validateDeprecation(version, item(path, index)));
  });
  errors.push(...validateVersionParts(spec));
  if (new Set(versions.map(({ name }) => name)).size < versions.length) {
    errors.push(invalidValue(path, versions, 'must contain unique version names'));
  }
  if (versions.filter(({ storage }) => storage).length !== 1) {
    errors.push(invalidValue(path, versions, 'must have exactly one version marked as storage version'));
  }
  return [
    ...errors,
    ...validateNamesRequired(spec.names, 'spec.names'),
    ...validateNames(spec.names, 'spec.names'),
    ...validateConversion(spec, old),
  ];
}

function validateVersionParts({ versions }: CustomResourceDefinitionSpec): readonly FieldError[] {
  const errors: FieldError[] = [];
  const top = {
    schema: hoisted(versions, ({ schema }) => schema),
    subresources: hoisted(versions, ({ subresources }) => subresources),
    columns: hoisted(versions, ({ additionalPrinterColumns }) => additionalPrinterColumns),
    selectable: hoisted(versions, ({ selectableFields }) => selectableFields),
  };
  versions.forEach((version, index) => {
    const { schema, subresources, columns, selectable } = partsOf(version);
    const at = (isTop: boolean): string => (isTop ? 'spec' : item('spec.versions', index));
    const due = (isTop: boolean): boolean => !isTop || index === 0;
    if (schema && due(top.schema)) {
      const status = top.schema ? versions.some((one) => one.subresources?.status) : subresources?.status !== undefined;
      const path = child(at(top.schema), top.schema ? 'validation' : 'schema');
      errors.push(...validateSchema(schema, child(path, 'openAPIV3Schema'), status));
    }
    if (due(top.subresources)) errors.push(...validateSubresources(subresources, child(at(top.subresources), 'subresources')));
    if (due(top.columns)) {
      const path = child(at(top.columns), 'additionalPrinterColumns');
      columns.forEach((column, place) => errors.push(...validateColumn(column, item(path, place))));
    }
    if (schema && due(top.selectable)) {
      errors.push(...validateSelectableFields(selectable, schema, child(at(top.selectable), 'selectableFields')));
    }
  });
  return errors;
}

function validateDeprecation({ deprecated, deprecationWarning }: CustomResourceDefinitionVersion, path: string): readonly FieldError[] {
  if (deprecationWarning === undefined) return [];
  const at = child(path, 'deprecationWarning');
  const wrong = (detail: string): FieldError => invalidValue(at, deprecationWarning, detail);
  if (deprecated !== true) return [wrong('can only be set for deprecated versions')];
  const errors: FieldError[] = [];
  if (deprecationWarning.length > 256) errors.push(wrong('must be <= 256 characters long'));
  if (deprecationWarning === '') errors.push(wrong('must not be an empty string'));
  const odd = /[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/u.exec(deprecationWarning);
  if (odd) errors.push(wrong(`must only contain printable UTF-8 characters; non-printable character found at index ${odd.index}`));
  return errors;
}

function isTooDeep(value: unknown): boolean {
  let level: readonly unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MOST_DEPTH) return true;
    level = level.flatMap((one) => (typeof one === 'object' && one !== null ? Object.values(one as object) : []));
  }
  return false;
}

/** Every problem of one version's schema. */
export function validateSchema(schema: JsonSchema, path: string, status: boolean): readonly FieldError[] {
  if (isTooDeep(schema)) return [forbiddenField(path, `must not nest deeper than ${MOST_DEPTH} levels`)];
  const errors: FieldError[] = status ? [...validateRoot(schema, path)] : [];
  if (schema.nullable === true) errors.push(forbiddenField(`${path}.nullable`, 'nullable cannot be true at the root'));
  const structural = validateStructural(schema, path);
  errors.push(...structural);
  const sound = structural.length === 0;
  if (sound) errors.push(...validateDefaults(schema, path));
  const rules = validateSchemaRules(schema, path);
  errors.push(...rules);
  if (sound && rules.length === 0 && errors.length === 0) errors.push(...validateCelRules(nodeOf(schema), path));
  return errors;
}

function validateRoot(schema: JsonSchema, path: string): readonly FieldError[] {
  if (schema.type !== undefined && schema.type !== '' && schema.type !== 'object') {
    const detail = 'only "object" is allowed as the type at the root of the schema if the status subresource is enabled';
    return [invalidValue(`${path}.type`, schema.type, detail)];
  }
  const other = Object.keys(schema).some((name) => AT_ROOT[name as keyof JsonSchema] === undefined);
  if (!other) return [];
  const allowed = `[${Object.values(AT_ROOT).join(' ')}]`;
  return [invalidValue(path, schema, `only ${allowed} fields are allowed at the root of the schema if the status subresource is enabled`)];
}

function validateColumn({ name, type, format = '', jsonPath }: CustomResourceColumnDefinition, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (name === '') errors.push(required(child(path, 'name')));
  const types = `must be one of ${COLUMN_TYPES.join(',')}`;
  if (type === '') errors.push(required(child(path, 'type'), types));
  else if (!COLUMN_TYPES.includes(type)) errors.push(invalidValue(child(path, 'type'), type, types));
  if (format !== '' && !COLUMN_FORMATS.includes(format)) {
    errors.push(invalidValue(child(path, 'format'), format, `must be one of ${COLUMN_FORMATS.join(',')}`));
  }
  if (jsonPath === '') errors.push(required(child(path, 'JSONPath')));
  else errors.push(...validateSimplePath(jsonPath, child(path, 'JSONPath')));
  return errors;
}

const validateSimplePath = (path: string, field: string): readonly FieldError[] =>
  path.startsWith('.') ? [] : [invalidValue(field, path, 'must be a simple json path starting with .')];

function validateScalePath(value: string, field: string, under: readonly string[], detail: string): readonly FieldError[] {
  const errors = validateSimplePath(value, field);
  if (errors.length > 0) return errors;
  return under.some((prefix) => value.startsWith(prefix)) ? [] : [invalidValue(field, value, detail)];
}

function validateSubresources(subresources: CustomResourceSubresources | undefined, path: string): readonly FieldError[] {
  const scale = subresources?.scale;
  if (!scale) return [];
  const { specReplicasPath, statusReplicasPath, labelSelectorPath = '' } = scale;
  const at = (name: string): string => `${path}.scale.${name}`;
  const paths = (value: string, name: string, prefix: string): readonly FieldError[] =>
    value === ''
      ? [required(at(name))]
      : validateScalePath(value, at(name), [prefix], `should be a json path under ${prefix.slice(0, -1)}`);
  return [
    ...paths(specReplicasPath, 'specReplicasPath', '.spec.'),
    ...paths(statusReplicasPath, 'statusReplicasPath', '.status.'),
    ...(labelSelectorPath === ''
      ? []
      : validateScalePath(
          labelSelectorPath,
          at('labelSelectorPath'),
          ['.spec.', '.status.'],
          'should be a json path under either .spec or .status',
        )),
  ];
}
