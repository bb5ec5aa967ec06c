import { NAMESPACE_FINALIZER, NAMESPACES, PODS, type Namespace, type NamespaceCondition, type Pod } from '#libs/api';
import {
  deepEqual,
  parseTime,
  qualifiedResource,
  type Change,
  type Controller,
  type GroupVersionResource,
  type Instant,
  type KubeObject,
  type Reconcile,
} from '#libs/apimachinery';
import { withCondition } from '../conditions.js';

/** The namespaces every cluster has. */
export const SYSTEM_NAMESPACES: readonly string[] = ['default', 'kube-system', 'kube-public', 'kube-node-lease'];

/** Most objects deleted in one pass over a namespace. */
export const MOST_DELETIONS = 500;

export interface Content {
  readonly resource: GroupVersionResource;
  readonly objects: readonly KubeObject[];
}

export interface NamespaceSnapshot {
  readonly name: string;
  readonly namespace: Namespace | undefined;
  /** What is in a namespace that is being deleted, resource by resource; empty ones left out. */
  readonly content: readonly Content[];
}

/** Creates the system's namespaces, and empties those that are being deleted: pods first, then everything else. */
export const reconcileNamespace: Reconcile<NamespaceSnapshot> = ({ name, namespace, content }, now) => {
  if (!namespace) {
    const object: Namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
    return { changes: SYSTEM_NAMESPACES.includes(name) ? [{ verb: 'create', resource: NAMESPACES, object }] : [] };
  }
  if (namespace.metadata.deletionTimestamp === undefined) return { changes: [] };
  if (!namespace.spec?.finalizers?.includes(NAMESPACE_FINALIZER)) return { changes: [] };
  if (content.length === 0) return { changes: [finalized(namespace)] };
  const inTurn = inTurnOf(content);
  return { changes: [...deletions(inTurn), ...reportRemains(namespace, inTurn, now)], ...lingering(content, now) };
};

/** Says why the content of a namespace does not go: what was refused, kind by kind. */
export const refuseNamespace: NonNullable<Controller<NamespaceSnapshot>['refused']> = ({ namespace, content }, refusals, now) => {
  const messages = [...new Set(refusals.filter(({ change }) => change.verb === 'delete').map(({ message }) => message))].sort();
  if (!namespace || messages.length === 0) return [];
  const message = `Failed to delete all resource types, ${messages.length} remaining: ${messages.join(', ')}`;
  const failure = { type: 'NamespaceDeletionContentFailure', status: 'True', reason: 'ContentDeletionFailed', message };
  return reportRemains(namespace, inTurnOf(content), now, failure);
};

function finalized(namespace: Namespace): Change {
  const finalizers = (namespace.spec?.finalizers ?? []).filter((finalizer) => finalizer !== NAMESPACE_FINALIZER);
  const { finalizers: _, ...spec } = namespace.spec ?? {};
  const object: Namespace = { ...namespace, spec: finalizers.length > 0 ? { ...spec, finalizers } : spec };
  return { verb: 'update', resource: NAMESPACES, subresource: 'finalize', object };
}

/** Pods go before everything else: what they use stays until they have ended (KEP-5080). */
function inTurnOf(content: readonly Content[]): readonly Content[] {
  const pods = content.filter(isPods);
  return pods.length > 0 ? pods : content;
}

const isPods = ({ resource }: Content): boolean => qualifiedResource(resource) === qualifiedResource(PODS);

function deletions(content: readonly Content[]): readonly Change[] {
  return content
    .flatMap(({ resource, objects }) =>
      objects
        .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
        .map(({ metadata: { name = '', namespace = '', uid = '' } }): Change => {
          return { verb: 'delete', resource, namespace, name, preconditions: { uid }, propagationPolicy: 'Background' };
        }),
    )
    .slice(0, MOST_DELETIONS);
}

/** Pods may take their grace period, plus a little, before anybody has to wonder: looked at again then. */
function lingering(content: readonly Content[], now: Instant): { readonly requeueAfterMs?: number } {
  const waits = content
    .filter(isPods)
    .flatMap(({ objects }) =>
      (objects as readonly Pod[]).map(
        ({ metadata }) => (parseTime(metadata.deletionTimestamp) ?? now) + (metadata.deletionGracePeriodSeconds ?? 0) * 1000 - now,
      ),
    );
  return waits.length === 0 ? {} : { requeueAfterMs: Math.max(1000, Math.min(...waits)) };
}

const REMAINING = 'NamespaceContentRemaining';
const FINALIZING = 'NamespaceFinalizersRemaining';

const FINE: readonly NamespaceCondition[] = [
  {
    type: 'NamespaceDeletionDiscoveryFailure',
    status: 'False',
    reason: 'ResourcesDiscovered',
    message: 'All resources successfully discovered',
  },
  {
    type: 'NamespaceDeletionGroupVersionParsingFailure',
    status: 'False',
    reason: 'ParsedGroupVersions',
    message: 'All legacy kube types successfully parsed',
  },
  {
    type: 'NamespaceDeletionContentFailure',
    status: 'False',
    reason: 'ContentDeleted',
    message: 'All content successfully deleted, may be waiting on finalization',
  },
];

function remaining(content: readonly Content[]): NamespaceCondition {
  if (content.length === 0) {
    return { type: REMAINING, status: 'False', reason: 'ContentRemoved', message: 'All content successfully removed' };
  }
  const counts = content.map(({ resource, objects }) => `${qualified(resource)} has ${objects.length} resource instances`).sort();
  return { type: REMAINING, status: 'True', reason: 'SomeResourcesRemain', message: `Some resources are remaining: ${counts.join(', ')}` };
}

/** Upstream writes the core group's resources with the dot behind: `pods.`. */
const qualified = ({ group, resource }: GroupVersionResource): string => `${resource}.${group}`;

function finalizing(content: readonly Content[]): NamespaceCondition {
  const counts = new Map<string, number>();
  for (const { objects } of content) {
    for (const { metadata } of objects)
      for (const finalizer of metadata.finalizers ?? []) counts.set(finalizer, (counts.get(finalizer) ?? 0) + 1);
  }
  if (counts.size === 0) {
    return { type: FINALIZING, status: 'False', reason: 'ContentHasNoFinalizers', message: 'All content-preserving finalizers finished' };
  }
  const list = [...counts].map(([finalizer, count]) => `${finalizer} in ${count} resource instances`).sort();
  const message = `Some content in the namespace has finalizers remaining: ${list.join(', ')}`;
  return { type: FINALIZING, status: 'True', reason: 'SomeFinalizersRemain', message };
}

function reportRemains(namespace: Namespace, content: readonly Content[], now: Instant, failure?: NamespaceCondition): readonly Change[] {
  let conditions = namespace.status?.conditions;
  const before = conditions;
  const fine = failure ? FINE.map((condition) => (condition.type === failure.type ? failure : condition)) : FINE;
  for (const condition of [...fine, remaining(content), finalizing(content)]) {
    const current = conditions?.find(({ type }) => type === condition.type);
    if (current?.status === condition.status && current.reason === condition.reason && current.message === condition.message) continue;
    conditions = withCondition(conditions, condition, now);
  }
  if (deepEqual(conditions, before)) return [];
  const object: Namespace = { ...namespace, status: { ...namespace.status, phase: 'Terminating', ...(conditions ? { conditions } : {}) } };
  return [{ verb: 'update', resource: NAMESPACES, subresource: 'status', object }];
}
