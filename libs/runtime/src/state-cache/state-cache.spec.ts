import { CONFIGMAPS, DEFINITIONS, PODS, SECRETS } from '#libs/api';
import type { GroupVersionResource, KubeObject } from '#libs/apimachinery';
import { encodeObject, ORIGIN, SCHEMA, SequenceArchived, SequenceOutOfRange, subjectOf, type EventMeta, type EventType } from '#libs/log';
import { MemoryLog } from '#libs/simulation';
import * as fc from 'fast-check';
import type { CacheEvent, Logger, StoredRow } from '../ports.js';
import { compareBytewise } from './bytewise.js';
import type { WindowLimits } from './event-window.js';
import { StateCache } from './state-cache.js';

const silent: Logger = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
const stopping: AbortController[] = [];
afterEach(() => stopping.splice(0).forEach((controller) => controller.abort()));

const meta = (type: EventType): EventMeta => ({
  type,
  verb: 'x',
  actor: { user: 'alice' },
  id: 'i',
  previous: 0,
  schema: SCHEMA,
  encoding: 'json',
});
const configMap = (namespace: string, name: string, extra: object = {}): KubeObject =>
  ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace, uid: `uid-${name}`, ...extra } }) as KubeObject;

interface Start {
  readonly rows?: readonly StoredRow[];
  readonly state?: number;
  readonly window?: WindowLimits;
}

function start(log: MemoryLog, { rows = [], state = 0, window }: Start = {}): Promise<StateCache> {
  const controller = new AbortController();
  stopping.push(controller);
  const snapshots = { snapshot: async () => ({ position: { ...ORIGIN, state }, rows }) };
  const options = { log, snapshots, definitions: DEFINITIONS, logger: silent, signal: controller.signal };
  return StateCache.start(window ? { ...options, window } : options);
}

async function append(log: MemoryLog, type: EventType, object: KubeObject, resource: GroupVersionResource = CONFIGMAPS): Promise<number> {
  const { namespace = '', name = '' } = object.metadata;
  const subject = subjectOf('test', 'state', resource, namespace, name);
  const expected = (await log.lastOf('state', subject))?.sequence ?? 0;
  const appended = await log.append('state', [{ subject, expected, meta: meta(type), body: encodeObject(object) }]);
  return 'sequences' in appended ? (appended.sequences[0] ?? 0) : 0;
}

const names = (cache: StateCache, namespace?: string): string[] =>
  cache.entries(CONFIGMAPS, namespace).map((entry) => `${entry.namespace}/${entry.name}`);

