import { CONFIGMAPS, NAMESPACES, type ConfigMap } from '#libs/api';
import { startTestApiServer, type TestApiServer } from '#libs/testing';
import { ApiClient } from './api-client.js';
import { splitLines } from './lines.js';
import { watchResource } from './resource-watch.js';
import { Unreachable } from './transport.js';

let api: TestApiServer;
let client: ApiClient;

const map = (name: string, value: string): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default' },
  data: { value },
});

/** Resolves when `holds` does, asked after each call of the function it hands out. */
function condition(holds: () => boolean): { readonly met: Promise<void>; readonly look: () => void } {
  let look: () => void = () => undefined;
  const met = new Promise<void>((resolve) => {
    look = () => {
      if (holds()) resolve();
    };
  });
  return { met, look };
}

beforeAll(async () => {
  api = await startTestApiServer();
  client = new ApiClient({ url: `https://127.0.0.1:${api.server.port}`, ca: api.authority.cert, cert: api.admin.cert, key: api.admin.key });
  await client.create(NAMESPACES, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default' } });
});

afterAll(async () => {
  client.close();
  await api.close();
});

describe('the client of the API server', () => {
  it('writes and reads objects, and throws refusals in the words of the server', async () => {
    const created = await client.create(CONFIGMAPS, map('a', '1'));
    expect((await client.get<ConfigMap>(CONFIGMAPS, 'default', 'a')).data).toEqual({ value: '1' });
    await expect(client.create(CONFIGMAPS, map('a', '1'))).rejects.toMatchObject({
      reason: 'AlreadyExists',
      message: 'configmaps "a" already exists',
    });
    const updated = await client.update(CONFIGMAPS, { ...created, data: { value: '2' } });
    await expect(client.update(CONFIGMAPS, { ...created, data: { value: '3' } })).rejects.toMatchObject({ reason: 'Conflict' });
    expect((await client.patch<ConfigMap>(CONFIGMAPS, 'default', 'a', { data: { value: null } })).data).toBeUndefined();
    expect(updated.data).toEqual({ value: '2' });
    await client.delete(CONFIGMAPS, 'default', 'a');
    await expect(client.get(CONFIGMAPS, 'default', 'a')).rejects.toMatchObject({ reason: 'NotFound' });
  });

  it('asks below the path of its URL, as whom it is told to act as', async () => {
    const { cert, key } = api.admin;
    const options = { url: `https://127.0.0.1:${api.server.port}/apis/`, ca: api.authority.cert, cert, key };
    const deputy = new ApiClient({ ...options, impersonate: { user: 'alice', uid: 'u-1', groups: ['a', 'b', 'system:masters'] } });
    const review = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' };
    const path = '/authentication.k8s.io/v1/selfsubjectreviews';
    const answer = await deputy.transport.json({ method: 'POST', path, body: review });
    expect(answer).toMatchObject({
      status: { userInfo: { username: 'alice', uid: 'u-1', groups: ['a', 'b', 'system:masters', 'system:authenticated'] } },
    });
    deputy.close();
  });

  it('says when the server can not be reached', async () => {
    const lost = new ApiClient({ url: 'https://127.0.0.1:1', ca: api.authority.cert });
    await expect(lost.get(CONFIGMAPS, 'default', 'a')).rejects.toBeInstanceOf(Unreachable);
  });

  it('keeps a copy current: what is there, what comes, changes and goes', async () => {
    await client.create(CONFIGMAPS, map('old', '1'));
    const told: string[] = [];
    const wanted = ['+old', '+new', '~new', '-old'];
    const { met, look } = condition(() => told.length === wanted.length);
    const watch = watchResource<ConfigMap>(client, CONFIGMAPS, {
      namespace: 'default',
      onChange: (next, old) => {
        told.push(`${!old ? '+' : !next ? '-' : '~'}${(next ?? old)?.metadata.name ?? ''}`);
        look();
      },
    });
    await watch.synced;
    expect(watch.get('default', 'old')?.data).toEqual({ value: '1' });
    await client.create(CONFIGMAPS, map('new', '1'));
    await client.patch(CONFIGMAPS, 'default', 'new', { data: { value: '2' } });
    await client.delete(CONFIGMAPS, 'default', 'old');
    await met;
    expect(told).toEqual(wanted);
    expect(watch.list().map(({ data }) => data)).toEqual([{ value: '2' }]);
    await watch.stop();
  });
});

describe('lines', () => {
  it('come out whole however the bytes arrive, and never without bound', async () => {
    const gather = async (chunks: readonly string[], limit = 100): Promise<string[]> => {
      const lines: string[] = [];
      for await (const line of splitLines(
        (async function* () {
          for (const chunk of chunks) yield Buffer.from(chunk);
        })(),
        limit,
      ))
        lines.push(line);
      return lines;
    };
    expect(await gather(['a', 'b\nc', '\n\nd'])).toEqual(['ab', 'c', 'd']);
    await expect(gather(['x'.repeat(11)], 10)).rejects.toThrow('a line exceeds 10 bytes');
  });
});
