import type { ProxyEndpoint, ProxyPort } from './plan.js';

/** What the rules of one cluster need to know besides the plan. */
export interface NftOptions {
  /** Name of the table, e.g. `decklog_ab12`. */
  readonly table: string;
  readonly serviceCidr: string;
  /** Addresses of this cluster's nodes: its node ports answer there in any case. */
  readonly nodeAddresses: readonly string[];
  /** Node ports that this cluster holds on the whole machine: they answer on every local address. */
  readonly machineNodePorts: ReadonlySet<string>;
}

/** How a node port is named among the machine's claims: `tcp-30080`. */
export const nodePortClaim = (protocol: ProxyPort['protocol'], port: number): string => `${protocol}-${port}`;

/**
 * The plan as one nft script that replaces the cluster's table in one transaction. A connection is looked up
 * once, in a verdict map, and sent to an endpoint at random. What is addressed to the service range and was not
 * translated has no endpoints: it is rejected, as upstream's nftables proxy does.
 */
export function nftScript(plan: readonly ProxyPort[], options: NftOptions): string {
  const { table, serviceCidr } = options;
  const byAddress = plan.flatMap((port) =>
    port.internal.length === 0
      ? []
      : port.addresses.map((address) => `${address} . ${port.protocol} . ${port.port} : goto ${chainOf(port, 'internal')}`),
  );
  const onNodes = nodePortElements(plan, () => true);
  const onMachine = nodePortElements(plan, (port) => options.machineNodePorts.has(nodePortClaim(port.protocol, port.nodePort ?? 0)));
  const loops = [
    ...new Set(plan.flatMap(({ internal, external }) => [...internal, ...external]).map(({ address }) => `${address} . ${address}`)),
  ];
  return [
    `table ip ${table}`,
    `delete table ip ${table}`,
    `table ip ${table} {`,
    map('services', 'ipv4_addr . inet_proto . inet_service', byAddress),
    map('node_ports', 'inet_proto . inet_service', onNodes),
    map('machine_ports', 'inet_proto . inet_service', onMachine),
    set('nodes', 'ipv4_addr', options.nodeAddresses),
    set('loops', 'ipv4_addr . ipv4_addr', loops),
    ...plan.flatMap((port) => [...serviceChain(port, 'internal'), ...serviceChain(port, 'external')]),
    '  chain translate {',
    '    ip daddr . meta l4proto . th dport vmap @services',
    '    ip daddr @nodes meta l4proto . th dport vmap @node_ports',
    '    fib daddr type local ip daddr != 127.0.0.0/8 meta l4proto . th dport vmap @machine_ports',
    '  }',
    '  chain prerouting { type nat hook prerouting priority -105; policy accept; meta l4proto { tcp, udp, sctp } jump translate; }',
    '  chain output { type nat hook output priority -105; policy accept; meta l4proto { tcp, udp, sctp } jump translate; }',
    '  chain postrouting {',
    '    type nat hook postrouting priority 95; policy accept;',
    '    ct status dnat ip saddr . ip daddr @loops masquerade',
    '  }',
    '  chain unanswered {',
    `    ip daddr ${serviceCidr} meta l4proto tcp reject with tcp reset`,
    `    ip daddr ${serviceCidr} reject with icmp port-unreachable`,
    '  }',
    '  chain forward { type filter hook forward priority -5; policy accept; jump unanswered; }',
    '  chain locally { type filter hook output priority 5; policy accept; jump unanswered; }',
    '}',
    '',
  ].join('\n');
}

type Side = 'internal' | 'external';

/** A chain's name: letters, digits and underscores, unique by its hash. */
function chainOf(port: ProxyPort, side: Side): string {
  let hash = 0xcbf29ce484222325n;
  for (const character of `${port.id}/${port.protocol}/${port.port}`) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(character.codePointAt(0) ?? 0)) * 0x100000001b3n);
  }
  return `${side}_${hash.toString(16).padStart(16, '0')}`;
}

function serviceChain(port: ProxyPort, side: Side): readonly string[] {
  const endpoints = port[side];
  if (endpoints.length === 0 || (side === 'external' && port.nodePort === undefined)) return [];
  return [
    `  chain ${chainOf(port, side)} { # ${port.id}`,
    `    meta l4proto ${port.protocol} dnat ip to ${target(port, endpoints)}`,
    '  }',
  ];
}

function target(port: ProxyPort, endpoints: readonly ProxyEndpoint[]): string {
  const [only] = endpoints;
  if (only && endpoints.length === 1) return `${only.address}:${only.port}`;
  const choice = port.clientAffinity ? `jhash ip saddr mod ${endpoints.length}` : `numgen random mod ${endpoints.length}`;
  return `${choice} map { ${endpoints.map(({ address, port: number }, at) => `${at} : ${address} . ${number}`).join(', ')} }`;
}

function nodePortElements(plan: readonly ProxyPort[], wanted: (port: ProxyPort) => boolean): readonly string[] {
  return plan.flatMap((port) =>
    port.nodePort !== undefined && port.external.length > 0 && wanted(port)
      ? [`${port.protocol} . ${port.nodePort} : goto ${chainOf(port, 'external')}`]
      : [],
  );
}

/** A key that two Services claim (an externalIP, say) belongs to the first: a second element would refuse the whole table. */
function elements(items: readonly string[]): string {
  const byKey = new Map<string, string>();
  for (const item of items) {
    const key = item.split(' : ')[0] ?? item;
    if (!byKey.has(key)) byKey.set(key, item);
  }
  return byKey.size === 0 ? '' : ` elements = { ${[...byKey.values()].join(', ')} }`;
}

const map = (name: string, key: string, items: readonly string[]): string => `  map ${name} { type ${key} : verdict;${elements(items)} }`;

const set = (name: string, type: string, items: readonly string[]): string => `  set ${name} { type ${type};${elements(items)} }`;
