import { applyNft, claimNodePorts, enableForwarding, hasNftTable, nftTableOf, routeServices } from '#libs/node-adapters';
import { nftScript, nodePortClaim, type ProxyPort } from '#libs/node';
import type { ProxyBackend, ProxyOutcome } from './backend.js';

/** What the nftables backend has to know of its cluster. */
export interface NftablesOptions {
  readonly cluster: string;
  readonly serviceCidr: string;
  /** The cluster's own interface and address, for the route to the service range. */
  readonly device: string;
  readonly advertiseAddress: string;
}

/** Services in the kernel: one table per cluster, replaced in one transaction whenever its text changes. */
export class NftablesBackend implements ProxyBackend {
  private applied = '';

  constructor(private readonly options: NftablesOptions) {}

  async apply(plan: readonly ProxyPort[], nodeAddresses: readonly string[]): Promise<ProxyOutcome> {
    const { cluster, serviceCidr } = this.options;
    const wanted = plan.flatMap(({ protocol, nodePort }) => (nodePort === undefined ? [] : [nodePortClaim(protocol, nodePort)]));
    const { held, refused } = await claimNodePorts(cluster, new Set(wanted));
    const script = nftScript(plan, { table: nftTableOf(cluster), serviceCidr, nodeAddresses, machineNodePorts: held });
    if (script !== this.applied) {
      if (this.applied === '') await this.prepare();
      await applyNft(script);
      this.applied = script;
    }
    return { refused };
  }

  async repair(): Promise<void> {
    if (this.applied !== '' && !(await hasNftTable(nftTableOf(this.options.cluster)))) await applyNft(this.applied);
  }

  async close(): Promise<void> {}

  private async prepare(): Promise<void> {
    const { serviceCidr, device, advertiseAddress } = this.options;
    await enableForwarding();
    await routeServices(serviceCidr, device, advertiseAddress);
  }
}
