import type { Pod } from '#libs/api';
import { fqdnOf, hostnameOf } from './names.js';

/** The node's settings that its pods resolve names with. `hostResolvConf` is the node's own file. */
export interface NameSettings {
  readonly clusterDns: string;
  readonly clusterDomain: string;
  readonly hostResolvConf: string;
}

const MAX_NAMESERVERS = 3;
const MAX_SEARCH_DOMAINS = 32;

interface ResolvConf {
  readonly nameservers: readonly string[];
  readonly searches: readonly string[];
  readonly options: readonly string[];
}

/** What a resolv.conf says; comments and unknown lines are left out. */
export function parseResolvConf(text: string): ResolvConf {
  const words = text.split('\n').map((line) => line.trim().split(/\s+/));
  const all = (keyword: string): readonly string[] => words.filter(([first]) => first === keyword).flatMap(([, ...rest]) => rest);
  const searches = words.filter(([first]) => first === 'search').at(-1) ?? [];
  return { nameservers: all('nameserver'), searches: searches.slice(1), options: all('options') };
}

/** The pod's /etc/resolv.conf by its dnsPolicy and dnsConfig. */
export function resolvConfOf(pod: Pod, settings: NameSettings): string {
  const policy = pod.spec?.dnsPolicy ?? 'ClusterFirst';
  const base = baseOf(policy, pod, settings);
  const extra = pod.spec?.dnsConfig;
  const nameservers = unique([...base.nameservers, ...(extra?.nameservers ?? [])]).slice(0, MAX_NAMESERVERS);
  const searches = unique([...base.searches, ...(extra?.searches ?? [])]).slice(0, MAX_SEARCH_DOMAINS);
  const options = new Map(base.options.map((option) => [option.split(':')[0] ?? '', option]));
  for (const { name, value } of extra?.options ?? []) if (name) options.set(name, value === undefined ? name : `${name}:${value}`);
  return [
    ...(searches.length > 0 ? [`search ${searches.join(' ')}`] : []),
    ...nameservers.map((server) => `nameserver ${server}`),
    ...(options.size > 0 ? [`options ${[...options.values()].join(' ')}`] : []),
    '',
  ].join('\n');
}

function baseOf(policy: string, pod: Pod, { clusterDns, clusterDomain, hostResolvConf }: NameSettings): ResolvConf {
  if (policy === 'None') return { nameservers: [], searches: [], options: [] };
  const host = parseResolvConf(hostResolvConf);
  if (policy === 'Default' || (policy === 'ClusterFirst' && pod.spec?.hostNetwork === true)) return host;
  const namespace = pod.metadata.namespace ?? '';
  return {
    nameservers: [clusterDns],
    searches: [`${namespace}.svc.${clusterDomain}`, `svc.${clusterDomain}`, clusterDomain, ...host.searches],
    options: ['ndots:5'],
  };
}

const unique = (values: readonly string[]): readonly string[] => [...new Set(values)];

/** The pod's /etc/hosts. A pod on the host's network gets the host's file with its aliases added. */
export function hostsFileOf(pod: Pod, podIP: string, clusterDomain: string, hostFile: string): string {
  const aliases = (pod.spec?.hostAliases ?? []).map(({ ip, hostnames }) => `${ip}\t${(hostnames ?? []).join('\t')}`);
  const added = aliases.length === 0 ? [] : ['', '# Entries added by HostAliases.', ...aliases];
  if (pod.spec?.hostNetwork === true) {
    return ['# Kubernetes-managed hosts file (host network).', hostFile.trimEnd(), ...added, ''].join('\n');
  }
  const fqdn = fqdnOf(pod, clusterDomain);
  return [
    '# Kubernetes-managed hosts file.',
    '127.0.0.1\tlocalhost',
    '::1\tlocalhost ip6-localhost ip6-loopback',
    'fe00::0\tip6-localnet',
    'fe00::0\tip6-mcastprefix',
    'fe00::1\tip6-allnodes',
    'fe00::2\tip6-allrouters',
    `${podIP}\t${fqdn ? `${fqdn}\t` : ''}${hostnameOf(pod)}`,
    ...added,
    '',
  ].join('\n');
}
