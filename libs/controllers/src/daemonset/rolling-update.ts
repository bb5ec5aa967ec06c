import { isPodAvailable, type Pod } from '#libs/api';
import { scaledValue } from '#libs/apimachinery';
import { surges, type Daemons, type Plan } from './daemons.js';
import { isUpdated, wantedOn } from './placement.js';

/** The daemon of the current template on a node and the one of an older; undefined where there are too many. */
interface Pair {
  readonly next: Pod | undefined;
  readonly old: Pod | undefined;
}

function pairOn(pods: readonly Pod[], hash: string): Pair | undefined {
  const staying = pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  const [next, ...moreNew] = staying.filter((pod) => isUpdated(pod, hash));
  const [old, ...moreOld] = staying.filter((pod) => !isUpdated(pod, hash));
  return moreNew.length + moreOld.length > 0 ? undefined : { next, old };
}

const countWanted = ({ daemonSet, nodes }: Daemons): number => nodes.filter((node) => wantedOn(daemonSet, node).run).length;

/** Takes away old daemons as long as no more than so many are missing; those that do not run anyway go first. */
function replacing(daemons: Daemons, pairs: readonly (Pair | undefined)[]): Plan {
  const { daemonSet, now } = daemons;
  const { maxUnavailable = 1 } = daemonSet.spec?.updateStrategy?.rollingUpdate ?? {};
  const most = Math.max(1, scaledValue(maxUnavailable, countWanted(daemons), true));
  const available = (pod: Pod): boolean => isPodAvailable(pod, daemonSet.spec?.minReadySeconds ?? 0, now);
  const broken: Pod[] = [];
  const candidates: Pod[] = [];
  let missing = 0;
  for (const pair of pairs) {
    const { next, old } = pair ?? {};
    if (old && !next) (available(old) ? candidates : broken).push(old);
    else if (old || !next || !available(next)) missing++;
  }
  return { create: [], remove: [...broken, ...candidates.slice(0, Math.max(0, most - missing))].map((pod) => ({ pod })) };
}

/** Makes new daemons beside old ones, so many at a time; an old one goes when the new one is available. */
function surging(daemons: Daemons, pairs: ReadonlyMap<string, Pair | undefined>): Plan {
  const { daemonSet, now } = daemons;
  const { maxSurge = 0 } = daemonSet.spec?.updateStrategy?.rollingUpdate ?? {};
  const most = scaledValue(maxSurge, countWanted(daemons), true);
  const available = (pod: Pod): boolean => isPodAvailable(pod, daemonSet.spec?.minReadySeconds ?? 0, now);
  const remove: Pod[] = [];
  const broken: string[] = [];
  const candidates: string[] = [];
  let surged = 0;
  for (const [node, pair] of pairs) {
    if (!pair) surged++;
    else if (!pair.old) continue;
    else if (!pair.next) (available(pair.old) ? candidates : broken).push(node);
    else if (available(pair.next)) remove.push(pair.old);
    else surged++;
  }
  return { create: [...broken, ...candidates.slice(0, Math.max(0, most - surged))], remove: remove.map((pod) => ({ pod })) };
}

/** Brings daemons of an older template nearer to the current one, where that is not left to who deletes them. */
export function rollingUpdate(daemons: Daemons): Plan {
  const { daemonSet, byNode, hash } = daemons;
  if (daemonSet.spec?.updateStrategy?.type !== 'RollingUpdate') return { create: [], remove: [] };
  const nodes = [...byNode.keys()].sort();
  const pairs = new Map(nodes.map((node) => [node, pairOn(byNode.get(node) ?? [], hash)]));
  return surges(daemonSet) ? surging(daemons, pairs) : replacing(daemons, [...pairs.values()]);
}
