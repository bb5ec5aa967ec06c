import { PODS } from '#libs/api';
import type { Change, Controller } from '#libs/apimachinery';
import { cameUp, type Beginning, type Plants } from './cluster.js';
import { runSeed } from './run-seed.js';

jest.setTimeout(300_000);

const PLANTED_IN = 'replicaset-controller';
const STALE_MS = 3_000;
/** Many times what it takes (docs/simulation.md), since a change of the product changes that; the promise is a thousand. */
const MOST_SEEDS = 200;

const only = (change: (controller: Controller) => Controller) => (controller: Controller) =>
  controller.name === PLANTED_IN ? change(controller) : controller;

/** A controller that keeps what it read of a key, and decides on that for a while: a cache in front of the cache. */
function stale(controller: Controller): Controller {
  const remembered = new Map<string, { readonly snapshot: unknown; readonly at: number }>();
  const keyed = new WeakMap<object, string>();
  const { index: _, ...rest } = controller;
  return {
    ...rest,
    snapshot(key, lister) {
      const snapshot = controller.snapshot(key, lister);
      if (typeof snapshot === 'object' && snapshot !== null) keyed.set(snapshot, key);
      return snapshot;
    },
    reconcile(snapshot, now) {
      const key = keyed.get(snapshot as object) ?? '';
      const before = remembered.get(key);
      if (before && now - before.at < STALE_MS) return controller.reconcile(before.snapshot, now);
      remembered.set(key, { snapshot, at: now });
      return controller.reconcile(snapshot, now);
    },
  };
}

let drawn = 0;

/** Pods get names that depend on what the process has done before, as from a random source: deciding again gives another. */
function namedByChance(controller: Controller): Controller {
  const named = (change: Change): Change => {
    if (change.verb !== 'create' || change.resource.resource !== PODS.resource) return change;
    const { generateName, ...metadata } = change.object.metadata;
    return { ...change, object: { ...change.object, metadata: { ...metadata, name: `${generateName ?? ''}r${(drawn++).toString(36)}` } } };
  };
  return {
    ...controller,
    reconcile(snapshot, now) {
      const { changes, ...rest } = controller.reconcile(snapshot, now);
      return { ...rest, changes: changes.map(named) };
    },
  };
}

/** A replica that writes whoever the log says the work is with. */
const unfenced: Plants['share'] = (share) => ({
  shards: share.shards,
  owns: (shard) => share.owns(shard),
  guardsOf: (shards) => share.guardsOf(shards) && [],
  subscribe: (listener) => share.subscribe(listener),
});

describe('a bug that is planted in every replica', () => {
  let beginning: Beginning;
  beforeAll(async () => (beginning = await cameUp()));

  it.each<[string, Plants, string]>([
    ['a stale read', { controller: only(stale) }, 'no pod too many'],
    ['a forgotten fence', { share: unfenced }, 'no two controllers for one object'],
    ['a non-deterministic name', { controller: only(namedByChance) }, 'decisions can be computed again'],
  ])('%s is found', async (_name, plants, invariant) => {
    let found: string | undefined;
    for (let seed = 1; seed <= MOST_SEEDS && found === undefined; seed++) {
      found = (await runSeed(seed, beginning, { plants })).violation?.invariant;
    }
    expect(found).toBe(invariant);
  });
});
