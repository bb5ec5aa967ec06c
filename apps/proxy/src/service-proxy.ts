import { randomBytes } from 'node:crypto';
import { ENDPOINTSLICES, EVENTS, NODES, SERVICES, type EndpointSlice, type Event, type Node, type Service } from '#libs/api';
import { watchResource, type ApiClient, type ResourceWatch } from '#libs/client';
import { nodePortClaim, proxyPlan, type ProxyPort } from '#libs/node';
import type { Logger } from '#libs/runtime';
import type { ProxyBackend } from './backend.js';

const REPAIR_EVERY_MS = 60_000;
const RETRY_MS = 1_000;
/** Changes that come within this time are carried out together. */
const GATHER_MS = 20;

/** What a node's proxy is made of. */
export interface ServiceProxyOptions {
  readonly client: ApiClient;
  readonly nodeName: string;
  readonly backend: ProxyBackend;
  readonly logger: Logger;
  /** Told of Services and EndpointSlices whenever they change: the DNS server lives from the same watch. */
  readonly onChange: (services: readonly Service[], slices: readonly EndpointSlice[]) => void;
}

/** Keeps the machine's service rules as the cluster's Services say: level-based, one pass at a time. */
export class ServiceProxy {
  private readonly services: ResourceWatch<Service>;
  private readonly slices: ResourceWatch<EndpointSlice>;
  private readonly nodes: ResourceWatch<Node>;
  private readonly reported = new Set<string>();
  private timer: NodeJS.Timeout | undefined;
  private readonly repairs: NodeJS.Timeout;
  private pass: Promise<void> = Promise.resolve();
  private stopped = false;
  private live = false;

  constructor(private readonly options: ServiceProxyOptions) {
    const { client, logger } = options;
    const follow = {
      onChange: () => this.schedule(GATHER_MS),
      onError: (error: unknown) => logger.warn('watch broke off', { error: String(error) }),
    };
    this.services = watchResource<Service>(client, SERVICES, follow);
    this.slices = watchResource<EndpointSlice>(client, ENDPOINTSLICES, follow);
    this.nodes = watchResource<Node>(client, NODES, {
      ...follow,
      onChange: (next, old) => {
        if (String(addressesOf(next)) !== String(addressesOf(old))) this.schedule(GATHER_MS);
      },
    });
    this.repairs = setInterval(() => {
      this.pass = this.pass.then(() => options.backend.repair()).catch((error: unknown) => logger.error('repairing service rules', error));
    }, REPAIR_EVERY_MS);
  }

  /** Resolves when the rules stand for the first time. */
  async start(): Promise<void> {
    await Promise.all([this.services.synced, this.slices.synced, this.nodes.synced]);
    this.live = true;
    this.schedule(0);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    clearInterval(this.repairs);
    await Promise.all([this.services.stop(), this.slices.stop(), this.nodes.stop()]);
    await this.pass;
    await this.options.backend.close();
  }

  private schedule(afterMs: number): void {
    if (this.stopped || !this.live || this.timer) return;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.pass = this.pass.then(() => this.run());
    }, afterMs);
  }

  private async run(): Promise<void> {
    const services = this.services.list();
    const slices = this.slices.list();
    this.options.onChange(services, slices);
    const plan = proxyPlan(services, slices, this.options.nodeName);
    try {
      const { refused } = await this.options.backend.apply(plan, this.nodes.list().flatMap(addressesOf).sort());
      await this.report(plan, refused);
    } catch (error) {
      this.options.logger.error('applying service rules', error);
      this.schedule(RETRY_MS);
    }
  }

  /** Says once on each Service that its node port belongs to another cluster of this machine. */
  private async report(plan: readonly ProxyPort[], refused: ReadonlyMap<string, string>): Promise<void> {
    for (const claim of [...this.reported]) if (!refused.has(claim)) this.reported.delete(claim);
    for (const port of plan) {
      const claim = port.nodePort === undefined ? undefined : nodePortClaim(port.protocol, port.nodePort);
      const owner = claim === undefined ? undefined : refused.get(claim);
      if (claim === undefined || owner === undefined || this.reported.has(claim)) continue;
      this.reported.add(claim);
      const message =
        `node port ${port.nodePort}/${port.protocol.toUpperCase()} is held by another cluster on this machine (${owner}): ` +
        'it answers on the addresses of this cluster’s nodes only';
      this.options.logger.warn(message, { service: port.id });
      await this.record(port.id, message).catch((error: unknown) => this.options.logger.error('recording an event', error));
    }
  }

  private async record(id: string, message: string): Promise<void> {
    const [namespace = '', name = ''] = (id.split(':')[0] ?? '').split('/');
    const service = this.services.get(namespace, name);
    if (!service) return;
    const at = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
    const event: Event = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: `${name}.${randomBytes(8).toString('hex')}`, namespace },
      involvedObject: {
        apiVersion: 'v1',
        kind: 'Service',
        namespace,
        name,
        ...(service.metadata.uid ? { uid: service.metadata.uid } : {}),
      },
      type: 'Warning',
      reason: 'NodePortUnavailable',
      message,
      source: { component: 'kube-proxy', host: this.options.nodeName },
      firstTimestamp: at,
      lastTimestamp: at,
      count: 1,
      reportingComponent: 'kube-proxy',
      reportingInstance: this.options.nodeName,
    };
    await this.options.client.create(EVENTS, event);
  }
}

const addressesOf = (node: Node | undefined): readonly string[] =>
  (node?.status?.addresses ?? []).filter(({ type }) => type === 'InternalIP').map(({ address }) => address);
