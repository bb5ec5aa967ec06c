import type { Controller, KubeObject } from '#libs/apimachinery';
import { apiServiceController, endpointsControllers } from '#libs/controllers';
import { aPod, aService, startCustomResources, type CustomResources } from '#libs/testing';

interface Served extends KubeObject {
  readonly spec: {
    readonly type: string;
    readonly clusterIP?: string;
    readonly externalName?: string;
    readonly ports?: readonly { readonly port: number; readonly nodePort?: number }[];
  };
}

const CORE = '/api/v1/namespaces/default';
const SLICES = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices';
const MERGE = 'application/merge-patch+json';
const ADDRESS = '10.64.0.1';

let cluster: CustomResources;
beforeAll(async () => {
  const published = apiServiceController({ address: ADDRESS, port: 6443, clusterIp: '10.96.0.1' });
  cluster = await startCustomResources({ controllers: [...endpointsControllers, published as unknown as Controller] });
  await cluster.post(`${CORE}/serviceaccounts`, { metadata: { name: 'default' } });
  await cluster.post('/api/v1/nodes', { metadata: { name: 'n' } });
});
afterAll(() => cluster.close());

async function ask<T = KubeObject>(method: string, path: string, body?: unknown, type?: string): Promise<T> {
  const answer = await (method === 'GET' ? cluster.ask(path) : cluster.send(method, path, body, type));
  if (answer.code >= 300) throw new Error(`${method} ${path}: ${answer.code} ${answer.text}`);
  return answer.json<T & Record<string, unknown>>();
}
const isGone = async (path: string): Promise<boolean> => (await cluster.ask(path)).code === 404;
const named = async (path: string, selector: string): Promise<readonly KubeObject[]> =>
  (await ask<{ items: readonly KubeObject[] }>('GET', `${path}?labelSelector=${encodeURIComponent(selector)}`)).items;
const slicesOf = (service: string): Promise<readonly KubeObject[]> => named(SLICES, `kubernetes.io/service-name=${service}`);

/** A pod that a node runs and that is ready. */
async function ready(name: string, ip: string, labels: Readonly<Record<string, string>>, ports: readonly object[] = []): Promise<void> {
  const { spec } = aPod(name, { nodeName: 'n', containers: [{ name: 'main', image: 'i:1', ports }] }) as KubeObject & { spec: object };
  await ask('POST', `${CORE}/pods`, { metadata: { name, labels }, spec });
  const status = { phase: 'Running', podIP: ip, podIPs: [{ ip }], conditions: [{ type: 'Ready', status: 'True' }] };
  await ask('PATCH', `${CORE}/pods/${name}/status`, { status }, MERGE);
}

describe('the Service of the API server', () => {
  it('is in the default namespace, with its port', async () => {
    await cluster.until(async () => (await cluster.ask(`${CORE}/services/kubernetes`)).code === 200);
    const all = await ask<{ items: readonly Served[] }>('GET', '/api/v1/services');
    expect(all.items.map(({ metadata: { name, namespace } }) => `${namespace ?? ''}/${name ?? ''}`)).toContain('default/kubernetes');
    expect(await ask('GET', `${CORE}/services/kubernetes`)).toMatchObject({
      spec: { clusterIP: '10.96.0.1', ports: [{ name: 'https', port: 443, protocol: 'TCP', targetPort: 6443 }] },
    });
  });

  it('has Endpoints and an EndpointSlice that say the same, and are not mirrored', async () => {
    await cluster.until(async () => (await slicesOf('kubernetes')).length > 0);
    expect(await ask('GET', `${CORE}/endpoints/kubernetes`)).toMatchObject({
      subsets: [{ addresses: [{ ip: ADDRESS }], ports: [{ name: 'https', port: 6443, protocol: 'TCP' }] }],
    });
    expect(await slicesOf('kubernetes')).toMatchObject([
      {
        metadata: { name: 'kubernetes' },
        addressType: 'IPv4',
        endpoints: [{ addresses: [ADDRESS] }],
        ports: [{ name: 'https', port: 6443 }],
      },
    ]);
  });

  it('is made again where somebody deletes it', async () => {
    const { metadata } = await ask('GET', `${CORE}/services/kubernetes`);
    await ask('DELETE', `${CORE}/services/kubernetes`);
    await cluster.until(async () => {
      const answer = await cluster.ask(`${CORE}/services/kubernetes`);
      return answer.code === 200 && answer.json<KubeObject & Record<string, unknown>>().metadata.uid !== metadata.uid;
    });
  });
});

