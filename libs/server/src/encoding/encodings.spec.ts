import { decodeProtobuf } from '#libs/api';
import type { KubeObject } from '#libs/apimachinery';
import { startTestApiServer, type TestApiServer, type TestRequest } from '#libs/testing';

const PROTOBUF = 'application/vnd.kubernetes.protobuf';
const PODS = '/api/v1/namespaces/default/pods';
const MAPS = '/api/v1/namespaces/default/configmaps';
const META = 'v=v1;g=meta.k8s.io';

/** What a frame of a watch says: its length in four bytes, the type, and the object within a RawExtension. */
function eventsIn(bytes: Buffer): { type: string; object: KubeObject }[] {
  const events: { type: string; object: KubeObject }[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = at + 4 + bytes.readUInt32BE(at);
    const typeLength = bytes[at + 5] ?? 0;
    const type = bytes.toString('utf8', at + 6, at + 6 + typeLength);
    events.push({ type, object: decodeProtobuf(bytes.subarray(bytes.indexOf('k8s\0', at), end)) as KubeObject });
    at = end;
  }
  return events;
}

describe('the encodings of the API server', () => {
  let api: TestApiServer;
  const bytes = async (path: string, request: TestRequest): Promise<{ code: number; type: string; body: Buffer }> => {
    const answer = await api.open(path, request);
    const chunks: Buffer[] = [];
    for await (const chunk of answer as AsyncIterable<Buffer>) chunks.push(chunk);
    return { code: answer.statusCode ?? 0, type: answer.headers['content-type'] ?? '', body: Buffer.concat(chunks) };
  };
  const accepting = (accept: string): TestRequest => ({ headers: { accept } });

  beforeAll(async () => {
    api = await startTestApiServer();
    await api.ask('/api/v1/namespaces', { method: 'POST', body: { metadata: { name: 'default' } } });
    await api.ask(MAPS, {
      method: 'POST',
      body: { metadata: { name: 'a', labels: { z: '1', b: '2' } }, data: { yes: 'true', n: '1\n2' } },
    });
    await api.ask(MAPS, { method: 'POST', body: { metadata: { name: 'b' }, binaryData: { k: 'AQID' } } });
  });
  afterAll(() => api.close());

  it.each<[string, string, object]>([
    ['an object', `${MAPS}/a`, { kind: 'ConfigMap', apiVersion: 'v1', metadata: { name: 'a' }, data: { n: '1\n2' } }],
    [
      'a list',
      MAPS,
      { kind: 'ConfigMapList', items: [{ metadata: { name: 'a' } }, { metadata: { name: 'b' }, binaryData: { k: 'AQID' } }] },
    ],
    ['the resources of a group', '/apis/apps/v1', { kind: 'APIResourceList', groupVersion: 'apps/v1' }],
    ['a group', '/apis/apps', { kind: 'APIGroup', name: 'apps', preferredVersion: { groupVersion: 'apps/v1' } }],
  ])('answers %s in Protocol Buffers', async (_, path, wanted) => {
    const { code, type, body } = await bytes(path, accepting(PROTOBUF));
    expect([code, type]).toEqual([200, PROTOBUF]);
    expect(decodeProtobuf(body)).toMatchObject(wanted);
  });

  it('answers a failure in the encoding that the client accepts', async () => {
    const { code, type, body } = await bytes(`${MAPS}/none`, accepting(PROTOBUF));
    expect([code, type]).toEqual([404, PROTOBUF]);
    expect(decodeProtobuf(body)).toMatchObject({ kind: 'Status', reason: 'NotFound', message: 'configmaps "none" not found', code: 404 });
    expect((await api.ask(`${MAPS}/none`, accepting('application/yaml'))).text).toContain('message: configmaps "none" not found');
    expect((await api.ask(`${MAPS}/none`, accepting('text/html'))).json()).toMatchObject({ reason: 'NotAcceptable', code: 406 });
  });

  it('takes and gives Protocol Buffers in one request', async () => {
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'p' },
      spec: { containers: [{ name: 'c', image: 'i', resources: { limits: { cpu: '100m' } }, ports: [{ containerPort: 80 }] }] },
    };
    await api.ask(PODS.replace('/pods', '/serviceaccounts'), { method: 'POST', body: { metadata: { name: 'default' } } });
    const stored = await api.ask(PODS, { method: 'POST', body: pod });
    expect(stored.code).toBe(201);
    const { body } = await bytes(`${PODS}/p`, accepting(PROTOBUF));
    const request = { method: 'PUT', headers: { 'content-type': PROTOBUF, accept: PROTOBUF }, body };
    const updated = await bytes(`${PODS}/p`, request);
    expect([updated.code, updated.type]).toEqual([200, PROTOBUF]);
    expect(updated.body.equals(body)).toBe(true);
    expect((await api.ask(`${PODS}/p`)).json()).toEqual(stored.json());
  });

  it('reads the options of a deletion in Protocol Buffers', async () => {
    await api.ask(MAPS, { method: 'POST', body: { metadata: { name: 'gone' } } });
    const asked = Buffer.from(`6b387300${'0a130a027631120d'}${Buffer.from('DeleteOptions').toString('hex')}${'12052a03416c6c'}`, 'hex');
    const dry = await api.ask(`${MAPS}/gone`, { method: 'DELETE', headers: { 'content-type': PROTOBUF }, body: asked });
    expect(dry.code).toBe(200);
    expect((await api.ask(`${MAPS}/gone`)).code).toBe(200);
    await api.ask(`${MAPS}/gone`, { method: 'DELETE' });
  });

  it.each<[string, string, string, object]>([
    ['an object', `${MAPS}/a`, 'PartialObjectMetadata', { metadata: { name: 'a', labels: { b: '2', z: '1' } } }],
    ['a list', MAPS, 'PartialObjectMetadataList', { items: [{ metadata: { name: 'a' } }, { metadata: { name: 'b' } }] }],
  ])('answers the metadata alone of %s in Protocol Buffers', async (_, path, kind, wanted) => {
    const { type, body } = await bytes(path, accepting(`${PROTOBUF};as=${kind};${META}`));
    expect(type).toBe(PROTOBUF);
    const answer = decodeProtobuf(body);
    expect(answer).toMatchObject({ kind, apiVersion: 'meta.k8s.io/v1', ...wanted });
    expect(JSON.stringify(answer)).not.toContain('true');
  });

  it('makes no table in Protocol Buffers, but one in YAML', async () => {
    const refused = await api.ask(MAPS, accepting(`${PROTOBUF};as=Table;${META}`));
    expect(refused.json()).toMatchObject({
      code: 406,
      message: 'only the following media types are accepted: application/json, application/yaml, application/vnd.kubernetes.protobuf',
    });
    const table = await api.ask(MAPS, accepting(`application/yaml;as=Table;${META}`));
    expect([table.code, table.headers['content-type']]).toEqual([200, 'application/yaml']);
    expect(table.text).toMatch(/^apiVersion: meta.k8s.io\/v1\ncolumnDefinitions:\n- description: /);
  });

  it('writes YAML as upstream does', async () => {
    const { text } = await api.ask(`${MAPS}/a`, accepting('application/yaml'));
    expect(text).toMatch(/^apiVersion: v1\ndata:\n {2}"n": \|-\n {4}1\n {4}2\n {2}"yes": "true"\nkind: ConfigMap\nmetadata:\n/);
  });

  it('refuses a body in an encoding it does not know', async () => {
    const refused = await api.ask(MAPS, { method: 'POST', headers: { 'content-type': 'application/cbor' }, body: 'x' });
    expect(refused.json()).toMatchObject({
      code: 415,
      reason: 'UnsupportedMediaType',
      message:
        'the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf',
    });
  });

  it('streams a watch in Protocol Buffers, bookmarks and failures included', async () => {
    const { type, body } = await bytes(
      `${MAPS}?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&timeoutSeconds=1`,
      accepting(`${PROTOBUF};stream=watch`),
    );
    expect(type).toBe(`${PROTOBUF};stream=watch`);
    const events = eventsIn(body);
    expect(events.map((event) => event.type)).toEqual(['ADDED', 'ADDED', 'BOOKMARK', 'BOOKMARK']);
    expect(events[1]?.object).toMatchObject({ kind: 'ConfigMap', metadata: { name: 'b' }, binaryData: { k: 'AQID' } });
    expect(events[2]?.object.metadata.annotations).toEqual({ 'k8s.io/initial-events-end': 'true' });
  });

  it('says of a watch in JSON that it is JSON', async () => {
    const { type } = await bytes(`${MAPS}?watch=1&timeoutSeconds=1`, accepting('application/json;stream=watch'));
    expect(type).toBe('application/json');
  });

  it('answers reviews in Protocol Buffers and never as a table', async () => {
    const body = { spec: { resourceAttributes: { verb: 'get', resource: 'pods' } } };
    const path = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
    const answer = await bytes(path, { method: 'POST', body, headers: { accept: PROTOBUF } });
    expect(decodeProtobuf(answer.body)).toMatchObject({ kind: 'SelfSubjectAccessReview', status: { allowed: true } });
    const refused = await api.ask(path, { method: 'POST', body, headers: { accept: `application/json;as=Table;${META}` } });
    expect(refused.code).toBe(406);
  });

  it('says everything at once to whoever accepts that, in any encoding, and 304 to whoever knows it', async () => {
    const aggregated = 'g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
    const json = await api.ask('/apis', accepting(`application/json,application/json;${aggregated}`));
    expect(json.headers).toMatchObject({ 'content-type': `application/json;${aggregated}`, vary: 'Accept', 'cache-control': 'public' });
    const { type, body } = await bytes('/apis', accepting(`${PROTOBUF};${aggregated}`));
    expect(type).toBe(`${PROTOBUF};${aggregated}`);
    const { items } = decodeProtobuf(body) as { items: KubeObject[] };
    expect(items.map(({ metadata }) => metadata.name).slice(0, 3)).toEqual(['apiregistration.k8s.io', 'apps', 'events.k8s.io']);
    const known = await api.ask('/apis', {
      headers: { accept: `application/json;${aggregated}`, 'if-none-match': json.headers['etag'] ?? '' },
    });
    expect([known.code, known.text]).toEqual([304, '']);
    const beta = await api.ask(
      '/apis',
      accepting('application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json'),
    );
    expect(beta.json()).toMatchObject({ kind: 'APIGroupList' });
  });
});
