import { deepEqual, StatusError, formatTime } from '#libs/apimachinery';
import { healthyConditions } from '#libs/node';
import { LEASES, NODES, type Lease, type Node, type NodeStatus } from '#libs/api';
import type { NodeContext } from './node-context.js';
import { nodeObject, staticStatus } from './node-object.js';

const RENEW_MS = 10_000;
const REPORT_MS = 10_000;
const REPORT_UNCHANGED_MS = 300_000;
const LEASE_SECONDS = 40;
const LEASE_NAMESPACE = 'kube-node-lease';

/** metav1.MicroTime of now. */
const microTime = (): string => new Date().toISOString().replace('Z', '000Z');

/** The node's presence in the API: its Node object, its status and its lease. */
export class NodeAgent {
  private readonly timers: NodeJS.Timeout[] = [];
  private reported: NodeStatus | undefined;
  private reportedAt = 0;
  private lease: Lease | undefined;
  private uid = '';
  private busy = false;
  private stopped = false;

  constructor(
    private readonly context: NodeContext,
    private readonly kubeletPort: number,
    private readonly address: string,
  ) {}

  /** Resolves when the node is registered and has reported ready; retries while the API server is away. */
  async start(): Promise<void> {
    for (let pause = 200; !this.stopped; pause = Math.min(5_000, pause * 2)) {
      try {
        await this.register();
        await Promise.all([this.report(), this.renew()]);
        break;
      } catch (error) {
        this.context.logger.warn('the node could not register yet', { error: String(error) });
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
    }
    this.every(REPORT_MS, () => this.report());
    this.every(RENEW_MS, () => this.renew());
    this.event('NodeReady', `Node ${this.context.config.nodeName} status is now: NodeReady`);
  }

  stop(): void {
    this.stopped = true;
    for (const timer of this.timers) clearInterval(timer);
  }

  private every(ms: number, work: () => Promise<void>): void {
    this.timers.push(
      setInterval(() => {
        work().catch((error: unknown) => {
          if (!this.stopped) this.context.logger.warn('the node could not report', { error: String(error) });
        });
      }, ms),
    );
  }

  private async register(): Promise<void> {
    const { client, config } = this.context;
    const wanted = nodeObject(config);
    this.event('Starting', 'Starting kubelet.');
    try {
      const created = await client.create<Node>(NODES, wanted);
      this.uid = created.metadata.uid ?? '';
    } catch (error) {
      if (!(error instanceof StatusError) || error.reason !== 'AlreadyExists') throw error;
      const existing = await client.get<Node>(NODES, undefined, config.nodeName);
      this.uid = existing.metadata.uid ?? '';
      this.reported = existing.status;
      const labels = { ...existing.metadata.labels, ...wanted.metadata.labels };
      const spec = { podCIDR: config.podCidr, podCIDRs: [config.podCidr] };
      const same = deepEqual(labels, existing.metadata.labels) && existing.spec?.podCIDR === config.podCidr;
      if (!same) await client.patch<Node>(NODES, undefined, config.nodeName, { metadata: { labels: wanted.metadata.labels }, spec });
    }
  }

  /** Reports the status; a node whose object was deleted registers again, and says at once how it is. */
  private async report(): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    try {
      await this.sendStatus();
    } catch (error) {
      if (!(error instanceof StatusError) || error.reason !== 'NotFound') throw error;
      await this.register();
      this.reported = undefined;
      await this.sendStatus();
    } finally {
      this.busy = false;
    }
  }

  /**
   * Sends the status where it has changed, or has not been sent for five minutes, or where the API has another: the node was taken for
   * lost while it was cut off.
   */
  private async sendStatus(): Promise<void> {
    const { client, config, runtime } = this.context;
    const held = (await client.get<Node>(NODES, undefined, config.nodeName)).status?.conditions ?? [];
    const now = Date.now();
    const images = (await runtime.images()).map(({ names, sizeBytes }) => ({ names: names.slice(0, 5), sizeBytes }));
    const largest = images.filter(({ names }) => names.length > 0).sort((a, b) => b.sizeBytes - a.sizeBytes);
    const status: NodeStatus = {
      ...staticStatus(this.context, this.kubeletPort, this.address),
      images: largest.slice(0, 50),
      conditions: healthyConditions(held, formatTime(now)),
    };
    const isHeld = status.conditions?.every(({ type, status: is }) => held.find((one) => one.type === type)?.status === is);
    const unchanged = deepEqual(withoutHeartbeats(this.reported), withoutHeartbeats(status));
    if (unchanged && isHeld === true && now - this.reportedAt < REPORT_UNCHANGED_MS) return;
    await client.patch<Node>(NODES, undefined, config.nodeName, { status }, { subresource: 'status' });
    this.reported = status;
    this.reportedAt = now;
  }

  /** Renews the lease; one that somebody else wrote is taken over, one that was deleted is made again at once. */
  private async renew(): Promise<void> {
    const { client, config } = this.context;
    const spec = { holderIdentity: config.nodeName, leaseDurationSeconds: LEASE_SECONDS, renewTime: microTime() };
    const held = this.lease;
    try {
      this.lease = held ? await client.update<Lease>(LEASES, { ...held, spec: { ...held.spec, ...spec } }) : await this.createLease(spec);
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
      this.lease = undefined;
      if (error.reason !== 'AlreadyExists' && error.reason !== 'Conflict') throw error;
      this.lease = await client.patch<Lease>(LEASES, LEASE_NAMESPACE, config.nodeName, { spec }).catch((refusal: unknown) => {
        if (refusal instanceof StatusError && refusal.reason === 'NotFound') return this.createLease(spec);
        throw refusal;
      });
    }
  }

  private createLease(spec: Lease['spec']): Promise<Lease> {
    const { client, config } = this.context;
    const ownerReferences = [{ apiVersion: 'v1', kind: 'Node', name: config.nodeName, uid: this.uid }];
    return client.create<Lease>(LEASES, {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name: config.nodeName, namespace: LEASE_NAMESPACE, ...(this.uid === '' ? {} : { ownerReferences }) },
      ...(spec === undefined ? {} : { spec }),
    });
  }

  private event(reason: string, message: string): void {
    const { nodeName } = this.context.config;
    this.context.events.record({ kind: 'Node', name: nodeName, uid: nodeName, apiVersion: 'v1' }, { type: 'Normal', reason, message });
  }
}

/** A status without what changes at every report. */
function withoutHeartbeats(status: NodeStatus | undefined): unknown {
  return { ...status, conditions: status?.conditions?.map(({ lastHeartbeatTime: _heartbeat, ...condition }) => condition) };
}
