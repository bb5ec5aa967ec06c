import { MemoryCluster, eventsOf } from '#libs/testing';
import { SHARDS_OF_WORK } from '#libs/api';
import { SILENT_LOGGER } from '../ports.js';
import { systemTimers, type Timers } from '../controller/timers.js';
import { Fences } from './fences.js';
import type { Membership } from './membership.js';
import { Sharing } from './sharing.js';
import type { Shard } from './share.js';

/** Leases that a test gives and takes. */
class Register {
  private readonly listeners = new Set<() => void>();
  private readonly living = new Set<string>();

  membership(self: string): Membership & { lease(holds: boolean): void } {
    this.living.add(self);
    this.tell();
    let leased = true;
    const register = this;
    return {
      self,
      get members() {
        return [...register.living].sort();
      },
      get leased() {
        return leased;
      },
      lease: (holds) => {
        leased = holds;
        this.tell();
      },
      subscribe: (listener) => {
        this.listeners.add(listener);
        return () => this.listeners.delete(listener);
      },
      leave: async () => this.drop(self),
    };
  }

  drop(self: string): void {
    this.living.delete(self);
    this.tell();
  }

  private tell(): void {
    for (const listener of [...this.listeners]) listener();
  }
}

const SHARDS = 8;

/** Timers for which a second is a millisecond. */
const FAST: Timers = { ...systemTimers, after: (ms, run) => systemTimers.after(ms / 1_000, run) };

class Replica {
  readonly sharing: Sharing;
  readonly membership: ReturnType<Register['membership']>;
  readonly told: string[] = [];
  /** What the loops have still to do before they let go. */
  busy: Promise<void> = Promise.resolve();

  constructor(cluster: MemoryCluster, register: Register, self: string, timers: Timers) {
    this.membership = register.membership(self);
    const { log, view, world } = cluster;
    this.sharing = new Sharing({
      cluster: 'test',
      service: 'work',
      shards: SHARDS,
      membership: this.membership,
      log,
      view,
      world,
      timers,
      logger: SILENT_LOGGER,
    });
    this.sharing.subscribe({
      gained: (shards) => void this.told.push(`gained ${shards.length}`),
      losing: async (shards) => {
        this.told.push(`losing ${shards.length}`);
        await this.busy;
      },
      lost: (shards) => void this.told.push(`lost ${shards.length}`),
    });
    this.sharing.start();
  }

  get owned(): readonly Shard[] {
    return Array.from({ length: SHARDS }, (_, shard) => shard).filter((shard) => this.sharing.owns(shard));
  }
}

const until = async (holds: () => boolean): Promise<void> => {
  for (let turns = 0; !holds(); turns++) {
    if (turns > 2_000) throw new Error('it never came to that');
    await new Promise((next) => setTimeout(next, 1));
  }
};

async function setUp() {
  const cluster = await MemoryCluster.start();
  const register = new Register();
  const replicas: Replica[] = [];
  const join = (self: string, timers = systemTimers): Replica => {
    const replica = new Replica(cluster, register, self, timers);
    replicas.push(replica);
    return replica;
  };
  return { cluster, register, join, stop: () => Promise.all(replicas.map(({ sharing }) => sharing.stop())) };
}

/** Long enough for a replica to see what has changed, and to do what is due. */
const looked = (): Promise<void> => new Promise((next) => setTimeout(next, 20));

/** The log gives a shard to somebody, whatever the leases say. */
async function moves({ log, view, world }: MemoryCluster, shard: Shard, holder: string): Promise<void> {
  const fences = new Fences({ cluster: 'test', service: 'work', shards: SHARDS, view, world });
  const fence = fences.read()[shard] ?? { sequence: 0, holder: undefined };
  await log.append('state', [fences.write(shard, fence, holder)]);
}

/** Tries to write a subject as a replica does on behalf of a shard. */
async function writes(cluster: MemoryCluster, { sharing }: Replica, shard: Shard, guards = sharing.guardsOf([shard])): Promise<boolean> {
  const definition = SHARDS_OF_WORK;
  const name = `try-${Math.trunc(cluster.world.random() * 1e9)}`;
  const subject = `decklog.test.state.${definition.group.replaceAll('.', '_')}.${definition.resource}._.${name}`;
  const meta = { type: 'Created', verb: 'create', actor: { user: 'x' }, id: name, previous: 0, schema: 1, encoding: 'json' } as const;
  const body = new TextEncoder().encode(
    JSON.stringify({ apiVersion: 'allocation.decklog.dev/v1', kind: 'Shard', metadata: { name, uid: name }, spec: {} }),
  );
  return 'sequences' in (await cluster.log.append('state', [{ subject, expected: 0, meta, body }], guards ?? []));
}