describe('StateCache', () => {
  it('holds at its start everything that the log held', async () => {
    const log = new MemoryLog();
    const sequence = await append(log, 'Created', configMap('default', 'a'));
    const cache = await start(log);
    expect(cache.get(CONFIGMAPS, 'default', 'a')?.metadata).toEqual({
      name: 'a',
      namespace: 'default',
      uid: 'uid-a',
      resourceVersion: String(sequence),
    });
    expect(cache.position.state).toBe(sequence);
  });

  it('starts from a snapshot and goes on from its position', async () => {
    const log = new MemoryLog();
    const sequence = await append(log, 'Created', configMap('default', 'a'));
    await append(log, 'Created', configMap('default', 'b'));
    const row = { resource: CONFIGMAPS, namespace: 'default', name: 'a', sequence, body: encodeObject(configMap('default', 'a')) };
    const cache = await start(log, { rows: [row], state: sequence });
    expect(names(cache)).toEqual(['default/a', 'default/b']);
    expect(cache.since(CONFIGMAPS, 0)).toBeUndefined();
    expect(cache.since(CONFIGMAPS, sequence)).toHaveLength(1);
    expect(cache.since(SECRETS, 0)).toBeUndefined();
  });

  it('refuses to start where the log ends before the snapshot', async () => {
    await expect(start(new MemoryLog(), { state: 7 })).rejects.toThrow(SequenceOutOfRange);
  });

  it('refuses to start where what the snapshot has not seen was archived', async () => {
    const log = new MemoryLog();
    const read = log.read.bind(log);
    log.read = (stream, after, options) => {
      if (stream === 'state') throw new SequenceArchived('state was archived up to 9', 9);
      return read(stream, after, options);
    };
    await expect(start(log)).rejects.toThrow('state was archived up to 9');
  });

  it('hands out objects that nobody can change', async () => {
    const log = new MemoryLog();
    await append(log, 'Created', configMap('default', 'a'));
    const object = (await start(log)).get(CONFIGMAPS, 'default', 'a');
    expect(Object.isFrozen(object?.metadata)).toBe(true);
  });

  it('hands out lists that later events do not change', async () => {
    const log = new MemoryLog();
    await append(log, 'Created', configMap('default', 'b'));
    const cache = await start(log);
    const before = cache.entries(CONFIGMAPS);
    const sequence = await append(log, 'Created', configMap('default', 'a'));
    await cache.reached('state', sequence);
    expect([before.length, names(cache)]).toEqual([1, ['default/a', 'default/b']]);
    expect(cache.entries(CONFIGMAPS)).toBe(cache.entries(CONFIGMAPS));
  });

  it('tells listeners what an event replaced or removed, and keeps it for watches that resume', async () => {
    const log = new MemoryLog();
    const cache = await start(log);
    const seen: CacheEvent[] = [];
    cache.subscribe(() => {
      throw new Error('a bug');
    });
    const stop = cache.subscribe((event) => seen.push(event));
    const first = await append(log, 'Created', configMap('default', 'a'));
    const second = await append(log, 'Updated', configMap('default', 'a', { labels: { x: 'y' } }));
    const third = await append(log, 'Deleted', configMap('default', 'a', { labels: { x: 'y' } }));
    await cache.reached('state', third);
    expect(seen.map(({ type, entry, old }) => [type, entry.sequence, old?.sequence])).toEqual([
      ['Created', first, undefined],
      ['Updated', second, first],
      ['Deleted', third, second],
    ]);
    expect(cache.since(CONFIGMAPS, first)).toEqual(seen.slice(1));
    expect([names(cache), cache.tombstone(CONFIGMAPS, 'default', 'a')]).toEqual([[], third]);
    stop();
    await cache.reached('state', await append(log, 'Created', configMap('default', 'b')));
    expect(seen).toHaveLength(3);
  });

  it('knows a redelivered event by its sequence', async () => {
    class Redelivering extends MemoryLog {
      override async *read(...args: Parameters<MemoryLog['read']>): ReturnType<MemoryLog['read']> {
        for await (const batch of super.read(...args)) {
          yield batch;
          yield batch;
        }
      }
    }
    const log = new Redelivering();
    const cache = await start(log);
    const seen: number[] = [];
    cache.subscribe(({ sequence }) => seen.push(sequence));
    await append(log, 'Created', configMap('default', 'a'));
    await cache.reached('state', await append(log, 'Deleted', configMap('default', 'a')));
    expect([seen, names(cache), cache.since(CONFIGMAPS, 0)?.length]).toEqual([[1, 2], [], 2]);
  });

  it('says that a window no longer holds all', async () => {
    const log = new MemoryLog();
    const cache = await start(log, { window: { events: 2, bytes: 1e6 } });
    for (const name of ['a', 'b', 'c']) await append(log, 'Created', configMap('default', name));
    await cache.reached('state', 3);
    expect([cache.since(CONFIGMAPS, 0), cache.since(CONFIGMAPS, 1)?.length, cache.since(CONFIGMAPS, 3)]).toEqual([undefined, 2, []]);
  });

  it('finds dependents by their owner, as long as they name it', async () => {
    const log = new MemoryLog();
    const cache = await start(log);
    const owned = { ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'p', uid: 'uid-p' }] };
    await cache.reached('state', await append(log, 'Created', configMap('default', 'a', owned)));
    expect(cache.ownedBy('uid-p').map(({ resource, object }) => [resource.resource, object.metadata.name])).toEqual([['configmaps', 'a']]);
    await cache.reached('state', await append(log, 'Updated', configMap('default', 'a')));
    expect(cache.ownedBy('uid-p')).toEqual([]);
  });

  it('finds what no controller owns, of a namespace, as it comes and goes', async () => {
    const log = new MemoryLog();
    const cache = await start(log);
    const owner = { apiVersion: 'v1', kind: 'Pod', name: 'p', uid: 'uid-p' };
    const names = (): readonly unknown[] => cache.orphans(CONFIGMAPS, 'default').map(({ metadata }) => metadata.name);
    const put = async (type: 'Created' | 'Updated' | 'Deleted', name: string, more: object = {}): Promise<readonly unknown[]> => {
      await cache.reached('state', await append(log, type, configMap('default', name, more)));
      return names();
    };
    expect(await put('Created', 'b')).toEqual(['b']);
    expect(await put('Created', 'a', { ownerReferences: [owner] })).toEqual(['a', 'b']);
    expect(await put('Created', 'c', { ownerReferences: [{ ...owner, controller: true }] })).toEqual(['a', 'b']);
    expect(await put('Updated', 'a', { ownerReferences: [{ ...owner, controller: true }] })).toEqual(['b']);
    expect(await put('Updated', 'c')).toEqual(['b', 'c']);
    expect(await put('Deleted', 'b')).toEqual(['c']);
    await cache.reached('state', await append(log, 'Created', configMap('other', 'd')));
    expect([names(), cache.orphans(CONFIGMAPS, 'other').length]).toEqual([['c'], 1]);
  });

  it('passes the markers of guards', async () => {
    const log = new MemoryLog();
    const cache = await start(log);
    const guard = { subject: subjectOf('test', 'state', PODS, 'default', 'p'), expected: 0 };
    const subject = subjectOf('test', 'state', CONFIGMAPS, 'default', 'a');
    await log.append('state', [{ subject, expected: 0, meta: meta('Created'), body: encodeObject(configMap('default', 'a')) }], [guard]);
    await cache.reached('state', await log.last('state'));
    expect(names(cache)).toEqual(['default/a']);
  });

  it('wakes those who wait when their sequence is there, and lets the others give up', async () => {
    const log = new MemoryLog();
    const cache = await start(log);
    const giveUp = new AbortController();
    const never = cache.reached('state', 99, giveUp.signal);
    const soon = cache.reached('state', 1);
    await append(log, 'Created', configMap('default', 'a'));
    await soon;
    giveUp.abort(new Error('enough'));
    await expect(never).rejects.toThrow('enough');
  });

  it('lists in the order of bytes whatever the order of events, and is the fold of them', async () => {
    const key = fc.tuple(fc.constantFrom('a', 'b', 'b-c'), fc.constantFrom('a', 'a-b', 'a.b', 'é', '\u{1f600}', '\uffee', 'z'));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(key, fc.boolean()), { maxLength: 40 }), async (steps) => {
        const log = new MemoryLog();
        const cache = await start(log);
        const model = new Set<string>();
        for (const [[namespace, name], remove] of steps) {
          const known = model.has(`${namespace}/${name}`);
          if (remove && !known) continue;
          await append(log, remove ? 'Deleted' : known ? 'Updated' : 'Created', configMap(namespace, name));
          if (remove) model.delete(`${namespace}/${name}`);
          else model.add(`${namespace}/${name}`);
        }
        await cache.reached('state', await log.last('state'));
        const [b, all] = [names(cache, 'b'), names(cache)];
        const bytewise = (x: string, y: string): number =>
          Buffer.compare(Buffer.from(x.replace('/', '\0')), Buffer.from(y.replace('/', '\0')));
        expect(all).toEqual([...model].sort(bytewise));
        expect(b).toEqual(all.filter((each) => each.startsWith('b/')));
        expect(cache.list(CONFIGMAPS)).toHaveLength(model.size);
      }),
      { numRuns: 50 },
    );
  });
});

describe('compareBytewise', () => {
  it('orders as UTF-8 bytes do', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (a, b) => {
        expect(Math.sign(compareBytewise(a, b))).toBe(Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b))));
      }),
    );
  });
});
