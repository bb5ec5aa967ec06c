import type { GroupVersionResource, KubeObject } from '#libs/apimachinery';
import { qosClassOf } from '../core/v1/pod-resources.js';
import type { Affinity, PersistentVolumeClaim, Pod, PodAffinityTerm, ResourceQuota } from '../generated/types.js';

/** One scope of a quota, of either form: what it is about and what it asks. */
export interface QuotaScope {
  readonly scopeName: string;
  readonly operator: string;
  readonly values?: readonly string[];
}

/** The scopes of a quota; a plain one asks that it exists. */
export const quotaScopesOf = ({ spec }: ResourceQuota): readonly QuotaScope[] => [
  ...(spec?.scopes ?? []).map((scopeName) => ({ scopeName, operator: 'Exists' })),
  ...(spec?.scopeSelector?.matchExpressions ?? []),
];

const isAcross = ({ namespaces = [], namespaceSelector }: PodAffinityTerm): boolean =>
  namespaces.length > 0 || namespaceSelector !== undefined;

function looksAcrossNamespaces({ podAffinity, podAntiAffinity }: Affinity): boolean {
  return [podAffinity, podAntiAffinity].some((side) => {
    const preferred = (side?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(({ podAffinityTerm }) => podAffinityTerm);
    return [...(side?.requiredDuringSchedulingIgnoredDuringExecution ?? []), ...preferred].some(isAcross);
  });
}

/** Whether the class that an object names, if any, is one that the scope asks for. */
function hasClass(name: string, { operator, values = [] }: QuotaScope): boolean {
  switch (operator) {
    case 'Exists':
      return name !== '';
    case 'DoesNotExist':
      return name === '';
    case 'In':
      return name !== '' && values.includes(name);
    default:
      return name === '' || !values.includes(name);
  }
}

function podInScope(scope: QuotaScope, { spec }: Pod): boolean {
  switch (scope.scopeName) {
    case 'Terminating':
      return spec?.activeDeadlineSeconds !== undefined;
    case 'NotTerminating':
      return spec?.activeDeadlineSeconds === undefined;
    case 'BestEffort':
      return spec !== undefined && qosClassOf(spec) === 'BestEffort';
    case 'NotBestEffort':
      return spec !== undefined && qosClassOf(spec) !== 'BestEffort';
    case 'CrossNamespacePodAffinity':
      return spec?.affinity !== undefined && looksAcrossNamespaces(spec.affinity);
    case 'PriorityClass':
      return hasClass(spec?.priorityClassName ?? '', scope);
  }
  return false;
}

function claimInScope(scope: QuotaScope, { spec, status }: PersistentVolumeClaim): boolean {
  if (scope.scopeName !== 'VolumeAttributesClass') return false;
  const names = [
    spec?.volumeAttributesClassName,
    status?.currentVolumeAttributesClassName,
    status?.modifyVolumeStatus?.targetVolumeAttributesClassName,
  ];
  const named = [...new Set(names.filter((name) => name !== undefined && name !== ''))] as readonly string[];
  return named.length === 0 ? hasClass('', scope) : named.some((name) => hasClass(name, scope));
}

/** Whether a quota is about an object: it has all the scopes of the quota. Only pods and claims have any. */
export function isInScopes(quota: ResourceQuota, { group, resource }: GroupVersionResource, object: KubeObject): boolean {
  const scopes = quotaScopesOf(quota);
  if (scopes.length === 0) return true;
  if (group !== '') return false;
  if (resource === 'pods') return scopes.every((scope) => podInScope(scope, object as Pod));
  return resource === 'persistentvolumeclaims' && scopes.every((scope) => claimInScope(scope, object as PersistentVolumeClaim));
}
