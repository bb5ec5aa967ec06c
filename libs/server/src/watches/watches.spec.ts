import type { IncomingMessage } from 'node:http';
import type { KubeObject } from '#libs/apimachinery';
import { startTestApiServer, type TestApiServer, type TestServerOptions } from '#libs/testing';

interface WatchEvent {
  readonly type: string;
  readonly object: KubeObject & {
    readonly code?: number;
    readonly message?: string;
    readonly rows?: readonly { readonly cells: readonly unknown[] }[];
  };
}

const configMap = (name: string, labels: Record<string, string> = {}, namespace = 'a'): KubeObject => ({
  kind: 'ConfigMap',
  apiVersion: 'v1',
  metadata: { name, namespace, uid: `uid-${name}`, labels },
});

/** Reads a watch line by line. */
class Lines {
  private text = '';
  private readonly chunks: AsyncIterator<Buffer>;

  constructor(readonly answer: IncomingMessage) {
    this.chunks = (answer as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
  }

  /** The next event; undefined: the watch has ended. */
  async next(): Promise<WatchEvent | undefined> {
    for (;;) {
      const end = this.text.indexOf('\n');
      if (end >= 0) {
        const line = this.text.slice(0, end);
        this.text = this.text.slice(end + 1);
        return JSON.parse(line) as WatchEvent;
      }
      const { done, value } = await this.chunks.next();
      if (done === true) return undefined;
      this.text += value.toString('utf8');
    }
  }

  async take(count: number): Promise<string[]> {
    const seen: string[] = [];
    while (seen.length < count) seen.push(shown(await this.next()));
    return seen;
  }

  async rest(): Promise<string[]> {
    const seen: string[] = [];
    for (let event = await this.next(); event !== undefined; event = await this.next()) seen.push(shown(event));
    return seen;
  }
}

const shown = (event: WatchEvent | undefined): string => {
  if (event === undefined) return 'end';
  const { name, resourceVersion, annotations, labels } = event.object.metadata;
  if (event.type === 'ERROR') return `ERROR ${event.object.code} ${event.object.message}`;
  const mark = annotations === undefined ? '' : ` ${JSON.stringify(annotations)}`;
  return `${event.type} ${name ?? ''}${labels?.['app'] === undefined ? '' : `=${labels['app']}`}@${resourceVersion ?? ''}${mark}`;
};

describe('a watch', () => {
  let api: TestApiServer;
  const opened: IncomingMessage[] = [];
  const watch = async (query: string, path = '/api/v1/configmaps', headers: Record<string, string> = {}): Promise<Lines> => {
    const answer = await api.open(`${path}?watch=true&${query}`, { headers });
    opened.push(answer);
    return new Lines(answer);
  };
  const start = async (options: TestServerOptions = {}): Promise<void> => {
    api = await startTestApiServer(options);
    await api.put(configMap('x', { app: 'web' }));
    await api.put(configMap('y', { app: 'db' }));
  };
  afterEach(async () => {
    for (const answer of opened.splice(0)) answer.destroy();
    await api.close();
  });

  it.each([['resourceVersion='], ['resourceVersion=0']])('from %s begins with what is there', async (query) => {
    await start();
    const lines = await watch(query);
    expect(await lines.take(2)).toEqual(['ADDED x=web@1', 'ADDED y=db@2']);
    await api.put(configMap('z'));
    expect(await lines.take(1)).toEqual(['ADDED z@3']);
  });

  it('from a resourceVersion tells everything behind it once and in order', async () => {
    await start();
    const lines = await watch('resourceVersion=1');
    await api.put(configMap('x', { app: 'new' }), 1);
    await api.remove(configMap('x', { app: 'new' }), 3);
    expect(await lines.take(3)).toEqual(['ADDED y=db@2', 'MODIFIED x=new@3', 'DELETED x=new@4']);
  });

  it('sees an object enter and leave its selection', async () => {
    await start();
    const lines = await watch('resourceVersion=2&labelSelector=app%3Dweb');
    const one = await api.put(configMap('y', { app: 'web', n: '1' }), 2);
    const two = await api.put(configMap('y', { app: 'web', n: '2' }), one);
    const three = await api.put(configMap('y', { app: 'db' }), two);
    const four = await api.put(configMap('y', { app: 'db', n: '4' }), three);
    await api.remove(configMap('y', { app: 'db', n: '4' }), four);
    await api.remove(configMap('x', { app: 'web' }), 1);
    expect(await lines.take(4)).toEqual(['ADDED y=web@3', 'MODIFIED y=web@4', 'DELETED y=web@5', 'DELETED x=web@8']);
  });

  it.each([
    ['/api/v1/namespaces/b/configmaps', '', ['ADDED n@4']],
    ['/api/v1/configmaps', '&fieldSelector=metadata.name%3Dn', ['ADDED n@4']],
    ['/api/v1/configmaps', '&fieldSelector=metadata.namespace%3Da', ['ADDED m@3']],
  ])('of %s%s hears of nothing else', async (path, selector, heard) => {
    await start();
    const lines = await watch(`resourceVersion=2${selector}`, path);
    await api.put(configMap('m'));
    await api.put(configMap('n', {}, 'b'));
    expect(await lines.take(heard.length)).toEqual(heard);
  });

  it('marks the end of the initial events for who asks to be sent them', async () => {
    await start();
    const lines = await watch('sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&resourceVersion=2');
    await api.put(configMap('z'));
    expect(await lines.take(4)).toEqual(['ADDED x=web@1', 'ADDED y=db@2', 'BOOKMARK @2 {"k8s.io/initial-events-end":"true"}', 'ADDED z@3']);
  });

  it('begins with nothing for who asks not to be sent initial events', async () => {
    await start();
    const lines = await watch('sendInitialEvents=false&resourceVersionMatch=NotOlderThan');
    await api.put(configMap('z'));
    expect(await lines.take(1)).toEqual(['ADDED z@3']);
  });

  it('refuses combinations that mean nothing', async () => {
    await start();
    expect((await api.ask('/api/v1/configmaps?watch=true&sendInitialEvents=true')).code).toBe(422);
    expect((await api.ask('/api/v1/configmaps?watch=true&resourceVersion=x')).code).toBe(422);
  });

  it('ends after its time, with a bookmark of how far it came', async () => {
    await start();
    const lines = await watch('resourceVersion=2&timeoutSeconds=1&allowWatchBookmarks=true');
    await api.put({ kind: 'Namespace', apiVersion: 'v1', metadata: { name: 'other' } });
    expect(await lines.rest()).toEqual(['BOOKMARK @3']);
  });

  it('is told now and then how far it is', async () => {
    await start({ options: { settings: { bookmarkEveryMs: 1 } } });
    const lines = await watch('resourceVersion=2&allowWatchBookmarks=true');
    expect(await lines.take(1)).toEqual(['BOOKMARK @2']);
  });

  it('goes back to the log where the cache no longer holds what it asks for', async () => {
    await start({ window: { events: 1, bytes: 1_000 } });
    await api.put(configMap('x', { app: 'db' }), 1);
    await api.put(configMap('z', { app: 'web' }));
    await api.remove(configMap('z', { app: 'web' }), 4);
    const all = await watch('resourceVersion=1');
    expect(await all.take(4)).toEqual(['ADDED y=db@2', 'MODIFIED x=db@3', 'ADDED z=web@4', 'DELETED z=web@5']);
    const web = await watch('resourceVersion=1&labelSelector=app%3Dweb');
    await api.put(configMap('q', { app: 'web' }));
    expect(await web.take(4)).toEqual(['DELETED x=web@3', 'ADDED z=web@4', 'DELETED z=web@5', 'ADDED q=web@6']);
  });

  it('is told that what lies beyond the horizon is gone', async () => {
    await start({ window: { events: 1, bytes: 1_000 }, options: { settings: { compactionHorizonMs: 20 } } });
    for (const name of ['q', 'r', 's']) await api.put(configMap(name));
    let said = await (await watch('resourceVersion=1')).take(1);
    while (!said[0]?.startsWith('ERROR')) said = await (await watch('resourceVersion=1')).take(1);
    expect(said).toEqual(['ERROR 410 too old resource version: 1 (5)']);
  });

  it('is told that a resourceVersion of a cluster that was restored is gone, though the cache would know what followed', async () => {
    await start({ options: { settings: { lost: { state: { after: 2, through: 4 } } } } });
    for (const name of ['q', 'r', 's']) await api.put(configMap(name));
    expect(await (await watch('resourceVersion=3')).take(1)).toEqual(['ERROR 410 too old resource version: 3 (5)']);
    expect(await (await watch('resourceVersion=2')).take(1)).toEqual(['ADDED q@3']);
    expect(await (await watch('resourceVersion=4')).take(1)).toEqual(['ADDED s@5']);
  });

  it('shows rows, with the columns in its first line alone', async () => {
    await start();
    const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io';
    const lines = await watch('resourceVersion=0', '/api/v1/configmaps', { accept });
    const frames = [await lines.next(), await lines.next()] as unknown as {
      object: { columnDefinitions: object[]; rows: { cells: unknown[] }[] };
    }[];
    expect(frames.map(({ object }) => [object.columnDefinitions.length, object.rows[0]?.cells[0]])).toEqual([
      [3, 'x'],
      [0, 'y'],
    ]);
  });

  it('shows metadata alone where that is accepted', async () => {
    await start();
    const accept = 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io';
    const event = await (await watch('resourceVersion=0', '/api/v1/configmaps', { accept })).next();
    expect([event?.object.kind, event?.object.metadata.name]).toEqual(['PartialObjectMetadata', 'x']);
  });

  it('is cut off when it does not read what it asked for', async () => {
    await start({ options: { settings: { maxWatchBacklogBytes: 100_000 } } });
    const answer = await api.open('/api/v1/configmaps?watch=true&resourceVersion=2');
    opened.push(answer);
    answer.pause();
    const closed = new Promise<void>((resolve) => answer.once('close', () => resolve()));
    let sequence = 0;
    const big = (n: number): KubeObject => ({ ...configMap('big'), data: { n: String(n), x: 'x'.repeat(900_000) } }) as KubeObject;
    for (let n = 0; n < 30; n += 1) sequence = await api.put(big(n), sequence);
    answer.resume();
    await closed;
    expect(answer.complete).toBe(false);
  });

  it('ends when the server closes', async () => {
    await start();
    const lines = await watch('resourceVersion=2');
    await api.server.close();
    expect(await lines.rest()).toEqual([]);
    expect(lines.answer.complete).toBe(true);
  });

  it('hears the same bytes as everybody else, each event once, under load', async () => {
    await start();
    const watches = await Promise.all(Array.from({ length: 20 }, () => watch('resourceVersion=2')));
    const expected: string[] = [];
    for (let n = 0; n < 50; n += 1) {
      const sequence = await api.put(configMap(`c${n}`));
      expected.push(`ADDED c${n}@${sequence}`);
    }
    for (const lines of watches) expect(await lines.take(50)).toEqual(expected);
  });
});
