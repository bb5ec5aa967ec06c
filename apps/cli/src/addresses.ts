/** A block of IPv4 addresses. */
export interface Network {
  /** First address as a number, host bits zero. */
  readonly base: number;
  readonly prefix: number;
}

/** Clusters side by side on one machine, at most: what fits between 10.64 and 10.159, and 10.160 and 10.255. */
export const MOST_CLUSTERS = 96;

/** Nodes of a cluster, at most: each has the third byte of its /24 from 1 up. */
export const MOST_NODES = 254;

/** The addresses that follow from a cluster's index (docs/architecture.md, "Addresses"). */
export interface ClusterAddresses {
  readonly clusterCidr: string;
  readonly serviceCidr: string;
  /** The `kubernetes` Service. */
  readonly firstService: string;
  readonly dns: string;
  /** On the cluster's dummy interface; where pods reach the API server. */
  readonly advertise: string;
}

export function addressesOf(index: number): ClusterAddresses {
  const pods = `10.${64 + index}`;
  const services = `10.${160 + index}`;
  return {
    clusterCidr: `${pods}.0.0/16`,
    serviceCidr: `${services}.0.0/16`,
    firstService: `${services}.0.1`,
    dns: `${services}.0.10`,
    advertise: `${pods}.0.1`,
  };
}

/** Address and pod range of the cluster's `number`th node, counted from 1. */
export function nodeAddresses(index: number, number: number): { readonly ip: string; readonly podCidr: string } {
  return { ip: `10.${64 + index}.${number}.1`, podCidr: `10.${64 + index}.${number}.0/24` };
}

/** `10.64.0.0/16` as a block; undefined for anything else, IPv6 included. */
export function parseNetwork(text: string): Network | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(text);
  if (match === null) return undefined;
  const [a = 256, b = 256, c = 256, d = 256, prefix = 33] = match.slice(1).map(Number);
  if ([a, b, c, d].some((byte) => byte > 255) || prefix > 32) return undefined;
  return block(((a * 256 + b) * 256 + c) * 256 + d, prefix);
}

function block(address: number, prefix: number): Network {
  const size = 2 ** (32 - prefix);
  return { base: Math.floor(address / size) * size, prefix };
}

/** The networks of `/proc/net/route`, the default route left out. */
export function parseRoutes(table: string): readonly Network[] {
  return table
    .split('\n')
    .slice(1)
    .flatMap((line) => {
      const [, destination, , , , , , mask] = line.split(/\s+/);
      if (destination === undefined || mask === undefined) return [];
      const prefix = littleEndian(mask).toString(2).replace(/0+$/, '').length;
      return prefix === 0 ? [] : [block(littleEndian(destination), prefix)];
    });
}

function littleEndian(hex: string): number {
  const bytes = hex.match(/../g) ?? [];
  return bytes.reduceRight((value, byte) => value * 256 + Number.parseInt(byte, 16), 0);
}

export function overlaps(a: Network, b: Network): boolean {
  const prefix = Math.min(a.prefix, b.prefix);
  return block(a.base, prefix).base === block(b.base, prefix).base;
}

/** An index, and the wider routes it lies in (a VPN that claims all of 10/8), for a warning. */
export interface IndexChoice {
  readonly index: number;
  readonly inside: readonly Network[];
}

/**
 * The lowest index that no cluster holds and whose ranges meet no network of the machine. Where none is free of
 * all, one that only lies inside wider networks will do: the more specific route wins. Undefined when all are taken.
 */
export function chooseIndex(taken: ReadonlySet<number>, networks: readonly Network[]): IndexChoice | undefined {
  let second: IndexChoice | undefined;
  for (let index = 0; index < MOST_CLUSTERS; index++) {
    if (taken.has(index)) continue;
    const { clusterCidr, serviceCidr } = addressesOf(index);
    const ours = [clusterCidr, serviceCidr].flatMap((cidr) => parseNetwork(cidr) ?? []);
    const met = networks.filter((network) => ours.some((own) => overlaps(own, network)));
    if (met.length === 0) return { index, inside: [] };
    if (second === undefined && met.every((network) => network.prefix < 16)) second = { index, inside: met };
  }
  return second;
}

/** Ports stand in blocks below NodePorts and the ephemeral range, so that neither takes one away. */
export const FIRST_PORT = 21_000;
export const PORTS_PER_BLOCK = 32;
export const PORT_BLOCKS = 256;

/** The ports of a block, in order. */
export function portsOfBlock(number: number): readonly number[] {
  return Array.from({ length: PORTS_PER_BLOCK }, (_, i) => FIRST_PORT + number * PORTS_PER_BLOCK + i);
}
