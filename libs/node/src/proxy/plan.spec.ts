import type { EndpointSlice, Service } from '#libs/api';
import { nftScript } from './nft.js';
import { proxyPlan } from './plan.js';

const service = (spec: Service['spec'], name = 'web'): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: 'default' },
  spec: { clusterIP: '10.96.0.9', ports: [{ name: 'http', port: 80, protocol: 'TCP' }], ...spec },
});
type Row = {
  readonly ip: string;
  readonly ready?: boolean;
  readonly serving?: boolean;
  readonly terminating?: boolean;
  readonly node?: string;
};
const slice = (rows: readonly Row[], name = 'web'): EndpointSlice => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name: `${name}-1`, namespace: 'default', labels: { 'kubernetes.io/service-name': name } },
  addressType: 'IPv4',
  ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
  endpoints: rows.map(({ ip, node, ...conditions }) => ({ addresses: [ip], conditions, ...(node ? { nodeName: node } : {}) })),
});
/** A Service without a selector, whose slices somebody writes: one for each port. */
const TWO_PORTS: Service['spec'] = {
  ports: [
    { name: 'port80', port: 80, protocol: 'TCP' },
    { name: 'port81', port: 81, protocol: 'TCP' },
  ],
};
const outside = (first: string, second: string): EndpointSlice[] => [
  { ...slice([{ ip: first }]), ports: [{ name: 'port80', port: 8090, protocol: 'TCP' }] },
  { ...slice([{ ip: second }]), ports: [{ name: 'port81', port: 9090, protocol: 'TCP' }] },
];
const internal = (services: Service[], slices: EndpointSlice[]) =>
  proxyPlan(services, slices, 'node-1').map((port) => port.internal.map(({ address, port: number }) => `${address}:${number}`));

describe('proxyPlan', () => {
  it.each<[string, Service, EndpointSlice[], string[][]]>([
    [
      'sends to every ready endpoint',
      service({}),
      [
        slice([
          { ip: '10.64.1.3', ready: true },
          { ip: '10.64.1.2', ready: true },
        ]),
      ],
      [['10.64.1.2:8080', '10.64.1.3:8080']],
    ],
    [
      'gives nothing to an endpoint that is not ready',
      service({}),
      [
        slice([
          { ip: '10.64.1.2', ready: false },
          { ip: '10.64.1.3', ready: true },
        ]),
      ],
      [['10.64.1.3:8080']],
    ],
    ['takes an endpoint without conditions as ready', service({}), [slice([{ ip: '10.64.1.2' }])], [['10.64.1.2:8080']]],
    [
      'falls back to endpoints that still serve while terminating',
      service({}),
      [
        slice([
          { ip: '10.64.1.2', ready: false, serving: true, terminating: true },
          { ip: '10.64.1.3', ready: false, serving: false, terminating: true },
        ]),
      ],
      [['10.64.1.2:8080']],
    ],
    [
      'keeps to the node where the internal policy says Local',
      service({ internalTrafficPolicy: 'Local' }),
      [
        slice([
          { ip: '10.64.1.2', node: 'node-1' },
          { ip: '10.64.2.2', node: 'node-2' },
        ]),
      ],
      [['10.64.1.2:8080']],
    ],
    [
      'merges slices and counts an address once',
      service({}),
      [slice([{ ip: '10.64.1.2' }]), slice([{ ip: '10.64.1.2' }, { ip: '10.64.1.4' }])],
      [['10.64.1.2:8080', '10.64.1.4:8080']],
    ],
    [
      'leads ports that slices of their own name to one address',
      service(TWO_PORTS),
      outside('10.64.1.2', '10.64.1.2'),
      [['10.64.1.2:8090'], ['10.64.1.2:9090']],
    ],
    [
      'leads ports that slices of their own name to an address each',
      service(TWO_PORTS),
      outside('10.64.1.2', '10.64.2.2'),
      [['10.64.1.2:8090'], ['10.64.2.2:9090']],
    ],
    ['leaves headless Services to DNS', service({ clusterIP: 'None' }), [slice([{ ip: '10.64.1.2' }])], []],
    ['leaves ExternalName Services to DNS', service({ type: 'ExternalName', clusterIP: '' }), [], []],
  ])('%s', (_, of, slices, wanted) => {
    expect(internal([of], slices)).toEqual(wanted);
  });
});

describe('nftScript', () => {
  const options = {
    table: 'decklog_x',
    serviceCidr: '10.96.0.0/16',
    nodeAddresses: ['10.64.1.1'],
    machineNodePorts: new Set(['tcp-30080']),
  };

  it('sends a port with one endpoint straight there, and a port with several at random', () => {
    const one = nftScript(proxyPlan([service({})], [slice([{ ip: '10.64.1.2' }])], 'n'), options);
    expect(one).toContain('dnat ip to 10.64.1.2:8080');
    const two = nftScript(proxyPlan([service({})], [slice([{ ip: '10.64.1.2' }, { ip: '10.64.1.3' }])], 'n'), options);
    expect(two).toContain('numgen random mod 2 map { 0 : 10.64.1.2 . 8080, 1 : 10.64.1.3 . 8080 }');
  });

  it('keeps a client on its endpoint where the Service says ClientIP', () => {
    const plan = proxyPlan([service({ sessionAffinity: 'ClientIP' })], [slice([{ ip: '10.64.1.2' }, { ip: '10.64.1.3' }])], 'n');
    expect(nftScript(plan, options)).toContain('jhash ip saddr mod 2');
  });

  it('serves a node port on the nodes, and on the whole machine only where the cluster holds it there', () => {
    const of = (nodePort: number) => service({ type: 'NodePort', ports: [{ name: 'http', port: 80, nodePort, protocol: 'TCP' }] });
    const script = (nodePort: number) => nftScript(proxyPlan([of(nodePort)], [slice([{ ip: '10.64.1.2' }])], 'n'), options);
    expect(script(30080)).toMatch(/map machine_ports .* tcp \. 30080/);
    expect(script(30081)).toMatch(/map node_ports .* tcp \. 30081/);
    expect(script(30081)).not.toMatch(/map machine_ports .*elements/);
  });

  it('has no rule for a Service without endpoints, so that the service range rejects it', () => {
    const script = nftScript(proxyPlan([service({})], [], 'n'), options);
    expect(script).toMatch(/map services \{ type ipv4_addr \. inet_proto \. inet_service : verdict; \}/);
    expect(script).toContain('ip daddr 10.96.0.0/16 meta l4proto tcp reject with tcp reset');
  });

  it('gives an address that two Services claim to the first, instead of refusing the table', () => {
    const both = [service({ externalIPs: ['192.0.2.1'] }, 'a'), service({ externalIPs: ['192.0.2.1'], clusterIP: '10.96.0.10' }, 'b')];
    const script = nftScript(proxyPlan(both, [slice([{ ip: '10.64.1.2' }], 'a'), slice([{ ip: '10.64.1.3' }], 'b')], 'n'), options);
    expect(script.match(/192\.0\.2\.1 \. tcp \. 80/g)).toHaveLength(1);
  });
});
