import { isPodAvailable, isPodReady, isPodTerminal, type DaemonSet, type Node, type Pod } from '#libs/api';
import { parseTime, type Instant } from '#libs/apimachinery';
import { byCreation } from '../ordering.js';
import { isUpdated, nodeOf, wantedOn } from './placement.js';

/** A failed daemon is not replaced sooner than this after it was made, lest a node that refuses it is flooded. */
const FAILURE_DELAY = 1000;

/** What a DaemonSet has on its nodes, and what it is to have. */
export interface Daemons {
  readonly daemonSet: DaemonSet;
  readonly nodes: readonly Node[];
  /** Its pods by node; those that were deleted and have ended are left out. */
  readonly byNode: ReadonlyMap<string, readonly Pod[]>;
  readonly hash: string;
  readonly now: Instant;
}

/** What is to be done on nodes. */
export interface Plan {
  readonly create: readonly string[];
  readonly remove: readonly { readonly pod: Pod; readonly why?: 'Failed' | 'Succeeded' }[];
  readonly requeueAfterMs?: number;
}

export function daemonsByNode(pods: readonly Pod[]): ReadonlyMap<string, readonly Pod[]> {
  const byNode = new Map<string, Pod[]>();
  for (const pod of pods) {
    if (pod.metadata.deletionTimestamp !== undefined && isPodTerminal(pod)) continue;
    const node = nodeOf(pod);
    byNode.set(node, [...(byNode.get(node) ?? []), pod]);
  }
  return byNode;
}

export const surges = ({ spec }: DaemonSet): boolean => {
  const { maxSurge = 0 } = spec?.updateStrategy?.rollingUpdate ?? {};
  return spec?.updateStrategy?.type === 'RollingUpdate' && maxSurge !== 0 && maxSurge !== '0%';
};

const isStaying = ({ metadata }: Pod): boolean => metadata.deletionTimestamp === undefined;
/** Placed before not placed, oldest first. */
const byPrecedence = (a: Pod, b: Pod): number => Number(!a.spec?.nodeName) - Number(!b.spec?.nodeName) || byCreation(a, b);

/** Of several that run on a node, those that are too many. */
function excess({ daemonSet, hash, now }: Daemons, running: readonly Pod[]): readonly Pod[] {
  const sorted = [...running].sort(byPrecedence);
  if (!surges(daemonSet)) return sorted.slice(1);
  const next = sorted.find((pod) => isUpdated(pod, hash));
  const old = sorted.find((pod) => !isUpdated(pod, hash));
  const others = sorted.filter((pod) => pod !== next && pod !== old);
  if (!next || !old) return others;
  const replaced = !isPodReady(old) || isPodAvailable(next, daemonSet.spec?.minReadySeconds ?? 0, now);
  return replaced ? [...others, old] : others;
}

function onNode(daemons: Daemons, node: Node): Plan {
  const pods = daemons.byNode.get(node.metadata.name ?? '') ?? [];
  const { run, stay } = wantedOn(daemons.daemonSet, node);
  if (run && pods.length === 0) return { create: [node.metadata.name ?? ''], remove: [] };
  const staying = pods.filter(isStaying);
  if (!stay) return { create: [], remove: staying.map((pod) => ({ pod })) };
  const remove: { readonly pod: Pod; readonly why?: 'Failed' | 'Succeeded' }[] = [];
  let wait = Infinity;
  for (const pod of staying.filter(isPodTerminal)) {
    const left = (parseTime(pod.metadata.creationTimestamp) ?? 0) + FAILURE_DELAY - daemons.now;
    if (pod.status?.phase === 'Failed' && left > 0) wait = Math.min(wait, left);
    else remove.push({ pod, why: pod.status?.phase === 'Failed' ? 'Failed' : 'Succeeded' });
  }
  const running = staying.filter((pod) => !isPodTerminal(pod));
  if (running.length > 1) remove.push(...excess(daemons, running).map((pod) => ({ pod })));
  return { create: [], remove, ...(wait < Infinity ? { requeueAfterMs: wait } : {}) };
}

const join = (plans: readonly Plan[]): Plan => {
  const waits = plans.flatMap(({ requeueAfterMs }) => requeueAfterMs ?? []);
  return {
    create: plans.flatMap(({ create }) => create),
    remove: plans.flatMap(({ remove }) => remove),
    ...(waits.length > 0 ? { requeueAfterMs: Math.min(...waits) } : {}),
  };
};

/** One daemon on each node that is to have one, none elsewhere: upstream's manage. */
export function managed(daemons: Daemons): Plan {
  const known = new Set(daemons.nodes.map(({ metadata }) => metadata.name ?? ''));
  // A pod that waits for a node that is gone will never run.
  const lost = [...daemons.byNode]
    .filter(([node]) => !known.has(node))
    .flatMap(([, pods]) => pods.filter((pod) => !pod.spec?.nodeName && isStaying(pod)));
  return join([...daemons.nodes.map((node) => onNode(daemons, node)), { create: [], remove: lost.map((pod) => ({ pod })) }]);
}
