import type { IncomingMessage } from 'node:http';
import type { KubeObject } from '#libs/apimachinery';
import { startTestApiServer, type TestApiServer } from '#libs/testing';

const BEGIN = Date.parse('2026-01-01T00:00:00Z');
const MINUTE = 60_000;

const configMap = (name: string, app: string): KubeObject => ({
  kind: 'ConfigMap',
  apiVersion: 'v1',
  metadata: { name, namespace: 'a', uid: `uid-${name}`, creationTimestamp: '2026-01-01T00:00:00Z', labels: { app } },
});

interface Line {
  readonly type: string;
  readonly object: KubeObject & { readonly rows?: readonly { readonly cells: readonly unknown[] }[]; readonly message?: string };
}

const shown = ({ type, object }: Line): string => {
  if (object.rows !== undefined) return `${type} ${object.rows.map(({ cells }) => cells.join(' ')).join()}`;
  const { name = '', resourceVersion = '', annotations, labels } = object.metadata;
  const mark = annotations?.['k8s.io/initial-events-end'] === undefined ? '' : ' initial';
  return `${type} ${name}${labels === undefined ? '' : `=${labels['app'] ?? ''}`}@${resourceVersion}${mark}`;
};

/** What a watch said until it ended. */
async function linesOf(answer: IncomingMessage): Promise<readonly string[]> {
  let text = '';
  for await (const chunk of answer) text += (chunk as Buffer).toString('utf8');
  return text.split('\n').flatMap((line) => (line === '' ? [] : [shown(JSON.parse(line) as Line)]));
}

describe('a watch of the past', () => {
  let api: TestApiServer;
  let now = BEGIN;
  const watch = (moment: string, query = '', headers = {}): Promise<IncomingMessage> =>
    api.open(`/at/${moment}/api/v1/configmaps?watch=true&${query}`, { headers });
  const heard = async (moment: string, query = '', headers = {}): Promise<readonly string[]> =>
    linesOf(await watch(moment, query, headers));

  /** Five events, one each minute; from the last one on the clock stands still. */
  beforeAll(async () => {
    api = await startTestApiServer({ now: () => now });
    const steps: readonly (() => Promise<unknown>)[] = [
      () => api.put(configMap('x', 'web')),
      () => api.put(configMap('y', 'db')),
      () => api.put(configMap('y', 'web'), 2),
      () => api.put(configMap('x', 'db'), 1),
      () => api.remove(configMap('y', 'web'), 3),
    ];
    for (const [minute, step] of steps.entries()) {
      now = BEGIN + minute * MINUTE;
      await step();
    }
  });
  afterAll(() => api.close());

  it.each<[string, string, readonly string[]]>([
    ['2', '', ['ADDED x=web@1', 'ADDED y=db@2', 'MODIFIED y=web@3', 'MODIFIED x=db@4', 'DELETED y=web@5']],
    [
      '0',
      'allowWatchBookmarks=true',
      ['ADDED x=web@1', 'ADDED y=db@2', 'MODIFIED y=web@3', 'MODIFIED x=db@4', 'DELETED y=web@5', 'BOOKMARK @5'],
    ],
    ['2', 'resourceVersion=3', ['MODIFIED x=db@4', 'DELETED y=web@5']],
    ['4', 'resourceVersion=2', ['MODIFIED y=web@3', 'MODIFIED x=db@4', 'DELETED y=web@5']],
    ['1', 'labelSelector=app%3Dweb', ['ADDED x=web@1', 'ADDED y=web@3', 'DELETED x=web@4', 'DELETED y=web@5']],
    ['1', 'fieldSelector=metadata.name%3Dx', ['ADDED x=web@1', 'MODIFIED x=db@4']],
    ['4', 'sendInitialEvents=false&resourceVersionMatch=NotOlderThan', ['DELETED y=web@5']],
    [
      '4',
      'sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true',
      ['ADDED x=db@4', 'ADDED y=web@3', 'BOOKMARK @4 initial', 'DELETED y=web@5', 'BOOKMARK @5'],
    ],
    ['5', 'allowWatchBookmarks=true', ['ADDED x=db@4', 'BOOKMARK @5']],
  ])('from %s with %j tells what happened up to now, and ends', async (moment, query, lines) => {
    expect(await heard(`${moment};speed=max`, query)).toEqual(lines);
  });

  it('tells ages from the time of each event', async () => {
    const headers = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' };
    expect(await heard('2', 'speed=max', headers)).toEqual([
      'ADDED x 0 60s',
      'ADDED y 0 60s',
      'MODIFIED y 0 2m',
      'MODIFIED x 0 3m',
      'DELETED y 0 4m',
    ]);
  });

  it('refuses a resourceVersion that has not come yet', async () => {
    const answer = await api.ask('/at/2/api/v1/configmaps?watch=true&resourceVersion=6');
    expect(answer.json()).toMatchObject({ code: 504, message: 'Timeout: Too large resource version: 6, current: 5' });
  });

  it('ends with its client, with its time and with the server', async () => {
    const gone = await watch('2', 'speed=1x');
    gone.destroy();
    expect(await heard('2', 'speed=1x&timeoutSeconds=1&allowWatchBookmarks=true')).toEqual([
      'ADDED x=web@1',
      'ADDED y=db@2',
      'BOOKMARK @2',
    ]);
    const open = linesOf(await watch('2', 'speed=0.5'));
    await api.close();
    expect(await open).toEqual(['ADDED x=web@1', 'ADDED y=db@2']);
  });
});
