import { addressesOf, chooseIndex, MOST_CLUSTERS, nodeAddresses, overlaps, parseNetwork, parseRoutes, portsOfBlock } from './addresses.js';
import type { Network } from './addresses.js';

const network = (text: string): Network => parseNetwork(text) ?? { base: 0, prefix: 0 };

describe('the addresses of a cluster', () => {
  it('follow from its index, those of a node from its number', () => {
    expect(addressesOf(3)).toEqual({
      clusterCidr: '10.67.0.0/16',
      serviceCidr: '10.163.0.0/16',
      firstService: '10.163.0.1',
      dns: '10.163.0.10',
      advertise: '10.67.0.1',
    });
    expect(nodeAddresses(3, 2)).toEqual({ ip: '10.67.2.1', podCidr: '10.67.2.0/24' });
  });

  it('of different clusters never overlap', () => {
    const all = Array.from({ length: MOST_CLUSTERS }, (_, i) => addressesOf(i)).flatMap((one) => [one.clusterCidr, one.serviceCidr]);
    expect(new Set(all).size).toBe(2 * MOST_CLUSTERS);
    expect(all.every((cidr) => parseNetwork(cidr) !== undefined)).toBe(true);
  });
});

describe('a network', () => {
  it.each([
    ['10.64.0.0/16', '10.64.3.0/24', true],
    ['10.64.3.1/24', '10.64.3.0/24', true],
    ['10.64.0.0/16', '10.65.0.0/16', false],
    ['10.0.0.0/8', '10.200.0.0/16', true],
    ['192.168.0.0/16', '10.64.0.0/16', false],
  ])('%s and %s overlap: %s', (a, b, expected) => {
    expect(overlaps(network(a), network(b))).toBe(expected);
    expect(overlaps(network(b), network(a))).toBe(expected);
  });

  it.each(['fe80::1/64', '10.64.0.0', '10.64.0.0/33', '10.64.0.256/24', ''])('is not what %p says', (text) => {
    expect(parseNetwork(text)).toBeUndefined();
  });

  it('is read from the kernel’s routes, the default route left out', () => {
    const table = [
      'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT',
      'eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0',
      'docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0',
      '',
    ].join('\n');
    expect(parseRoutes(table)).toEqual([network('172.17.0.0/16')]);
  });
});

describe('the choice of an index', () => {
  const all = new Set(Array.from({ length: MOST_CLUSTERS }, (_, i) => i));
  it.each<[string, ReadonlySet<number>, readonly string[], number | undefined]>([
    ['is the lowest on an empty machine', new Set(), [], 0],
    ['passes over those of other clusters', new Set([0, 1, 3]), [], 2],
    ['passes over a range that a route is in', new Set(), ['10.64.7.0/24'], 1],
    ['passes over a range of services that a route is in', new Set(), ['10.160.0.0/24', '10.161.0.1/32'], 2],
    ['takes one inside a wider route where nothing else is left', new Set(), ['10.0.0.0/8'], 0],
    ['takes none inside a wider route that is also met by a narrower one', new Set(), ['10.0.0.0/8', '10.64.0.0/24'], 1],
    ['fails when all are taken', all, [], undefined],
  ])('%s', (_, taken, networks, expected) => {
    expect(chooseIndex(taken, networks.map(network))?.index).toBe(expected);
  });

  it('tells of the wider routes it lies in', () => {
    expect(chooseIndex(new Set(), [network('10.0.0.0/8')])?.inside).toEqual([network('10.0.0.0/8')]);
  });
});

it('blocks of ports lie below the NodePorts and apart from each other', () => {
  const first = portsOfBlock(0);
  expect(first).toHaveLength(32);
  expect(portsOfBlock(1)[0]).toBe((first.at(-1) ?? 0) + 1);
  expect(portsOfBlock(255).at(-1)).toBeLessThan(30_000);
});
