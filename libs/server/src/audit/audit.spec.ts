import type { AuditEntry } from '#libs/log';
import { MemoryAudit } from '#libs/simulation';
import { auditEntry, startTestApiServer, type TestApiServer, type TestPair } from '#libs/testing';
import { auditKindOf } from './auditable.js';
import { AuditLimiter } from './limiter.js';
import { AuditRecorder } from './recorder.js';

const silent = { debug: () => undefined, info: () => undefined, error: () => undefined };
const POD = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image: 'i' }] } };
const SECRET = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' }, stringData: { password: 'hunter2hunter2' } };

describe('what is recorded though it is no event', () => {
  let api: TestApiServer;
  let joe: TestPair;
  const audit = new MemoryAudit();
  beforeAll(async () => {
    api = await startTestApiServer({ options: { audit } });
    joe = await api.authority.issue('joe', { organizations: ['dev'] });
    for (const name of ['default', 'kube-system']) await api.ask('/api/v1/namespaces', { method: 'POST', body: { metadata: { name } } });
    await api.ask('/api/v1/namespaces/default/serviceaccounts', { method: 'POST', body: { metadata: { name: 'default' } } });
    await api.ask('/api/v1/namespaces/default/secrets', { method: 'POST', body: SECRET });
    await api.ask('/api/v1/namespaces/default/secrets/s', { headers: { 'audit-id': 'read-1', 'user-agent': 'kubectl/v1.36' } });
    await api.ask('/api/v1/secrets', { headers: { 'audit-id': 'list-1' } });
    await api.ask('/api/v1/namespaces/default/pods', { headers: { 'audit-id': 'plain-read' } });
    await api.ask('/api/v1/namespaces/default/pods/none', { headers: { 'audit-id': 'plain-404' } });
    await api.ask('/api/v1/namespaces/default/secrets', { client: joe, headers: { 'audit-id': 'denied-1' } });
    await api.ask('/api/v1/namespaces/default/pods', {
      method: 'POST',
      body: { ...POD, metadata: { name: 'No Name' } },
      headers: { 'audit-id': 'bad-write' },
    });
    await api.ask('/api/v1/namespaces/default/pods/p/exec?command=secret-word', { method: 'POST', headers: { 'audit-id': 'exec-1' } });
    await api.ask('/api/v1/namespaces/default/pods', { headers: { 'audit-id': 'as-1', 'impersonate-user': 'jane' } });
    await api.ask('/api/v1/namespaces/default/pods', { client: joe, headers: { 'audit-id': 'as-2', 'impersonate-user': 'jane' } });
    await api.ask('/api/v1/namespaces/default/serviceaccounts/default/token', {
      method: 'POST',
      body: { spec: {} },
      headers: { 'audit-id': 'token-1' },
    });
    await api.ask('/api/v1/pods', { anonymous: true, headers: { 'audit-id': '401-1', authorization: 'Bearer hunter2hunter2' } });
    await api.close();
  });

  it.each<[string, Partial<AuditEntry> | undefined]>([
    [
      'read-1',
      {
        kind: 'secret',
        user: 'admin',
        groups: ['system:masters', 'system:authenticated'],
        source: '127.0.0.1',
        agent: 'kubectl/v1.36',
        verb: 'get',
        group: '',
        resource: 'secrets',
        namespace: 'default',
        name: 's',
        code: 200,
      },
    ],
    ['list-1', { kind: 'secret', verb: 'list', code: 200 }],
    ['denied-1', { kind: 'denied', user: 'joe', verb: 'list', resource: 'secrets', code: 403, reason: 'Forbidden' }],
    ['bad-write', { kind: 'failed', user: 'admin', verb: 'create', resource: 'pods', code: 422, reason: 'Invalid' }],
    ['exec-1', { kind: 'connect', verb: 'create', resource: 'pods', subresource: 'exec', name: 'p' }],
    ['as-1', { kind: 'denied', user: 'jane', impersonator: 'admin', code: 403 }],
    ['as-2', { kind: 'denied', user: 'joe', code: 403 }],
    ['token-1', { kind: 'token', resource: 'serviceaccounts', subresource: 'token', name: 'default', code: 201 }],
    ['401-1', { kind: 'denied', user: '', verb: 'list', resource: 'pods', code: 401, reason: 'Unauthorized' }],
    ['plain-read', undefined],
    ['plain-404', undefined],
  ])('%s', (id, wanted) => {
    const found = audit.entries.find((entry) => entry.id === id);
    if (wanted === undefined) expect(found).toBeUndefined();
    else expect(found).toMatchObject(wanted);
  });

  it('never says what a Secret holds, nor a token, nor a query', () => {
    expect(JSON.stringify(audit.entries)).not.toMatch(/hunter2|aHVudGVyM|secret-word/);
    expect(api.logged.join('\n')).not.toMatch(/hunter2/);
  });
});

