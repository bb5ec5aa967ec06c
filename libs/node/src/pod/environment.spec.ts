import type { ConfigMap, Container, Pod, Secret, Service } from '#libs/api';
import { environmentOf, expand } from './environment.js';
import type { PodContext } from './pod-context.js';
import { hostsFileOf, resolvConfOf } from './name-files.js';
import { volumeFiles } from './volume-files.js';

const pod: Pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p', namespace: 'ns', uid: 'u', labels: { b: '2', a: '1' } },
  spec: { containers: [{ name: 'c', resources: { limits: { cpu: '1500m', memory: '64Mi' } } }], subdomain: 'sub' },
};
const map: ConfigMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'm' }, data: { k: 'v' } };
const secret: Secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' }, data: { k: 'c2VjcmV0' } };
const context: PodContext = {
  pod,
  podIP: '10.0.0.2',
  hostIP: '10.0.0.1',
  nodeName: 'n',
  allocatable: { cpu: '4', memory: '8Gi', 'ephemeral-storage': '1Gi' },
  configMap: (name) => (name === 'm' ? map : undefined),
  secret: (name) => (name === 's' ? secret : undefined),
};
const service = (name: string, namespace: string): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace },
  spec: { clusterIP: '10.96.0.1', ports: [{ name: 'https', port: 443 }] },
});
const variablesOf = (container: Partial<Container>, services: readonly Service[] = []): Record<string, string> =>
  Object.fromEntries(environmentOf({ name: 'c', ...container }, context, services));

describe('the environment of a container', () => {
  it.each([
    ['$(A)', '1'],
    ['$$(A)', '$(A)'],
    ['$(NO)', '$(NO)'],
    ['x$(A)y$', 'x1y$'],
    ['$', '$'],
  ])('expands %s to %s', (text, expanded) => {
    expect(expand(text, new Map([['A', '1']]))).toBe(expanded);
  });

  it('takes values from everywhere, the later the stronger', () => {
    const env = [
      { name: 'A', valueFrom: { configMapKeyRef: { name: 'm', key: 'k' } } },
      { name: 'B', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } },
      { name: 'C', valueFrom: { fieldRef: { fieldPath: "metadata.labels['a']" } } },
      { name: 'D', valueFrom: { resourceFieldRef: { containerName: 'c', resource: 'limits.cpu' } } },
      { name: 'P_k', value: '$(A)!' },
      { name: 'E', valueFrom: { configMapKeyRef: { name: 'no', key: 'k', optional: true } } },
    ];
    expect(variablesOf({ env, envFrom: [{ prefix: 'P_', configMapRef: { name: 'm' } }] })).toEqual({
      A: 'v',
      B: 'secret',
      C: '1',
      D: '2',
      P_k: 'v!',
    });
  });

  it.each<[string, Partial<Container>, string]>([
    ['a config map', { envFrom: [{ configMapRef: { name: 'no' } }] }, 'configmap "no" not found'],
    ['a secret', { env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'no', key: 'k' } } }] }, 'secret "no" not found'],
    ['a key', { env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'm', key: 'no' } } }] }, "couldn't find key no in ConfigMap ns/m"],
  ])('says that %s is missing', (_what, container, message) => {
    expect(() => variablesOf(container)).toThrow(message);
  });

  it('has the services of its namespace and the API server', () => {
    const variables = variablesOf({}, [service('kubernetes', 'default'), service('my-db', 'ns'), service('other', 'elsewhere')]);
    expect(variables).toMatchObject({
      KUBERNETES_SERVICE_HOST: '10.96.0.1',
      KUBERNETES_SERVICE_PORT_HTTPS: '443',
      MY_DB_PORT_443_TCP_ADDR: '10.96.0.1',
      MY_DB_PORT: 'tcp://10.96.0.1:443',
    });
    expect(Object.keys(variables).some((name) => name.startsWith('OTHER'))).toBe(false);
  });
});

describe('the files of a pod', () => {
  it('resolves names in its namespace first', () => {
    const settings = {
      clusterDns: '10.96.0.10',
      clusterDomain: 'cluster.local',
      hostResolvConf: 'nameserver 9.9.9.9\nsearch corp.example\n',
    };
    expect(resolvConfOf(pod, settings)).toBe(
      'search ns.svc.cluster.local svc.cluster.local cluster.local corp.example\nnameserver 10.96.0.10\noptions ndots:5\n',
    );
    const none: Pod = {
      ...pod,
      spec: { containers: [], dnsPolicy: 'None', dnsConfig: { nameservers: ['1.1.1.1'], options: [{ name: 'ndots', value: '2' }] } },
    };
    expect(resolvConfOf(none, settings)).toBe('nameserver 1.1.1.1\noptions ndots:2\n');
    expect(resolvConfOf({ ...pod, spec: { containers: [], dnsPolicy: 'Default' } }, settings)).toBe(
      'search corp.example\nnameserver 9.9.9.9\n',
    );
  });

  it('knows its own name', () => {
    expect(hostsFileOf(pod, '10.0.0.2', 'cluster.local', '')).toContain('10.0.0.2\tp.sub.ns.svc.cluster.local\tp\n');
  });

  it('projects several sources into one volume', () => {
    const sources = [
      { configMap: { name: 'm', items: [{ key: 'k', path: 'conf/k', mode: 0o600 }] } },
      { downwardAPI: { items: [{ path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } }] } },
      { serviceAccountToken: { path: 'token', expirationSeconds: 3607 } },
    ];
    const files = volumeFiles({ name: 'v', projected: { sources } }, context, ({ expirationSeconds }) => `t${expirationSeconds}`);
    expect(files.map(({ path, bytes, mode }) => [path, new TextDecoder().decode(bytes), mode])).toEqual([
      ['conf/k', 'v', 0o600],
      ['labels', 'a="1"\nb="2"', 0o644],
      ['token', 't3607', 0o644],
    ]);
  });

  it('says which key a volume misses', () => {
    expect(() => volumeFiles({ name: 'v', configMap: { name: 'm', items: [{ key: 'no', path: 'x' }] } }, context, String)).toThrow(
      'references non-existent config key: no',
    );
    expect(() => volumeFiles({ name: 'v', secret: { secretName: 'no' } }, context, String)).toThrow('secret "no" not found');
    expect(volumeFiles({ name: 'v', secret: { secretName: 'no', optional: true } }, context, String)).toEqual([]);
  });
});
