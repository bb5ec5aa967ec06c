import {
  isInScopes,
  limitedTo,
  quotaUsageOf,
  RESOURCEQUOTAS,
  usageEndsAt,
  withAdded,
  type ResourceList,
  type ResourceQuota,
} from '#libs/api';
import { deepEqual, type GroupVersionResource, type Instant, type KubeObject, type Reconcile } from '#libs/apimachinery';

/** The objects of one resource that a quota counts. */
export interface Counted {
  readonly resource: GroupVersionResource;
  readonly objects: readonly KubeObject[];
}

export interface QuotaSnapshot {
  readonly quota: ResourceQuota;
  /** All objects of its namespace of the resources that it limits. */
  readonly counted: readonly Counted[];
}

function usedOf({ quota, counted }: QuotaSnapshot, hard: ResourceList, now: Instant): ResourceList {
  let used: ResourceList = Object.fromEntries(Object.keys(hard).map((name) => [name, '0']));
  for (const { resource, objects } of counted) {
    for (const object of objects) {
      if (isInScopes(quota, resource, object)) used = withAdded(used, limitedTo(hard, quotaUsageOf(resource, object, now)));
    }
  }
  return used;
}

/** When the first of the pods that are being deleted stops to count. */
function nextEnd({ counted }: QuotaSnapshot, now: Instant): number | undefined {
  const ends = counted.flatMap(({ resource, objects }) =>
    resource.group === '' && resource.resource === 'pods' ? objects.flatMap((pod) => usageEndsAt(pod) ?? []) : [],
  );
  const coming = ends.filter((end) => end >= now);
  return coming.length === 0 ? undefined : Math.min(...coming) - now + 1;
}

/** Says what a quota limits and how much of that its namespace has used, counted from all that is there. */
export const reconcileQuota: Reconcile<QuotaSnapshot> = (snapshot, now) => {
  const { quota } = snapshot;
  const hard = quota.spec?.hard ?? {};
  const used = usedOf(snapshot, hard, now);
  const requeueAfterMs = nextEnd(snapshot, now);
  const again = requeueAfterMs === undefined ? {} : { requeueAfterMs };
  if (deepEqual(quota.status?.hard ?? {}, hard) && deepEqual(quota.status?.used ?? {}, used)) return { changes: [], ...again };
  const object: ResourceQuota = { ...quota, status: { hard, used } };
  return { changes: [{ verb: 'update', resource: RESOURCEQUOTAS, subresource: 'status', object }], ...again };
};
