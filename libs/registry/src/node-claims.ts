import { isPodTerminal, NODECLAIMS, NODES, PODS, podRequests, type NodeClaim, type Pod } from '#libs/api';
import { apiVersionOf, compareQuantities, formatTime, type KubeObject } from '#libs/apimachinery';
import { derivedUid, type Case } from './case.js';
import { definitionOfClaim } from './service/claims.js';
import type { PlannedWrite } from './write.js';

const isOf = ({ definition: { resource } }: Pick<Case, 'definition'>, of: typeof PODS): boolean =>
  resource.group === of.group && resource.resource === of.resource;

/** The node on which a pod takes room; undefined where it takes none. */
const nodeOf = (pod: Pod | undefined): string | undefined => (pod && !isPodTerminal(pod) ? pod.spec?.nodeName || undefined : undefined);

function asksForMore(next: Pod, old: Pod): boolean {
  if (next.spec === old.spec) return false;
  const before = podRequests(old);
  return Object.entries(podRequests(next)).some(([name, amount]) => compareQuantities(amount, before[name] ?? '0') > 0);
}

/** The node whose room a pod takes, where it did not before or took less; undefined: none. */
function takesRoomOf(next: Pod | undefined, old: Pod | undefined): string | undefined {
  const node = nodeOf(next);
  if (node === undefined || !next || !old) return node;
  return nodeOf(old) === node && !asksForMore(next, old) ? undefined : node;
}

function moved({ read, context }: Case, name: string, pods: number): PlannedWrite {
  const definition = definitionOfClaim(NODECLAIMS);
  const stored = read.object(NODECLAIMS, '', name);
  const metadata = { name, uid: derivedUid(context.uid, 1), creationTimestamp: formatTime(context.now) };
  const before = (stored?.object ?? {
    apiVersion: apiVersionOf(NODECLAIMS),
    kind: definition.kind,
    metadata,
    spec: { pods: 0 },
  }) as NodeClaim;
  const object: NodeClaim = { ...before, spec: { pods: before.spec.pods + pods } };
  return { type: stored ? 'Updated' : 'Created', definition, object, previous: stored?.sequence ?? 0 };
}

/**
 * What is written with a pod that comes to a node, or asks for more there: the node's claim, which moves. The claim goes with the node.
 * Nothing for other kinds, and where a pod only makes room.
 */
export function nodeClaimWrites(given: Case, old: KubeObject | undefined, next: KubeObject | undefined): readonly PlannedWrite[] {
  if (isOf(given, PODS)) {
    const node = takesRoomOf(next as Pod | undefined, old as Pod | undefined);
    return node === undefined ? [] : [moved(given, node, nodeOf(old as Pod | undefined) === node ? 0 : 1)];
  }
  if (!isOf(given, NODES) || next !== undefined) return [];
  const stored = given.read.object(NODECLAIMS, '', old?.metadata.name ?? '');
  return stored ? [{ type: 'Deleted', definition: definitionOfClaim(NODECLAIMS), object: stored.object, previous: stored.sequence }] : [];
}