describe('the sharing of a service’s work', () => {
  it('gives the first all of it, and the next its part once nothing is being done for that', async () => {
    const { join, stop } = await setUp();
    const a = join('a');
    await until(() => a.owned.length === SHARDS);
    let finish: () => void = () => undefined;
    a.busy = new Promise((resolve) => (finish = resolve));
    const b = join('b');
    await until(() => a.told.includes('losing 4'));
    expect([a.owned.length, b.owned.length]).toEqual([4, 0]);
    // What is under way for them may still be written.
    expect(a.sharing.guardsOf([7])).toBeDefined();
    finish();
    await until(() => b.owned.length === 4);
    expect(a.sharing.guardsOf([7])).toBeUndefined();
    expect([a.told, b.told]).toEqual([['gained 8', 'losing 4'], ['gained 4']]);
    await stop();
  });

  it('moves what a dead one had, and what that one writes afterwards is refused', async () => {
    const { cluster, register, join, stop } = await setUp();
    const a = join('a');
    const b = join('b');
    await until(() => a.owned.length === 4 && b.owned.length === 4);
    const [shard = 0] = b.owned;
    const before = b.sharing.guardsOf([shard]);
    expect(await writes(cluster, b, shard)).toBe(true);
    // It hangs, and does not come to handing anything over.
    let goOn: () => void = () => undefined;
    b.busy = new Promise((resolve) => (goOn = resolve));
    register.drop('b');
    await until(() => a.owned.length === SHARDS);
    expect(await writes(cluster, b, shard, before)).toBe(false);
    expect(await writes(cluster, a, shard)).toBe(true);
    await until(() => b.sharing.guardsOf([shard]) === undefined);
    goOn();
    await stop();
  });

  it('takes what dead ones had while it is still at work for what it is to hand over', async () => {
    const { register, join, stop } = await setUp();
    const a = join('a');
    const c = join('c');
    await until(() => a.owned.length === 4 && c.owned.length === 4);
    let finish: () => void = () => undefined;
    a.busy = new Promise((resolve) => (finish = resolve));
    join('b');
    await until(() => a.told.includes('losing 1'));
    register.drop('b');
    register.drop('c');
    await until(() => a.owned.length === SHARDS - 1);
    finish();
    await until(() => a.owned.length === SHARDS);
    await stop();
  });

  it('leaves in the end, whatever is still being done', async () => {
    const { join } = await setUp();
    const a = join('a', FAST);
    await until(() => a.owned.length === SHARDS);
    a.busy = new Promise(() => undefined);
    await a.sharing.stop();
    expect(a.owned).toEqual([]);
  });

  it('lets one whose lease does not hold work on nothing and keep all it has, and work on at once when it holds again', async () => {
    const { join, stop } = await setUp();
    const a = join('a');
    await until(() => a.owned.length === SHARDS);
    const guards = a.sharing.guardsOf([0]);
    a.membership.lease(false);
    await looked();
    expect([a.owned.length, a.sharing.count, a.sharing.guardsOf([0])]).toEqual([SHARDS, 0, undefined]);
    a.membership.lease(true);
    expect([a.owned.length, a.sharing.count, a.sharing.guardsOf([0])]).toEqual([SHARDS, SHARDS, guards]);
    await looked();
    expect(a.told).toEqual(['gained 8']);
    await stop();
  });

  it('loses, of what one held whose lease does not hold, just what the log gives to another', async () => {
    const { cluster, join, stop } = await setUp();
    const a = join('a');
    await until(() => a.owned.length === SHARDS);
    a.membership.lease(false);
    await moves(cluster, 3, 'b');
    await until(() => a.told.includes('lost 1'));
    expect(a.owned).toEqual([0, 1, 2, 4, 5, 6, 7]);
    a.membership.lease(true);
    expect([a.sharing.guardsOf([2])?.length, a.sharing.guardsOf([3])]).toEqual([1, undefined]);
    // Nobody lives who has it.
    await until(() => a.owned.length === SHARDS);
    expect(a.told).toEqual(['gained 8', 'lost 1', 'gained 1']);
    await stop();
  });

  it('gives what the log says is its own to one whose lease does not hold, to be worked on later', async () => {
    const { cluster, join, stop } = await setUp();
    const a = join('a');
    a.membership.lease(false);
    await moves(cluster, 3, 'a');
    await until(() => a.told.includes('gained 1'));
    expect([a.owned, a.sharing.guardsOf([3])]).toEqual([[3], undefined]);
    a.membership.lease(true);
    await until(() => a.owned.length === SHARDS);
    expect(a.told).toEqual(['gained 1', 'gained 7']);
    await stop();
  });

  it('neither takes nor hands over anything while the lease does not hold', async () => {
    const { join, stop } = await setUp();
    const a = join('a');
    await until(() => a.owned.length === SHARDS);
    a.membership.lease(false);
    const b = join('b');
    await looked();
    expect([a.told, b.told]).toEqual([['gained 8'], []]);
    a.membership.lease(true);
    await until(() => b.owned.length === 4);
    expect([a.told, b.told]).toEqual([['gained 8', 'losing 4'], ['gained 4']]);
    await stop();
  });

  it('hands all over when it stops', async () => {
    const { join, stop } = await setUp();
    const a = join('a');
    const b = join('b');
    await until(() => a.owned.length === 4 && b.owned.length === 4);
    await b.sharing.stop();
    await until(() => a.owned.length === SHARDS);
    expect(b.told).toEqual(['gained 4', 'losing 4']);
    await stop();
  });

  it('takes many shards with one append each way: a fence is written once for each change of hands', async () => {
    const { cluster, join, stop } = await setUp();
    const a = join('a');
    await until(() => a.owned.length === SHARDS);
    const b = join('b');
    await until(() => b.owned.length === 4);
    const events = await eventsOf(cluster.log, 'state');
    expect(events.length).toBe(SHARDS + 4);
    expect(new Set(events.map(({ meta }) => meta.batch?.id)).size).toBeLessThanOrEqual(2);
    await stop();
  });
});