describe('a flood of requests', () => {
  const denied = (more: Partial<AuditEntry>): AuditEntry => auditEntry({ kind: 'denied', code: 401, user: '', ...more });

  it('of nobody in particular is counted after a few of each address, and of all together', () => {
    const limiter = new AuditLimiter();
    limiter.drain(0);
    const kept = Array.from({ length: 10_000 }, (_, i) => limiter.admit(denied({ source: `10.0.0.${i % 100}`, id: String(i) }), true));
    expect(kept.filter(Boolean)).toHaveLength(12);
    const counted = limiter.drain(60_000);
    expect(counted).toHaveLength(9);
    expect(counted.reduce((sum, { count = 0 }) => sum + count, 0)).toBe(10_000 - 12);
    expect(counted.at(-1)).toMatchObject({ kind: 'denied', code: 401, count: expect.any(Number) as number });
    expect(counted.at(-1)?.source).toBeUndefined();
  });

  it('does not keep those of others from being kept', () => {
    const limiter = new AuditLimiter();
    limiter.drain(0);
    for (let i = 0; i < 1_000; i++) limiter.admit(denied({ source: '10.0.0.1' }), true);
    for (let i = 0; i < 1_000; i++) limiter.admit(auditEntry({ user: 'noisy' }), false);
    expect(limiter.admit(auditEntry({ user: 'jane' }), false)).toBe(true);
    expect(limiter.drain(60_000).map(({ user, count }) => [user, count])).toEqual([
      ['', 996],
      ['noisy', 940],
    ]);
  });

  it('is kept again in the next minute', () => {
    const limiter = new AuditLimiter();
    limiter.drain(0);
    const keep = (): boolean => limiter.admit(denied({ source: '10.0.0.1' }), true);
    expect([keep(), keep(), keep(), keep(), keep()]).toEqual([true, true, true, true, false]);
    expect(limiter.drain(59_999)).toEqual([]);
    expect(limiter.drain(60_000)).toHaveLength(1);
    expect(keep()).toBe(true);
  });
});

describe('an audit stream that takes nothing', () => {
  it('costs no request anything: entries wait up to a limit, the rest is dropped and said', async () => {
    let failing = true;
    const stream = new MemoryAudit({ fault: () => failing, maxBatches: 10_000 });
    const warned: unknown[] = [];
    let now = 0;
    const recorder = new AuditRecorder(stream, { now: () => now }, { ...silent, warn: (_, fields) => warned.push(fields) });
    jest.useFakeTimers();
    recorder.start();
    for (let round = 0; round < 5; round++) {
      for (let i = 0; i < 1_000; i++) {
        const user = { name: `user-${i % 100}`, groups: [] };
        const request = { time: now, id: `${round}-${i}`, user, info: undefined, source: '10.0.0.1', agent: undefined };
        recorder.record(request, { code: 500, reason: undefined, latencyMs: 1 });
      }
      now += 60_000;
      await jest.advanceTimersByTimeAsync(1_000);
    }
    jest.useRealTimers();
    expect(warned).toEqual([{ dropped: 5_000 - 4_096 }]);
    failing = false;
    await recorder.close();
    expect(stream.entries).toHaveLength(4_096);
    expect(stream.entries[0]?.id).toBe('0-0');
  });
});

describe('which requests are recorded', () => {
  const info = (verb: string, resource: string, subresource = ''): Parameters<typeof auditKindOf>[0] => ({
    path: '',
    verb,
    resourceRequest: true,
    group: '',
    version: 'v1',
    namespace: 'default',
    resource,
    subresource,
    name: 'x',
    rest: [],
  });
  const jane = { name: 'jane', groups: ['system:authenticated'] };
  it.each([
    [info('get', 'pods'), 200, undefined],
    [info('get', 'pods'), 404, undefined],
    [info('create', 'pods'), 201, undefined],
    [info('create', 'pods'), 409, 'failed'],
    [info('delete', 'pods'), 404, 'failed'],
    [info('get', 'pods'), 503, 'failed'],
    [info('get', 'pods'), 401, 'denied'],
    [info('watch', 'secrets'), undefined, 'secret'],
    [info('create', 'secrets'), 201, undefined],
    [info('get', 'services', 'proxy'), 200, 'connect'],
    [info('get', 'nodes', 'proxy'), 200, 'connect'],
    [info('get', 'pods', 'portforward'), undefined, 'connect'],
    [info('get', 'pods', 'log'), 200, undefined],
    [info('create', 'serviceaccounts', 'token'), 201, 'token'],
    [undefined, 400, 'failed'],
  ] as const)('%j answered %s: %s', (asked, code, kind) => {
    expect(auditKindOf(asked, jane, code)).toBe(kind);
  });

  it('and whatever is done as somebody else', () => {
    expect(auditKindOf(info('get', 'pods'), { ...jane, impersonator: 'admin' }, 200)).toBe('impersonation');
  });
});
