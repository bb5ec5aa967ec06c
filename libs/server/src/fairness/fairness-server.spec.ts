import { once } from 'node:events';
import type { ClientRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { SUGGESTED_LEVELS, SUGGESTED_SCHEMAS } from '#libs/api';
import { startTestApiServer, type TestApiServer, type TestPair } from '#libs/testing';

const MAPS = '/api/v1/namespaces/default/configmaps';

describe('a server under more than it can do', () => {
  let api: TestApiServer;
  let greedy: TestPair;
  let modest: TestPair;
  const open: ClientRequest[] = [];

  /** A create whose body never ends: it takes a place and keeps it. */
  const endless = async (client: TestPair): Promise<ClientRequest> => {
    const asked = httpsRequest({
      host: '127.0.0.1',
      port: api.server.port,
      path: MAPS,
      method: 'POST',
      ca: api.authority.cert,
      cert: client.cert,
      key: client.key,
      agent: false,
      headers: { 'content-type': 'application/json', 'transfer-encoding': 'chunked' },
    });
    asked.on('error', () => undefined);
    asked.write('{');
    open.push(asked);
    await once(asked, 'socket');
    return asked;
  };
  /** Asks until the answer is the one that is waited for: what goes before it has arrived by then. */
  const until = async (code: number, client: TestPair): Promise<Record<string, unknown>> => {
    for (let tries = 0; tries < 200; tries++) {
      const answer = await api.ask(MAPS, { client });
      const said = answer.json<Record<string, unknown>>();
      if (answer.code === code) return { ...answer.headers, ...said };
    }
    throw new Error(`no ${code}`);
  };

  beforeAll(async () => {
    api = await startTestApiServer({
      options: { authorizer: () => ({ allowed: true }), settings: { maxReadsInFlight: 2, maxWritesInFlight: 2, maxQueueWaitMs: 300 } },
    });
    greedy = await api.authority.issue('greedy');
    modest = await api.authority.issue('modest');
    await api.ask('/api/v1/namespaces', { method: 'POST', body: { metadata: { name: 'default' } } });
  });
  afterEach(() => {
    for (const asked of open.splice(0)) asked.destroy();
  });
  afterAll(() => api.close());

  it('says of every answer which schema and level it belonged to', async () => {
    const path = '/apis/flowcontrol.apiserver.k8s.io/v1';
    for (const body of SUGGESTED_LEVELS) await api.ask(`${path}/prioritylevelconfigurations`, { method: 'POST', body });
    const schema = SUGGESTED_SCHEMAS.find(({ metadata }) => metadata.name === 'global-default');
    const made = (await api.ask(`${path}/flowschemas`, { method: 'POST', body: schema })).json<{ metadata: { uid: string } }>();
    const level = (await api.ask(`${path}/prioritylevelconfigurations/global-default`)).json<{ metadata: { uid: string } }>();
    const { headers } = await api.ask(MAPS, { client: modest });
    expect(headers['x-kubernetes-pf-flowschema-uid']).toBe(made.metadata.uid);
    expect(headers['x-kubernetes-pf-prioritylevel-uid']).toBe(level.metadata.uid);
    for (const name of ['prioritylevelconfigurations', 'flowschemas']) await api.ask(`${path}/${name}`, { method: 'DELETE' });
  });

  it('refuses with 429 what is too much, and never whoever is exempt', async () => {
    await Promise.all(Array.from({ length: 4 }, () => endless(greedy)));
    const refused = await until(429, greedy);
    expect(refused).toMatchObject({ 'retry-after': '1', reason: 'TooManyRequests', message: 'Too many requests, please try again later.' });
    expect((await api.ask(MAPS)).code).toBe(200);
  });

  it('lets another client in while one takes all that it can', async () => {
    const path = '/apis/flowcontrol.apiserver.k8s.io/v1';
    const limits = (shares: number) => ({
      type: 'Limited',
      limited: { nominalConcurrencyShares: shares, lendablePercent: 0, limitResponse: { type: 'Reject' } },
    });
    await api.ask(`${path}/prioritylevelconfigurations`, { method: 'POST', body: { metadata: { name: 'greedy' }, spec: limits(5) } });
    const rules = [
      {
        subjects: [{ kind: 'User', user: { name: 'greedy' } }],
        resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'], namespaces: ['*'], clusterScope: true }],
      },
    ];
    const spec = { priorityLevelConfiguration: { name: 'greedy' }, matchingPrecedence: 10, rules };
    await api.ask(`${path}/flowschemas`, { method: 'POST', body: { metadata: { name: 'greedy' }, spec } });
    await Promise.all(Array.from({ length: 10 }, () => endless(greedy)));
    await until(429, greedy);
    expect((await api.ask(MAPS, { client: modest })).code).toBe(200);
  });

  it('refuses whoever has waited too long for his turn, and lets him in when a place comes free', async () => {
    const path = '/apis/flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations/greedy';
    const limitResponse = { type: 'Queue', queuing: { queues: 1, handSize: 1, queueLengthLimit: 10 } };
    const limited = { nominalConcurrencyShares: 5, lendablePercent: 0, borrowingLimitPercent: 0, limitResponse };
    const headers = { 'content-type': 'application/merge-patch+json' };
    expect((await api.ask(path, { method: 'PATCH', headers, body: { spec: { limited } } })).code).toBe(200);
    const taken = await Promise.all(Array.from({ length: 2 }, () => endless(greedy)));
    await until(429, greedy);
    const waiting = api.ask(MAPS, { client: greedy });
    taken[0]?.destroy();
    expect((await waiting).code).toBe(200);
  });
});