describe('the type of a Service', () => {
  const OUT = { type: 'ExternalName', externalName: 'foo.example.com' };
  const PORTS = [{ name: 'http', port: 80, protocol: 'TCP' }];
  it.each<[string, object, object, 'name' | 'address' | 'port']>([
    ['ExternalName to ClusterIP', OUT, { type: 'ClusterIP', externalName: null, ports: PORTS }, 'address'],
    ['ExternalName to NodePort', OUT, { type: 'NodePort', externalName: null, ports: PORTS }, 'port'],
    ['ClusterIP to ExternalName', { type: 'ClusterIP', ports: PORTS }, OUT, 'name'],
    ['NodePort to ExternalName', { type: 'NodePort', ports: PORTS }, OUT, 'name'],
    ['ClusterIP to ExternalName with no address', { type: 'ClusterIP', ports: PORTS }, { ...OUT, clusterIP: '' }, 'name'],
  ])('changes from %s', async (what, from, to, has) => {
    const name = what.toLowerCase().replaceAll(' ', '-');
    const path = `${CORE}/services/${name}`;
    const before = await ask<Served>('POST', `${CORE}/services`, { metadata: { name }, spec: from });
    const { spec } = await ask<Served>('PATCH', path, { spec: to }, MERGE);
    expect(spec.clusterIP ?? '').toMatch(has === 'name' ? /^$/ : /^10\.96\./);
    expect(spec.ports?.[0]?.nodePort !== undefined).toBe(has === 'port');
    expect(spec.externalName).toBe(has === 'name' ? 'foo.example.com' : undefined);
    if (has !== 'name') return;
    // What it had is free again.
    const ports = [{ port: 80, ...(before.spec.ports?.[0]?.nodePort === undefined ? {} : { nodePort: before.spec.ports[0].nodePort }) }];
    const heir = { type: before.spec.type, clusterIP: before.spec.clusterIP, ports };
    expect(await ask('POST', `${CORE}/services`, { metadata: { name: `${name}-heir` }, spec: heir })).toMatchObject({ spec: heir });
  });
});

describe('Services', () => {
  it('are deleted together by their label, and others stay', async () => {
    for (const [name, set] of [
      ['one', 'a'],
      ['two', 'a'],
      ['three', 'b'],
    ] as const) {
      await ask('POST', `${CORE}/services`, { ...aService(name), metadata: { name, labels: { set } } });
    }
    await ask('DELETE', `${CORE}/services?labelSelector=set%3Da`);
    expect((await named(`${CORE}/services`, 'set')).map(({ metadata }) => metadata.name)).toEqual(['three']);
  });
});

describe('a Service with a selector', () => {
  it('has Endpoints and an EndpointSlice, empty where it selects nothing, until it goes', async () => {
    await ask('POST', `${CORE}/services`, aService('alone', { selector: { app: 'nobody' } }));
    await cluster.until(async () => (await slicesOf('alone')).length === 1 && !(await isGone(`${CORE}/endpoints/alone`)));
    expect((await ask<{ subsets?: unknown }>('GET', `${CORE}/endpoints/alone`)).subsets).toBeUndefined();
    expect(await slicesOf('alone')).toMatchObject([{ endpoints: [] }]);
    await ask('DELETE', `${CORE}/services/alone`);
    await cluster.until(async () => (await slicesOf('alone')).length === 0 && (await isGone(`${CORE}/endpoints/alone`)));
  });

  it.each<[string, readonly object[], readonly (readonly object[])[], readonly string[]]>([
    [
      'one address and several ports',
      [
        { name: 'http', port: 80, targetPort: 3000 },
        { name: 'admin', port: 81, targetPort: 3001 },
      ],
      [[]],
      ['10.64.1.1 admin:3001 http:3000'],
    ],
    [
      'several addresses and several ports',
      [
        { name: 'http', port: 80, targetPort: 'web' },
        { name: 'admin', port: 81, targetPort: 3001 },
      ],
      [[{ name: 'web', containerPort: 3000 }], [{ name: 'web', containerPort: 4000 }]],
      ['10.64.1.1 admin:3001 http:3000', '10.64.1.2 admin:3001 http:4000'],
    ],
  ])('says where it leads: %s', async (what, ports, pods, wanted) => {
    const name = what.replaceAll(' ', '-');
    await ask('POST', `${CORE}/services`, aService(name, { selector: { app: name }, ports }));
    for (const [i, of] of pods.entries()) await ready(`${name}-${i}`, `10.64.1.${i + 1}`, { app: name }, of);
    const told = async (): Promise<readonly string[]> =>
      (await slicesOf(name)).flatMap((slice) => {
        const { endpoints, ports: own } = slice as unknown as {
          readonly endpoints: readonly { readonly addresses: readonly string[] }[];
          readonly ports: readonly { readonly name: string; readonly port: number }[];
        };
        const numbers = own.map((port) => `${port.name}:${port.port}`).sort();
        return endpoints.map(({ addresses }) => [...addresses, ...numbers].join(' '));
      });
    await cluster.until(async () => (await told()).length === wanted.length);
    expect([...(await told())].sort()).toEqual(wanted);
    await cluster.until(async () => JSON.stringify(await ask('GET', `${CORE}/endpoints/${name}`)).includes(`10.64.1.${pods.length}`));
  });
});

