import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { METRICS_TYPE, PROCESS_METRICS } from '#libs/process';
import type { NodeContext } from '../node-context.js';
import type { PodManager } from '../pod-manager.js';
import { serveLogs } from './container-logs.js';
import { HttpError } from './http-error.js';
import { servePortForward } from './port-forward.js';
import { serveRemoteCommand } from './remote-command.js';
import { statsSummary } from './stats-summary.js';

const API_SERVER = 'kube-apiserver-kubelet-client';
const MAX_CONNECTIONS = 1_000;

/** The kubelet's own HTTPS server. Only the API server's client certificate is let in. */
export class KubeletServer {
  private readonly server: https.Server;
  private readonly upgraded = new Set<Duplex>();

  constructor(
    private readonly context: NodeContext,
    private readonly pods: PodManager,
  ) {
    const { servingCertFile, servingKeyFile, caFile } = context.config;
    this.server = https.createServer(
      {
        cert: readFileSync(servingCertFile),
        key: readFileSync(servingKeyFile),
        ca: readFileSync(caFile),
        requestCert: true,
        rejectUnauthorized: true,
      },
      (request, response) => {
        this.serve(request, response).catch((error: unknown) => refuse(response, error));
      },
    );
    this.server.maxConnections = MAX_CONNECTIONS;
    this.server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      socket.on('error', () => undefined);
      this.upgraded.add(socket);
      socket.once('close', () => this.upgraded.delete(socket));
      this.upgrade(request, socket, head).catch((error: unknown) => refuseUpgrade(socket, error));
    });
    this.server.on('tlsClientError', () => undefined);
  }

  /** Listens on the node's address; a simulated node, which has none, on loopback and a port of its own. */
  async listen(): Promise<{ address: string; port: number }> {
    const { config } = this.context;
    try {
      return await this.listenOn(config.nodeIp, config.kubeletPort);
    } catch (error) {
      if (config.runtime !== 'simulated' || (error as NodeJS.ErrnoException).code !== 'EADDRNOTAVAIL') throw error;
      return this.listenOn('127.0.0.1', 0);
    }
  }

  async close(): Promise<void> {
    for (const socket of this.upgraded) socket.destroy();
    this.server.closeAllConnections();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }

  private listenOn(host: string, port: number): Promise<{ address: string; port: number }> {
    return new Promise((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen({ host, port }, () => {
        this.server.off('error', reject);
        const bound = this.server.address() as AddressInfo;
        resolve({ address: bound.address, port: bound.port });
      });
    });
  }

  private authenticate(request: IncomingMessage): void {
    const name = (request.socket as TLSSocket).getPeerCertificate().subject?.CN;
    if (name !== API_SERVER) throw new HttpError(401, 'Unauthorized');
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.authenticate(request);
    const url = new URL(request.url ?? '/', 'https://node');
    const [, route = '', ...rest] = url.pathname.split('/').map(decodeURIComponent);
    switch (route) {
      case 'healthz':
        response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' }).end('ok');
        return;
      case 'metrics':
        response.writeHead(200, { 'content-type': METRICS_TYPE }).end(await PROCESS_METRICS.text());
        return;
      case 'pods':
        json(response, { kind: 'PodList', apiVersion: 'v1', metadata: {}, items: this.pods.list() });
        return;
      case 'stats':
        if (rest[0] !== 'summary') break;
        json(response, await statsSummary(this.context, this.pods.list()));
        return;
      case 'containerLogs':
        await serveLogs(this.context, this.pods, rest, url.searchParams, response);
        return;
    }
    throw new HttpError(404, '404 page not found');
  }

  private async upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    this.authenticate(request);
    const url = new URL(request.url ?? '/', 'https://node');
    const [, route = '', namespace = '', name = '', ...rest] = url.pathname.split('/').map(decodeURIComponent);
    const pod = this.pods.pod(namespace, name);
    if (!pod) throw new HttpError(404, `pod does not exist`);
    const connection = { request, socket, head, query: url.searchParams };
    switch (route) {
      case 'exec':
      case 'attach':
        return serveRemoteCommand(this.context, pod, rest.at(-1) ?? '', route, connection);
      case 'portForward':
        return servePortForward(this.context, pod, connection);
    }
    throw new HttpError(404, '404 page not found');
  }
}

function json(response: ServerResponse, body: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function refuse(response: ServerResponse, error: unknown): void {
  const { code, message } = HttpError.of(error);
  if (response.headersSent) response.destroy();
  else response.writeHead(code, { 'content-type': 'text/plain; charset=utf-8' }).end(message);
}

function refuseUpgrade(socket: Duplex, error: unknown): void {
  const { code, message } = HttpError.of(error);
  const body = Buffer.from(message, 'utf8');
  if (!socket.writable) return;
  const head = `HTTP/1.1 ${code} ${code === 404 ? 'Not Found' : 'Error'}\r\ncontent-type: text/plain\r\ncontent-length: ${body.length}\r\n`;
  socket.end(Buffer.concat([Buffer.from(`${head}connection: close\r\n\r\n`), body]));
}
