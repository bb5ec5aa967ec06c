import type { KubeObject } from '#libs/apimachinery';
import type { Sequence, StreamName } from '#libs/log';
import type { MemoryLog } from '#libs/simulation';
import { configMap, LogHistory, startTestApiServer, type TestApiServer } from '#libs/testing';

interface List {
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
  readonly items: readonly KubeObject[];
}

const LISTS = '/api/v1/configmaps';
const ONE = '/api/v1/namespaces/default/configmaps/a';

/** A projection that follows its log no further than it is let. */
class Lagging extends LogHistory {
  shown: Sequence = 0;
  private waiting: (() => void)[] = [];
  /** Told of each wait as it begins. */
  onWait: () => void = () => undefined;

  show(sequence: Sequence): void {
    this.shown = sequence;
    for (const wake of this.waiting.splice(0)) wake();
  }

  override async reached(_stream: StreamName, sequence: Sequence, signal?: AbortSignal): Promise<void> {
    while (this.shown < sequence) {
      await new Promise<void>((resolve, reject) => {
        this.waiting.push(resolve);
        signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
        this.onWait();
      });
    }
  }

  override position(): Promise<Sequence> {
    return Promise.resolve(this.shown);
  }
}

describe('a server that reads from the projection', () => {
  let api: TestApiServer;
  let log: MemoryLog;
  let projection: Lagging;
  const list = async (query = ''): Promise<string> => {
    const { metadata, items } = (await api.ask(`${LISTS}${query}`)).json<List>();
    return `${items.map((item) => item.metadata.name).join(' ')} at ${metadata.resourceVersion}`;
  };
  beforeEach(async () => {
    api = await startTestApiServer({
      history: (own) => (projection = new Lagging((log = own))),
      options: { settings: { readsFrom: 'projection', futureVersionWaitMs: 50, readTimeoutMs: 5_000 } },
    });
    for (const name of ['a', 'b', 'c']) await api.put(configMap(name));
    projection.show(await log.last('state'));
  });
  afterEach(() => api.close());

  it('asks the cache for no object', async () => {
    const asked = [
      jest.spyOn(api.view, 'entry'),
      jest.spyOn(api.view, 'entries'),
      jest.spyOn(api.view, 'list'),
      jest.spyOn(api.view, 'get'),
    ];
    const first = (await api.ask(`${LISTS}?limit=1`)).json<List>();
    expect(await list(`?continue=${first.metadata.continue ?? ''}`)).toBe('b c at 3');
    const queries = [
      '',
      '?resourceVersion=0',
      '?resourceVersion=2',
      '?resourceVersion=2&resourceVersionMatch=Exact',
      '?fieldSelector=metadata.name%3Da',
    ];
    for (const query of queries) await list(query);
    expect((await api.ask(ONE)).code).toBe(200);
    for (const spy of asked) expect(spy).not.toHaveBeenCalled();
  });

  it('answers anything for resourceVersion 0, and refuses what the projection does not reach', async () => {
    await api.put(configMap('d'));
    expect(await list('?resourceVersion=0')).toBe('a b c at 3');
    expect(await list('?resourceVersion=3')).toBe('a b c at 3');
    expect((await api.ask(`${LISTS}?resourceVersion=4`)).json()).toMatchObject({
      message: 'Timeout: Too large resource version: 4, current: 3',
    });
    expect((await api.ask(`${ONE}?resourceVersion=4`)).json()).toMatchObject({
      message: 'Timeout: Too large resource version: 4, current: 3',
    });
  });

  it.each([
    ['', 'a b c d at 4'],
    ['?resourceVersion=4&resourceVersionMatch=NotOlderThan', 'a b c d at 4'],
  ])('lists %j only once the projection is as new as that', async (query, found) => {
    await api.close();
    api = await startTestApiServer({
      history: (own) => (projection = new Lagging((log = own))),
      options: { settings: { readsFrom: 'projection' } },
    });
    for (const name of ['a', 'b', 'c', 'd']) await api.put(configMap(name));
    projection.show(3);
    const waits = new Promise<void>((resolve) => (projection.onWait = resolve));
    const answer = list(query);
    await waits;
    projection.show(4);
    expect(await answer).toBe(found);
  });

  it('answers what the projection holds, though to be told so took longer than the patience', async () => {
    jest
      .spyOn(projection, 'reached')
      .mockImplementation(
        (_stream, _sequence, signal) =>
          new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true })),
      );
    expect(await list('?resourceVersion=3')).toBe('a b c at 3');
    jest.restoreAllMocks();
  });

  it('says 503 where the projection is gone', async () => {
    jest.spyOn(projection, 'reached').mockRejectedValue(new Error('connection refused'));
    for (const path of [LISTS, ONE, `${LISTS}?resourceVersion=3`]) {
      const answer = await api.ask(path);
      expect([answer.code, answer.headers['retry-after'], answer.json()['message']]).toEqual([
        503,
        '1',
        'the history of the cluster is not available',
      ]);
    }
    jest.restoreAllMocks();
    jest.spyOn(projection, 'position').mockRejectedValue(new Error('connection refused'));
    expect((await api.ask(`${LISTS}?resourceVersion=0`)).code).toBe(503);
  });

  it('goes on watching from the cache where a list from the projection ended', async () => {
    const { metadata } = (await api.ask(LISTS)).json<List>();
    await api.put(configMap('d'));
    const watch = await api.ask(`${LISTS}?watch=true&timeoutSeconds=1&resourceVersion=${metadata.resourceVersion}`);
    expect(
      watch.text
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { object: KubeObject }).object.metadata.name),
    ).toEqual(['d']);
  });
});
