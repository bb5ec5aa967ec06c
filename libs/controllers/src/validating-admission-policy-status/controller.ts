import {
  CUSTOMRESOURCEDEFINITIONS,
  definitionByKind,
  definitionOf,
  expressionWarnings,
  modelType,
  resourceType,
  VALIDATINGADMISSIONPOLICIES,
  type ResourceDefinition,
  type TypedKind,
  type TypedKinds,
  type TypedSchema,
  type ValidatingAdmissionPolicy,
} from '#libs/api';
import type { Controller, KubeObject } from '#libs/apimachinery';

/** What is looked at of a CustomResourceDefinition. */
interface CustomResource extends KubeObject {
  readonly spec: {
    readonly group: string;
    readonly names: { readonly plural: string; readonly kind: string };
    readonly versions: readonly {
      readonly name: string;
      readonly served: boolean;
      readonly schema?: { readonly openAPIV3Schema?: TypedSchema };
    }[];
  };
}

/** A policy, beside the custom resources that it may be about. */
export interface PolicyTypesSnapshot {
  readonly policy: ValidatingAdmissionPolicy;
  readonly customs: readonly CustomResource[];
}

function builtIn(definition: ResourceDefinition | undefined): TypedKind | undefined {
  if (!definition) return undefined;
  const { group, version } = definition.resource;
  return { kind: { group, version, kind: definition.kind }, type: modelType(definition.model) };
}

function custom(
  customs: readonly CustomResource[],
  group: string,
  version: string,
  is: (one: CustomResource) => boolean,
): TypedKind | undefined {
  const found = customs.find((one) => one.spec.group === group && is(one));
  const schema = found?.spec.versions.find(({ name, served }) => name === version && served)?.schema?.openAPIV3Schema;
  if (!found || !schema) return undefined;
  const { kind } = found.spec.names;
  return { kind: { group, version, kind }, type: resourceType(schema, kind) };
}

const kindsFrom = (customs: readonly CustomResource[]): TypedKinds => ({
  ofResource: (resource) =>
    builtIn(definitionOf(resource)) ??
    custom(customs, resource.group, resource.version, ({ spec }) => spec.names.plural === resource.resource),
  ofKind: (apiVersion, kind) => {
    const [group = '', version = ''] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion];
    return builtIn(definitionByKind(apiVersion, kind)) ?? custom(customs, group, version, ({ spec }) => spec.names.kind === kind);
  },
});

/** Checks each policy's expressions against the kinds that it matches: kube-controller-manager's `validatingadmissionpolicy-status-controller`. */
export const validatingAdmissionPolicyStatus: Controller<PolicyTypesSnapshot> = {
  name: 'validatingadmissionpolicy-status-controller',
  actor: 'system:serviceaccount:kube-system:validatingadmissionpolicy-status-controller',
  watches: [{ resource: VALIDATINGADMISSIONPOLICIES, keys: (next) => (next ? [next.metadata.name ?? ''] : []) }],
  snapshot(key, lister) {
    const policy = lister.get(VALIDATINGADMISSIONPOLICIES, undefined, key) as ValidatingAdmissionPolicy | undefined;
    if (!policy || policy.status?.observedGeneration === policy.metadata.generation) return undefined;
    return { policy, customs: lister.list(CUSTOMRESOURCEDEFINITIONS) as readonly CustomResource[] };
  },
  reconcile({ policy, customs }) {
    const warnings = expressionWarnings(policy, kindsFrom(customs));
    const { generation } = policy.metadata;
    const status = {
      ...policy.status,
      ...(generation === undefined ? {} : { observedGeneration: generation }),
      typeChecking: warnings.length === 0 ? {} : { expressionWarnings: warnings },
    };
    const object: ValidatingAdmissionPolicy = { ...policy, status };
    return { changes: [{ verb: 'update', resource: VALIDATINGADMISSIONPOLICIES, subresource: 'status', object }] };
  },
};
