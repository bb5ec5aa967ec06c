import type { ApiClient } from '#libs/client';
import { DnsZone } from '#libs/node';
import type { Logger } from '#libs/runtime';
import { DnsServer, machineResolvers } from './dns-server.js';
import { NftablesBackend } from './nftables-backend.js';
import { ServiceProxy } from './service-proxy.js';
import { UserspaceBackend } from './userspace-backend.js';

/** What the proxy and DNS server of a node are told: docs/architecture.md has the settings they come from. */
export interface NodeProxyOptions {
  readonly client: ApiClient;
  readonly cluster: string;
  readonly nodeName: string;
  readonly nodeIp: string;
  readonly serviceCidr: string;
  readonly clusterDomain: string;
  readonly advertiseAddress: string;
  readonly backend: 'nftables' | 'userspace';
  readonly logger: Logger;
}

/** A node's share of the cluster's network: Services and names. */
export interface NodeProxy {
  stop(): Promise<void>;
}

const DNS_PORT = 53;

/** Starts serving Services and DNS on a node whose bridge exists. Resolves when both are there for the first time. */
export async function startNodeProxy(options: NodeProxyOptions): Promise<NodeProxy> {
  const { client, cluster, nodeName, nodeIp, serviceCidr, clusterDomain, advertiseAddress, logger } = options;
  const device = `dl${cluster}`;
  const dns = new DnsServer({ address: nodeIp, port: DNS_PORT, domain: clusterDomain, resolvers: machineResolvers(), logger });
  const backend =
    options.backend === 'nftables'
      ? new NftablesBackend({ cluster, serviceCidr, device, advertiseAddress })
      : new UserspaceBackend({ nodeIp, device, logger });
  const proxy = new ServiceProxy({
    client,
    nodeName,
    backend,
    logger,
    onChange: (services, slices) => dns.use(new DnsZone(services, slices, clusterDomain)),
  });
  await dns.start();
  await proxy.start();
  return {
    stop: async () => {
      await proxy.stop();
      await dns.stop();
    },
  };
}
