import { apiVersionOf, isJsonObject, labelSelectorOf, type GroupVersionResource, type KubeObject } from '#libs/apimachinery';
import {
  applyDefaults,
  isEstablished,
  mergeTypeOfSchema,
  nodeOf,
  prune,
  simplePath,
  valueAt,
  type CustomResourceDefinition,
  type CustomResourceDefinitionVersion,
  type CustomResourceSubresourceScale,
  type SchemaNode,
} from '#libs/custom-resources';
import type { MergeType } from '#libs/structured-merge';
import { byPreference } from '../../api-discovery/group-version.js';
import type { ResourceDefinition, ScaleRules, SubresourceDefinition } from '../../definition.js';
import type { Scale } from '../../generated/types.js';
import { mergeTypeOf } from '../../merge-schema/index.js';
import { ALL_VERBS, SCALE, statusOf } from '../../verbs.js';
import { versionWebhookOf } from './conversion.js';
import { customColumns } from './custom-columns.js';
import { decoderOf } from './custom-schema.js';
import { customStrategy } from './custom-strategy.js';
import { publishedSchema } from './published-schema.js';
import { ruleCheckOf } from './rule-check.js';
import { OBJECT_META } from '../../schema/meta-models.js';

/** The object with a value at a path of members, made where they are missing. */
function withValueAt(value: unknown, [name, ...rest]: readonly string[], next: unknown): unknown {
  if (name === undefined) return next;
  const object = isJsonObject(value) ? value : {};
  return { ...object, [name]: withValueAt(object[name], rest, next) };
}

/** The members of a scale's path, which dots separate. */
const membersOf = (path: string): readonly string[] => path.slice(1).split('.');

/** How a version's objects are scaled. */
function scaleRulesOf({ specReplicasPath, statusReplicasPath, labelSelectorPath }: CustomResourceSubresourceScale): ScaleRules {
  const spec = membersOf(specReplicasPath);
  const status = membersOf(statusReplicasPath);
  const selector = labelSelectorPath ? membersOf(labelSelectorPath) : undefined;
  const numberAt = (object: KubeObject, path: readonly string[]): number | undefined => {
    const value = valueAt(object, path);
    return typeof value === 'number' ? value : undefined;
  };
  return {
    read(object): Pick<Scale, 'spec' | 'status'> & { readonly found: boolean } {
      const found = selector === undefined ? undefined : valueAt(object, selector);
      const text = typeof found === 'string' ? found : isJsonObject(found) ? labelSelectorOf(found).toString() : '';
      const replicas = numberAt(object, spec);
      return {
        found: replicas !== undefined,
        spec: replicas ? { replicas } : {},
        status: { replicas: numberAt(object, status) ?? 0, ...(text === '' ? {} : { selector: text }) },
      };
    },
    write: (object, replicas) => withValueAt(object, spec, replicas) as KubeObject,
    path: specReplicasPath,
  };
}

function subresourcesOf({ subresources }: CustomResourceDefinitionVersion, kind: string): readonly SubresourceDefinition[] {
  return [
    ...(subresources?.status ? [statusOf(kind)] : []),
    ...(subresources?.scale ? [{ ...SCALE, scale: scaleRulesOf(subresources.scale) }] : []),
  ];
}

function fieldsOf({ selectableFields = [] }: CustomResourceDefinitionVersion): ResourceDefinition['fields'] {
  return Object.fromEntries(
    selectableFields.map(({ jsonPath }) => {
      const path = simplePath(jsonPath) ?? [];
      const read = (object: KubeObject): string => {
        const value = valueAt(object, path);
        return value === undefined || value === null || typeof value === 'object' ? '' : String(value);
      };
      return [jsonPath.replace(/^\./, ''), read];
    }),
  );
}

/** `com.example.v1.CronTab`: how upstream names the types of a group. */
const modelName = (group: string, version: string, kind: string): string => [...group.split('.').reverse(), version, kind].join('.');

/** One version of a definition, compiled. */
interface Compiled {
  readonly version: CustomResourceDefinitionVersion;
  readonly apiVersion: string;
  readonly node: SchemaNode;
  readonly merge: MergeType;
}

