import type { ParamKind, ParamRef, ResourceDefinition } from '#libs/api';
import { labelSelectorOf, type KubeObject } from '#libs/apimachinery';
import { formsOf, storedResource, type Case } from '../../case.js';

/** A policy or binding that can't be used as it is configured; judged by the failure policy. */
export class Misconfigured extends Error {}

const gvk = (group: string, version: string, kind: string): string => `${group}/${version}, Kind=${kind}`;

/** The kind whose objects are params, in the version that was named: a built-in one, or a custom resource. */
function paramDefinition(given: Case, { apiVersion = '', kind = '' }: ParamKind): ResourceDefinition {
  const definition = given.read.catalog.definitionByKind(apiVersion, kind);
  if (definition) return definition;
  const [group = '', version = ''] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion];
  throw new Misconfigured(`failed to find resource referenced by paramKind: '${gvk(group, version, kind)}'`);
}

function placeOf({ scope }: ResourceDefinition, ref: ParamRef, requestNamespace: string): string {
  if (scope === 'Cluster') {
    if (ref.namespace) throw new Misconfigured('paramRef.namespace must not be provided for a cluster-scoped `paramKind`');
    return '';
  }
  const namespace = ref.namespace || requestNamespace;
  if (namespace === '') throw new Misconfigured('cannot use namespaced paramRef in policy binding that matches cluster-scoped resources');
  return namespace;
}

/** The resource that a policy's params are of. Throws Misconfigured where there is none. */
export const checkParamKind = (given: Case, kind: ParamKind | undefined): void => void (kind && paramDefinition(given, kind));

/**
 * What a binding evaluates its policy with: each of these params in turn. `undefined` stands for a policy that takes
 * none, null for a binding that gives none. Throws Misconfigured.
 */
export function paramsOf(
  given: Case,
  kind: ParamKind | undefined,
  ref: ParamRef | undefined,
  requestNamespace: string,
): readonly (KubeObject | null | undefined)[] {
  if (!kind) return [undefined];
  if (!ref) return [null];
  const definition = paramDefinition(given, kind);
  const namespace = placeOf(definition, ref, requestNamespace);
  const { read } = given;
  const stored = storedResource(definition);
  const selector = labelSelectorOf(ref.selector ?? {});
  const one = ref.name ? read.object(stored, namespace, ref.name)?.object : undefined;
  const params = ref.name
    ? one
      ? [one]
      : []
    : read.list(stored, namespace === '' ? undefined : namespace).filter(({ metadata }) => selector.matches(metadata.labels ?? {}));
  if (params.length === 0 && ref.parameterNotFoundAction !== 'Allow') {
    throw new Misconfigured('no params found for policy binding with `Deny` parameterNotFoundAction');
  }
  return formsOf({ ...given, definition }, params);
}