describe('a Service without a selector', () => {
  const mirrors = async (): Promise<readonly KubeObject[]> => slicesOf('outside');
  const subsets = (ip: string): readonly object[] => [{ addresses: [{ ip }], ports: [{ name: 'http', port: 80, protocol: 'TCP' }] }];

  it('has its Endpoints mirrored: made, changed and gone with them', async () => {
    await ask('POST', `${CORE}/services`, aService('outside', { selector: null }));
    await ask('POST', `${CORE}/endpoints`, { metadata: { name: 'outside' }, subsets: subsets('10.1.2.3') });
    await cluster.until(async () => (await mirrors()).length === 1);
    const metadata = (await mirrors())[0]?.metadata ?? {};
    expect(metadata.labels?.['endpointslice.kubernetes.io/managed-by']).toBe('endpointslicemirroring-controller.k8s.io');
    expect(await mirrors()).toMatchObject([
      { endpoints: [{ addresses: ['10.1.2.3'] }], ports: [{ name: 'http', port: 80, protocol: 'TCP' }] },
    ]);
    await ask('PATCH', `${CORE}/endpoints/outside`, { subsets: subsets('10.2.3.4') }, MERGE);
    await cluster.until(async () => JSON.stringify(await mirrors()).includes('10.2.3.4'));
    expect(await mirrors()).toMatchObject([{ metadata: { name: metadata.name }, endpoints: [{ addresses: ['10.2.3.4'] }] }]);
    await ask('DELETE', `${CORE}/endpoints/outside`);
    await cluster.until(async () => (await mirrors()).length === 0);
  });
});

describe('addresses as objects', () => {
  const ADDRESSES = '/apis/networking.k8s.io/v1/ipaddresses';

  it.each(['255.255.255.255', 'fe80::42:1dff:fe84:f9e2'])(
    '%s is made for whatever it belongs to, patched, updated and deleted by its label',
    async (name) => {
      const parentRef = { group: 'mygroup', resource: 'myresources', namespace: 'foo', name: 'bar' };
      await ask('POST', ADDRESSES, { metadata: { name, labels: { type: 'tested' } }, spec: { parentRef } });
      const path = `${ADDRESSES}/${name}`;
      const patched = await ask('PATCH', path, { metadata: { annotations: { patched: 'true' } } }, MERGE);
      const annotations = { ...patched.metadata.annotations, updated: 'true' };
      expect(await ask('PUT', path, { ...patched, metadata: { ...patched.metadata, annotations } })).toMatchObject({
        metadata: { annotations: { patched: 'true', updated: 'true' } },
        spec: { parentRef },
      });
      expect((await named(ADDRESSES, 'type=tested')).map(({ metadata }) => metadata.name)).toEqual([name]);
      await ask('DELETE', `${ADDRESSES}?labelSelector=type%3Dtested`);
      expect(await named(ADDRESSES, 'type=tested')).toEqual([]);
    },
  );
});
