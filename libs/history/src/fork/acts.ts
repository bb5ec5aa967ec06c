import type { Pod } from '#libs/api';
import type { Instant, KubeObject } from '#libs/apimachinery';
import { formatPlace, type Actor, type EventMeta, type EventType, type Sequence } from '#libs/log';

/** An event of the past and the object before it, as acts are found in them. */
export interface PastEvent {
  readonly group: string;
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
  readonly sequence: Sequence;
  readonly time: Instant;
  readonly type: EventType;
  readonly meta: EventMeta;
  readonly object: KubeObject;
  /** The object's state before; absent where it was new. */
  readonly before?: KubeObject;
}

/** What a person or a tool did, as it can be done again elsewhere. */
export interface Act {
  readonly event: PastEvent;
  readonly kind: 'create' | 'change' | 'delete';
  /** Of a change: which part of the object. */
  readonly part: 'status' | 'rest';
}

/** Written by the same append as what needs it, and made anew with that. */
const DERIVED = [
  'networking.k8s.io/ipaddresses',
  'allocation.decklog.dev/nodeports',
  'allocation.decklog.dev/nodeclaims',
  '/resourcequotas',
  'policy/poddisruptionbudgets',
];
const DELETING = ['delete', 'deletecollection'];
const SERVICE_ACCOUNT = 'system:serviceaccount:';

/** The service accounts that something inside the cluster acts with: whoever a pod runs as. Others are tools outside. */
export function accountsOfPods(pods: readonly Pod[]): ReadonlySet<string> {
  return new Set(
    pods.map(({ metadata, spec }) => `${SERVICE_ACCOUNT}${metadata.namespace ?? ''}:${spec?.serviceAccountName ?? 'default'}`),
  );
}

/** Whether somebody outside did it: no component of the control plane, no node, nothing that runs in a pod. */
function isOutside({ user }: Actor, inside: ReadonlySet<string>): boolean {
  if (user.startsWith(SERVICE_ACCOUNT)) return !user.startsWith(`${SERVICE_ACCOUNT}kube-system:`) && !inside.has(user);
  return !user.startsWith('system:') || user === 'system:admin';
}

const isRoot = ({ meta, sequence }: PastEvent): boolean =>
  meta.decision === undefined &&
  meta.cause === undefined &&
  (meta.root ?? formatPlace('state', sequence)) === formatPlace('state', sequence);

/** What was done, by what became of it; undefined for what nobody does by hand (a pod's binding) or would be done twice. */
function kindOf({ type, meta, before }: PastEvent): Pick<Act, 'kind' | 'part'> | undefined {
  const { verb, subresource } = meta;
  if (subresource === 'binding') return undefined;
  if (DELETING.includes(verb) || subresource === 'eviction') {
    const isBegun = (before?.metadata as { readonly deletionTimestamp?: string } | undefined)?.deletionTimestamp !== undefined;
    return isBegun && type === 'Updated' ? undefined : { kind: 'delete', part: 'rest' };
  }
  if (type === 'Created' || before === undefined) return type === 'Deleted' ? undefined : { kind: 'create', part: 'rest' };
  return { kind: 'change', part: subresource === 'status' ? 'status' : 'rest' };
}

/** Which of the past's acts are to be done again. */
export interface ActOptions {
  /** The request that is not to happen, and with it all that it caused. */
  readonly excludeRoot?: Sequence;
  readonly inside: ReadonlySet<string>;
}

/** The acts in a stretch of the past, in their order, and whose acts were left out since they came from inside the cluster. */
export function actsOf(
  events: readonly PastEvent[],
  { excludeRoot, inside }: ActOptions,
): { readonly acts: readonly Act[]; readonly left: ReadonlyMap<string, number> } {
  const requests = new Map<string, string | undefined>();
  const left = new Map<string, number>();
  const acts: Act[] = [];
  for (const event of events) {
    const { meta, sequence } = event;
    const root = meta.root ?? formatPlace('state', sequence);
    if (excludeRoot !== undefined && root === formatPlace('state', excludeRoot)) continue;
    const begins = isRoot(event);
    // One request may write several objects: a transaction, a collection that is deleted.
    const belongs = meta.decision === undefined && meta.cause === root && requests.has(root) && requests.get(root) === meta.requestId;
    if (!begins && !(belongs && !DERIVED.includes(`${event.group}/${event.resource}`))) continue;
    if (!isOutside(meta.actor, inside)) {
      if (begins) left.set(meta.actor.user, (left.get(meta.actor.user) ?? 0) + 1);
      continue;
    }
    if (begins) requests.set(root, meta.requestId);
    const kind = kindOf(event);
    if (kind !== undefined) acts.push({ event, ...kind });
  }
  return { acts, left };
}

/** An object as it is asked for where it does not exist yet: without what the server gave it. `uids`: what became of those it points to. */
export function freshCopy(object: KubeObject, uids: ReadonlyMap<string, string>): KubeObject {
  const {
    uid: _,
    resourceVersion: __,
    creationTimestamp: ___,
    generation: ____,
    managedFields: _____,
    deletionTimestamp: ______,
    ...metadata
  } = object.metadata;
  const { status: _______, ...rest } = object as KubeObject & { readonly status?: unknown };
  const { ownerReferences } = metadata;
  if (ownerReferences === undefined) return { ...rest, metadata };
  return {
    ...rest,
    metadata: { ...metadata, ownerReferences: ownerReferences.map((owner) => ({ ...owner, uid: uids.get(owner.uid) ?? owner.uid })) },
  };
}
