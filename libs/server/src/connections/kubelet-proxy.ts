import type { IncomingMessage } from 'node:http';
import type { RequestOptions } from 'node:https';
import { NODES, type Node } from '#libs/api';
import { StatusError, badRequest, notFound } from '#libs/apimachinery';
import type { StateView } from '#libs/runtime';
import type { Call } from '../call.js';
import type { KubeletTls } from '../options.js';
import type { Forwarder, Upgrade } from '../proxy/forwarder.js';
import { pathsOf } from '../proxy/object-proxy.js';
import { nothingHere } from '../encoding/respond.js';

/** Where a kubelet answers. */
export interface KubeletAddress {
  readonly host: string;
  readonly port: number;
}

const DEFAULT_PORT = 10250;

/** Passes requests on to kubelets with the server's own credentials. */
export class KubeletProxy {
  constructor(
    private readonly tls: KubeletTls,
    private readonly view: StateView,
    private readonly forwarder: Forwarder,
  ) {}

  /** Where the kubelet of a node answers. Throws NotFound, or InternalError where the node names no address. */
  addressOf(nodeName: string): KubeletAddress {
    const node = this.view.entry(NODES, '', nodeName)?.object as Node | undefined;
    if (node === undefined) throw notFound(NODES, nodeName);
    const addresses = node.status?.addresses ?? [];
    const host = addresses.find(({ type }) => type === 'InternalIP')?.address;
    if (host === undefined) {
      const known = addresses.map(({ type, address }) => `{${type} ${address}}`).join(' ');
      throw new StatusError('InternalError', `no preferred addresses found; known addresses: [${known}]`);
    }
    return { host, port: node.status?.daemonEndpoints?.kubeletEndpoint?.Port ?? DEFAULT_PORT };
  }

  /** Asks a kubelet for `path` and hands over its answer as it begins. Throws InternalError where it can't be reached. */
  async fetch(address: KubeletAddress, path: string, signal: AbortSignal): Promise<IncomingMessage> {
    const unreachable = (why: string, cause: unknown): StatusError =>
      new StatusError('InternalError', `Get "https://${hostOf(address)}${path}": ${why}`, undefined, { cause });
    return this.forwarder.fetch({ secure: true, options: this.optionsFor(address, path), unreachable }, signal);
  }

  /** Passes the whole request on and its answer back; where the client asked for an upgrade, the connection too. */
  async forward(call: Call, upgrade: Upgrade | undefined, address: KubeletAddress, path: string): Promise<void> {
    const unreachable = (why: string, cause: unknown): StatusError =>
      new StatusError('InternalError', `error dialing backend: ${why}`, undefined, { cause });
    await this.forwarder.forward(call, upgrade, { secure: true, options: this.optionsFor(address, path), unreachable });
  }

  private optionsFor({ host, port }: KubeletAddress, path: string): RequestOptions {
    const { cert, key, ca } = this.tls;
    return { host, port, path, cert, key, ca };
  }
}

const hostOf = ({ host, port }: KubeletAddress): string => (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`);

/** Segments before what the kubelet is asked for: `api/v1/nodes/<name>/proxy`. */
const LEADING = 5;

/** Serves `nodes/<name>/proxy/...`. */
export async function proxyNode(proxy: KubeletProxy, call: Call, upgrade: Upgrade | undefined): Promise<void> {
  const { info, target } = call;
  if (info.name === '') throw nothingHere();
  if (info.rest.some((part) => part === '..')) throw badRequest('invalid path');
  const [name = '', ...port] = info.name.split(':');
  if (port.length > 1) throw badRequest(`invalid node request "${info.name}"`);
  const { path, query } = pathsOf(target, LEADING);
  const address = proxy.addressOf(name);
  // Only the kubelet's own port is for whoever may proxy to nodes: the server's credentials open no other.
  if (port[0] !== undefined && port[0] !== '' && Number(port[0]) !== address.port) throw badRequest(`invalid node request "${info.name}"`);
  await proxy.forward(call, upgrade, address, `${path || '/'}${query}`);
}
