import type { ParamKind, ParamRef } from '#libs/api';
import { labelSelectorOf, type GroupVersionResource, type KubeObject } from '#libs/apimachinery';
import { storedResource, type Case } from '../../case.js';

/** A policy or binding that can't be used as it is configured; judged by the failure policy. */
export class Misconfigured extends Error {}

interface ParamResource {
  readonly resource: GroupVersionResource;
  readonly namespaced: boolean;
}

const gvk = (group: string, version: string, kind: string): string => `${group}/${version}, Kind=${kind}`;

/** The resource whose objects are params: of a built-in kind, or of a custom resource. */
function paramResource(given: Case, { apiVersion = '', kind = '' }: ParamKind): ParamResource {
  const definition = given.read.catalog.definitionByKind(apiVersion, kind);
  if (definition) return { resource: storedResource(definition), namespaced: definition.scope === 'Namespaced' };
  const [group = '', version = ''] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion];
  throw new Misconfigured(`failed to find resource referenced by paramKind: '${gvk(group, version, kind)}'`);
}

function placeOf({ namespaced }: ParamResource, ref: ParamRef, requestNamespace: string): string {
  if (!namespaced) {
    if (ref.namespace) throw new Misconfigured('paramRef.namespace must not be provided for a cluster-scoped `paramKind`');
    return '';
  }
  const namespace = ref.namespace || requestNamespace;
  if (namespace === '') throw new Misconfigured('cannot use namespaced paramRef in policy binding that matches cluster-scoped resources');
  return namespace;
}

/** The resource that a policy's params are of. Throws Misconfigured where there is none. */
export const checkParamKind = (given: Case, kind: ParamKind | undefined): void => void (kind && paramResource(given, kind));

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
  const found = paramResource(given, kind);
  const namespace = placeOf(found, ref, requestNamespace);
  const { read } = given;
  const selector = labelSelectorOf(ref.selector ?? {});
  const one = ref.name ? read.object(found.resource, namespace, ref.name)?.object : undefined;
  const params = ref.name
    ? one
      ? [one]
      : []
    : read.list(found.resource, namespace === '' ? undefined : namespace).filter(({ metadata }) => selector.matches(metadata.labels ?? {}));
  if (params.length === 0 && ref.parameterNotFoundAction !== 'Allow') {
    throw new Misconfigured('no params found for policy binding with `Deny` parameterNotFoundAction');
  }
  return params;
}