function compile(crd: CustomResourceDefinition, version: CustomResourceDefinitionVersion): Compiled {
  const node = nodeOf(version.schema?.openAPIV3Schema ?? { type: 'object', 'x-kubernetes-preserve-unknown-fields': true });
  return {
    version,
    apiVersion: apiVersionOf({ group: crd.spec.group, version: version.name }),
    node: crd.spec.preserveUnknownFields === true ? { ...node, preservesUnknown: true } : node,
    merge: mergeTypeOfSchema(node, mergeTypeOf(OBJECT_META)),
  };
}

/** An object as a version has it: under its name, without what its schema does not know. */
const named = ({ apiVersion, node }: Compiled, object: KubeObject): KubeObject =>
  prune(node, object.apiVersion === apiVersion ? object : { ...object, apiVersion }, true, undefined) as KubeObject;

/** What the clients of a deprecated version are told, with the best version that is newer. */
function deprecationOf({ spec }: CustomResourceDefinition, name: string, kind: string): string {
  const sentence = `${spec.group}/${name} ${kind} is deprecated`;
  const [best] = spec.versions
    .filter((version) => version.served && !version.deprecated && byPreference(version.name, name) < 0)
    .map((version) => version.name)
    .sort(byPreference);
  return best === undefined ? sentence : `${sentence}; use ${spec.group}/${best} ${kind}`;
}

function definitionOf(crd: CustomResourceDefinition, own: Compiled, storage: Compiled, all: readonly Compiled[]): ResourceDefinition {
  const { spec, status } = crd;
  const { version, node, merge } = own;
  const names = status?.acceptedNames ?? spec.names;
  const { plural, kind, listKind = `${kind}List`, singular = kind.toLowerCase(), shortNames = [], categories = [] } = names;
  const place = (name: string): GroupVersionResource => ({ group: spec.group, version: name, resource: plural });
  const model = modelName(spec.group, version.name, kind);
  const hasStatus = version.subresources?.status !== undefined;
  const webhook = versionWebhookOf(crd);
  const mergeTypes = new Map(all.filter((one) => one.version.served).map((one) => [one.apiVersion, one.merge]));
  return {
    resource: place(version.name),
    kind,
    listKind,
    singular,
    shortNames,
    categories,
    scope: spec.scope === 'Cluster' ? 'Cluster' : 'Namespaced',
    served: version.served,
    verbs: ALL_VERBS,
    ...(version.deprecated ? { deprecation: version.deprecationWarning ?? deprecationOf(crd, version.name, kind) } : {}),
    model,
    schema: {
      decode: decoderOf(node, { group: spec.group, version: version.name, kind }, model),
      merge,
      mergeAt: (other) => mergeTypes.get(other),
      published: () => publishedSchema(version.schema?.openAPIV3Schema, spec.preserveUnknownFields === true),
    },
    unconditionalUpdate: false,
    resetFields: { '': hasStatus ? ['status'] : [], status: ['metadata', 'spec'] },
    stream: 'state',
    storage: {
      resource: place(storage.version.name),
      toStored: (object) => named(storage, object),
      fromStored: (stored) => applyDefaults(node, named(own, stored)) as KubeObject,
      ...(webhook ? { webhook } : {}),
    },
    subresources: subresourcesOf(version, kind),
    fields: fieldsOf(version),
    strategy: customStrategy(node, { hasStatus, scale: version.subresources?.scale, rules: ruleCheckOf(node) }),
    columns: customColumns(version.additionalPrinterColumns ?? []),
  };
}

/** What a definition adds to the kinds that are served: a definition for each version, once it is established. */
export function customResourcesOf(crd: CustomResourceDefinition): readonly ResourceDefinition[] {
  if (!isEstablished(crd)) return [];
  const all = crd.spec.versions.map((version) => compile(crd, version));
  const storage = all.find(({ version }) => version.storage);
  if (storage === undefined) return [];
  return all.filter(({ version }) => version.served || version.storage).map((one) => definitionOf(crd, one, storage, all));
}
