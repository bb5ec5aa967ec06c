import type { EndpointSlice, Service } from '#libs/api';
import { DnsZone, type DnsAnswer } from './zone.js';

const service = (name: string, spec: Service['spec']): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: 'shop' },
  ...(spec ? { spec } : {}),
});
const slice: EndpointSlice = {
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name: 'db-1', namespace: 'shop', labels: { 'kubernetes.io/service-name': 'db' } },
  addressType: 'IPv4',
  ports: [{ name: 'sql', port: 5432, protocol: 'TCP' }],
  endpoints: [
    { addresses: ['10.64.1.5'], hostname: 'db-0', conditions: { ready: true } },
    { addresses: ['10.64.1.6'], conditions: { ready: true } },
    { addresses: ['10.64.1.7'], hostname: 'db-2', conditions: { ready: false } },
  ],
};
const zone = new DnsZone(
  [
    service('web', { clusterIP: '10.96.0.9', ports: [{ name: 'http', port: 80, protocol: 'TCP' }] }),
    service('db', { clusterIP: 'None' }),
    service('idle', { clusterIP: 'None' }),
    service('away', { type: 'ExternalName', externalName: 'example.org' }),
  ],
  [slice],
  'cluster.local',
);
const shown = (answer: DnsAnswer): string =>
  answer.kind === 'records'
    ? answer.answers.map(({ type, data }) => `${type} ${typeof data === 'string' ? data : `${data.port} ${data.target}`}`).join(', ')
    : answer.kind;

describe('DnsZone', () => {
  it.each([
    ['a Service is its ClusterIP', 'web.shop.svc.cluster.local', 'A', 'A 10.96.0.9'],
    ['case does not matter', 'WEB.Shop.svc.Cluster.local', 'A', 'A 10.96.0.9'],
    ['a name that exists has no AAAA, and says so', 'web.shop.svc.cluster.local', 'AAAA', ''],
    ['a headless Service is its ready endpoints', 'db.shop.svc.cluster.local', 'A', 'A 10.64.1.5, A 10.64.1.6'],
    ['an endpoint with a hostname has a name', 'db-0.db.shop.svc.cluster.local', 'A', 'A 10.64.1.5'],
    ['an endpoint without one is named by its address', '10-64-1-6.db.shop.svc.cluster.local', 'A', 'A 10.64.1.6'],
    ['an endpoint that is not ready has none', 'db-2.db.shop.svc.cluster.local', 'A', 'missing'],
    ['a headless Service without endpoints does not exist', 'idle.shop.svc.cluster.local', 'A', 'missing'],
    ['a named port is an SRV record', '_http._tcp.web.shop.svc.cluster.local', 'SRV', 'SRV 80 web.shop.svc.cluster.local'],
    [
      'of a headless Service one for each endpoint',
      '_sql._tcp.db.shop.svc.cluster.local',
      'SRV',
      'SRV 5432 db-0.db.shop.svc.cluster.local, SRV 5432 10-64-1-6.db.shop.svc.cluster.local',
    ],
    ['an ExternalName is an alias', 'away.shop.svc.cluster.local', 'A', 'CNAME example.org'],
    ['a pod is its address', '10-64-1-5.shop.pod.cluster.local', 'A', 'A 10.64.1.5'],
    ['a ClusterIP points back', '9.0.96.10.in-addr.arpa', 'PTR', 'PTR web.shop.svc.cluster.local'],
    ['an unknown Service does not exist', 'nope.shop.svc.cluster.local', 'A', 'missing'],
    ['an unknown namespace does not exist', 'web.nope.svc.cluster.local', 'A', 'missing'],
    ['the specification has a version', 'dns-version.cluster.local', 'TXT', 'TXT 1.1.0'],
    ['other names are for the machine’s resolvers', 'example.org', 'A', 'forward'],
    ['other addresses too', '1.1.168.192.in-addr.arpa', 'PTR', 'forward'],
  ])('%s', (_, name, type, wanted) => {
    expect(shown(zone.answer({ name, type }))).toBe(wanted);
  });
});
