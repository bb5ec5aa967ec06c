import {
  catalogOfView,
  isInScopes,
  quotaNamesOf,
  quotaUsageOf,
  RESOURCEQUOTAS,
  type ResourceDefinition,
  type ResourceQuota,
} from '#libs/api';
import { deepEqual, keyOf, type Controller, type GroupVersionResource, type KubeObject, type Lister } from '#libs/apimachinery';
import { ownKey, splitKey } from '../watching.js';
import { reconcileQuota, type QuotaSnapshot } from './reconcile.js';

const namesOf = ({ spec }: ResourceQuota): readonly string[] => Object.keys(spec?.hard ?? {});

/** What a quota can count, custom resources included; events come and go by themselves. */
const countedBy = (quota: ResourceQuota, lister: Lister): readonly ResourceDefinition[] =>
  catalogOfView(lister).stored.filter(
    ({ scope, stream, resource }) => scope === 'Namespaced' && stream !== 'event' && quotaNamesOf(namesOf(quota), resource).length > 0,
  );

/** Whether a quota's status speaks of what it now limits. */
const isSynced = ({ spec, status }: ResourceQuota): boolean => deepEqual(spec?.hard ?? {}, status?.hard ?? {});

function takesOtherwise(quota: ResourceQuota, resource: GroupVersionResource, next: KubeObject, old: KubeObject): boolean {
  if (isInScopes(quota, resource, next) !== isInScopes(quota, resource, old)) return true;
  return !deepEqual(quotaUsageOf(resource, next, 0), quotaUsageOf(resource, old, 0));
}

/**
 * An object that is gone, or takes something else than before, wakes the quotas that count it. One that is new was
 * added by the write that made it, unless the quota did not yet know what it limits or lives in another stream.
 */
const countingKeys: NonNullable<Controller['watchesAll']> = (resource, next, old, lister) => {
  const namespace = (next ?? old)?.metadata.namespace;
  if (namespace === undefined) return [];
  const quotas = lister.list(RESOURCEQUOTAS, namespace) as readonly ResourceQuota[];
  if (quotas.length === 0) return [];
  const ofState = catalogOfView(lister).storedDefinitionOf(resource)?.stream === 'state';
  return quotas
    .filter((quota) => quotaNamesOf(namesOf(quota), resource).length > 0)
    .filter((quota) => {
      if (next && old) return takesOtherwise(quota, resource, next, old);
      return !next || !ofState || !isSynced(quota);
    })
    .map(keyOf);
};

/** kube-controller-manager's `resourcequota`, over all resources, those of custom resources included. */
export const resourceQuotaController: Controller<QuotaSnapshot> = {
  name: 'resourcequota-controller',
  actor: 'system:serviceaccount:kube-system:resourcequota-controller',
  watches: [ownKey(RESOURCEQUOTAS)],
  watchesAll: countingKeys,
  snapshot(key, lister) {
    const { namespace = '', name } = splitKey(key);
    const quota = lister.get(RESOURCEQUOTAS, namespace, name) as ResourceQuota | undefined;
    if (!quota) return undefined;
    const counted = countedBy(quota, lister).map(({ resource }) => ({ resource, objects: lister.list(resource, namespace) }));
    return { quota, counted };
  },
  reconcile: reconcileQuota,
};
