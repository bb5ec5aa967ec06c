import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { ServerResponse } from 'node:http';
import { CONFIGMAPS } from '#libs/api';
import type { KubeObject } from '#libs/apimachinery';
import { MemoryCluster, aConfigMap, aNamespace, definedAs } from '#libs/testing';
import { ServedResource } from '../served-resource.js';
import { WatchBacklog, type Backlogged } from './watch-backlog.js';
import { WatchHub } from './watch-hub.js';
import { WatchSession } from './watch-session.js';

describe('what watches have not read', () => {
  const watch = (cut: string[], name: string): Backlogged => ({ cut: () => void cut.push(name) });

  test('those that lag most are cut off first, until the rest is bearable', () => {
    const cut: string[] = [];
    const backlog = new WatchBacklog(100);
    const [a, b, c] = ['a', 'b', 'c'].map((name) => watch(cut, name)) as [Backlogged, Backlogged, Backlogged];
    backlog.set(a, 40);
    backlog.set(b, 50);
    expect([cut, backlog.bytes]).toEqual([[], 90]);
    backlog.set(c, 30);
    expect([cut, backlog.bytes]).toEqual([['b'], 70]);
  });

  test('what was read since does not count', () => {
    const cut: string[] = [];
    const backlog = new WatchBacklog(100);
    const a = watch(cut, 'a');
    backlog.set(a, 90);
    backlog.set(a, 0);
    backlog.set(watch(cut, 'b'), 90);
    expect([cut, backlog.bytes]).toEqual([[], 90]);
  });
});

/** A connection that nobody reads: what is written to it stays. */
class Unread {
  writableLength = 0;
  destroyed = false;
  write(chunk: Uint8Array): boolean {
    this.writableLength += chunk.length;
    return false;
  }
  destroy(): void {
    this.destroyed = true;
    this.writableLength = 0;
  }
}

describe('ten thousand watches', () => {
  const COUNT = 10_000;
  const LIMIT = 8 * 1024 * 1024;
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const heap = (): number => {
    collect();
    return process.memoryUsage().heapUsed;
  };

  test('cost little while nothing happens, and what they leave unread is bounded', async () => {
    const cluster = await MemoryCluster.start();
    const definition = definedAs(CONFIGMAPS);
    const served = new ServedResource(definition);
    const hub = new WatchHub(cluster.view, cluster.world.now);
    const backlog = new WatchBacklog(LIMIT);
    hub.start();
    try {
      await cluster.create({ group: '', version: 'v1', resource: 'namespaces' }, aNamespace('default'));
      const before = heap();
      const responses = Array.from({ length: COUNT }, () => new Unread());
      const sessions = responses.map((response) => {
        const session = new WatchSession(
          {
            served,
            selection: { namespace: 'default', name: undefined, matches: undefined, everything: true },
            format: { key: 'json', transform: undefined, include: 'Metadata' },
            after: 0,
            bookmarkEveryMs: 60_000,
            maxBacklogBytes: LIMIT,
            backlog,
          } as ConstructorParameters<typeof WatchSession>[0],
          response as unknown as ServerResponse,
          cluster.view,
          cluster.world.now(),
        );
        hub.add(session);
        return session;
      });
      await Promise.all(sessions.map((session) => session.begin([], undefined, new AbortController().signal)));
      expect((heap() - before) / COUNT).toBeLessThan(4_096);
      for (let i = 0; i < 12; i += 1) await cluster.create(CONFIGMAPS, aConfigMap(`a${i}`, { key: 'x'.repeat(1_000) }) as KubeObject);
      await cluster.settled();
      await new Promise((resolve) => setImmediate(resolve));
      const unread = responses.reduce((sum, { writableLength }) => sum + writableLength, 0);
      expect(unread).toBeGreaterThan(0);
      expect(unread).toBeLessThanOrEqual(LIMIT);
      expect(responses.filter(({ destroyed }) => destroyed).length).toBeGreaterThan(0);
    } finally {
      hub.stop();
      await cluster.stop();
    }
  }, 60_000);
});
