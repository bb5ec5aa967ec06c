import { IPADDRESSES, SERVICECIDRS, type IPAddress, type ServiceCIDR } from '#libs/api';
import {
  cidrContains,
  parseCidr,
  parseIp,
  parseTime,
  keyOf,
  type CidrBlock,
  type Controller,
  type IpAddress,
  type Lister,
} from '#libs/apimachinery';
import { conditionOf, withCondition } from '../conditions.js';
import { ownKey } from '../watching.js';

/** Holds a range until no address in it is in use. */
export const SERVICE_CIDR_FINALIZER = 'networking.k8s.io/service-cidr-finalizer';
/** Name of the range that the cluster was made with. */
export const DEFAULT_SERVICE_CIDR = 'kubernetes';

const ACTOR = 'system:serviceaccount:kube-system:service-cidrs-controller';
/** How long a range that nobody uses is kept, so that every server has seen that it goes. */
const DELETION_GRACE_MS = 10_000;
const LOOK_AGAIN_MS = 30_000;
const IN_USE = 'There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR';

/** A range, and of one that goes whether addresses in it would belong nowhere. */
export interface ServiceCidrSnapshot {
  readonly range: ServiceCIDR;
  readonly orphans: boolean;
}

const blocksOf = ({ spec }: ServiceCIDR): readonly CidrBlock[] => (spec?.cidrs ?? []).map(parseCidr).filter((block) => block !== undefined);

const contains = (blocks: readonly CidrBlock[], address: IpAddress): boolean => blocks.some((block) => cidrContains(block, address));

/** Whether an address in use lies in this range and in no other that stays. */
function leavesOrphans(range: ServiceCIDR, lister: Lister): boolean {
  const own = blocksOf(range);
  const others = (lister.list(SERVICECIDRS) as readonly ServiceCIDR[])
    .filter(({ metadata }) => metadata.name !== range.metadata.name && metadata.deletionTimestamp === undefined)
    .flatMap(blocksOf);
  return (lister.list(IPADDRESSES) as readonly IPAddress[]).some(({ metadata }) => {
    const address = parseIp(metadata.name ?? '');
    return address !== undefined && contains(own, address) && !contains(others, address);
  });
}

type ReadyCondition = { readonly type: string; readonly status: string; readonly reason: string; readonly message: string };

function withReady(range: ServiceCIDR, status: 'True' | 'False', reason: string, message: string, now: number): ServiceCIDR {
  const conditions = (range.status?.conditions ?? []) as readonly (ReadyCondition & { readonly lastTransitionTime: string })[];
  const ready = { type: 'Ready', status, reason, message, lastTransitionTime: '' };
  return { ...range, status: { ...range.status, conditions: withCondition(conditions, ready, now) } };
}

/** Ranges that go wake by themselves while addresses in them are in use; a deleted address wakes them at once. */
const goingRanges = (lister: Lister): readonly string[] =>
  (lister.list(SERVICECIDRS) as readonly ServiceCIDR[]).filter(({ metadata }) => metadata.deletionTimestamp !== undefined).map(keyOf);

/** Keeps ranges of service addresses ready, and from going while they are in use: kube-controller-manager's `service-cidr-controller`. */
export const serviceCidrController: Controller<ServiceCidrSnapshot> = {
  name: 'service-cidr-controller',
  actor: ACTOR,
  watches: [
    ownKey(SERVICECIDRS),
    { resource: IPADDRESSES, keys: (next, _old, lister) => (next ? [] : goingRanges(lister)) },
    { resource: SERVICECIDRS, keys: (next, old, lister) => (next && old ? [] : goingRanges(lister)) },
  ],
  snapshot(key, lister) {
    const range = lister.get(SERVICECIDRS, undefined, key) as ServiceCIDR | undefined;
    return range && { range, orphans: range.metadata.deletionTimestamp !== undefined && leavesOrphans(range, lister) };
  },
  reconcile({ range, orphans }, now) {
    const { finalizers = [], deletionTimestamp } = range.metadata;
    const held = finalizers.includes(SERVICE_CIDR_FINALIZER);
    const ready = conditionOf(range.status?.conditions, 'Ready');
    if (deletionTimestamp === undefined) {
      if (!held) {
        const metadata = { ...range.metadata, finalizers: [...finalizers, SERVICE_CIDR_FINALIZER] };
        return { changes: [{ verb: 'update', resource: SERVICECIDRS, object: { ...range, metadata } }] };
      }
      if (ready?.status === 'True' || range.metadata.name === DEFAULT_SERVICE_CIDR) return { changes: [] };
      const object = withReady(range, 'True', '', 'Kubernetes Service CIDR is ready', now);
      return { changes: [{ verb: 'update', resource: SERVICECIDRS, subresource: 'status', object }] };
    }
    if (!held) return { changes: [] };
    const marked = ready?.status === 'False' && ready.reason === 'Terminating';
    if (!marked) {
      const object = withReady(range, 'False', 'Terminating', orphans ? IN_USE : 'The ServiceCIDR is being deleted', now);
      return { changes: [{ verb: 'update', resource: SERVICECIDRS, subresource: 'status', object }], requeueAfterMs: DELETION_GRACE_MS };
    }
    if (orphans) return { changes: [], requeueAfterMs: LOOK_AGAIN_MS };
    const left = (parseTime(deletionTimestamp) ?? now) + DELETION_GRACE_MS - now;
    if (left > 0) return { changes: [], requeueAfterMs: left };
    const metadata = { ...range.metadata, finalizers: finalizers.filter((each) => each !== SERVICE_CIDR_FINALIZER) };
    return { changes: [{ verb: 'update', resource: SERVICECIDRS, object: { ...range, metadata } }] };
  },
};

/** The range that the cluster was made with: made, and said to be ready, by kube-apiserver's `default-servicecidr` controller. */
export function defaultServiceCidr(cidr: string): Controller<{ readonly found: ServiceCIDR | undefined }> {
  const wanted: ServiceCIDR = {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'ServiceCIDR',
    metadata: { name: DEFAULT_SERVICE_CIDR },
    spec: { cidrs: [cidr] },
  };
  return {
    name: 'default-service-cidr-controller',
    actor: 'system:apiserver',
    initialKeys: [DEFAULT_SERVICE_CIDR],
    watches: [
      {
        resource: SERVICECIDRS,
        keys: (next, old) => ((next ?? old)?.metadata.name === DEFAULT_SERVICE_CIDR ? [DEFAULT_SERVICE_CIDR] : []),
      },
    ],
    snapshot: (_key, lister) => ({ found: lister.get(SERVICECIDRS, undefined, DEFAULT_SERVICE_CIDR) as ServiceCIDR | undefined }),
    reconcile({ found }, now) {
      if (!found) return { changes: [{ verb: 'create', resource: SERVICECIDRS, object: wanted }] };
      if (found.metadata.deletionTimestamp !== undefined || conditionOf(found.status?.conditions, 'Ready')) return { changes: [] };
      if (found.spec?.cidrs?.[0] !== cidr) return { changes: [] };
      const object = withReady(found, 'True', '', 'Kubernetes default Service CIDR is ready', now);
      return { changes: [{ verb: 'update', resource: SERVICECIDRS, subresource: 'status', object }] };
    },
  };
}
