import { Agent, request as httpsRequest } from 'node:https';
import { isIP } from 'node:net';
import type { IncomingMessage } from 'node:http';
import type { Lister } from '#libs/apimachinery';
import type { Call, CallAnswer, CallTarget } from '#libs/registry';
import type { WebhookCaller } from '../write-path/index.js';
import { failureOf, refusalOf } from './failures.js';
import { resolveService } from './service-resolver.js';

/** More than any review holds: an object of 3 MiB, and a patch that makes it another. */
const MOST_BYTES = 10 * 1024 * 1024;
/** Connections to one webhook at a time, and kept for the next call. */
const MOST_SOCKETS = 100;
const MOST_IDLE = 25;
const DEFAULT_PORT = 443;

/** Whom to connect to, as whom it must show itself, and how errors call it. */
interface Address {
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly servername: string;
  readonly hostHeader: string;
  readonly path: string;
}

class TooLong extends Error {}
/** A connection kept from before was closed at the other end just then: nothing was answered, and another is made. */
class Stale extends Error {}

async function textOf(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MOST_BYTES) throw new TooLong(`the response is longer than ${MOST_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Calls webhooks over HTTPS: those at a URL, and those behind a Service of the cluster. Connections are kept for the next call. */
export class HttpsWebhookCaller implements WebhookCaller {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: MOST_SOCKETS, maxFreeSockets: MOST_IDLE });

  constructor(private readonly lister: Pick<Lister, 'get' | 'list'>) {}

  async call(call: Call): Promise<CallAnswer> {
    const address = this.#addressOf(call.target, call.timeoutSeconds);
    if ('failure' in address) return address;
    const signal = AbortSignal.timeout(call.timeoutSeconds * 1000);
    try {
      const answer = await this.#post(address, call, signal).catch((error: unknown) => {
        if (error instanceof Stale) return this.#post(address, call, signal, false);
        throw error;
      });
      const text = await textOf(answer);
      if (answer.statusCode !== 200) return { failure: refusalOf(answer.statusCode ?? 0, text) };
      return parsed(text);
    } catch (thrown) {
      const cause = signal.aborted ? signal.reason : thrown;
      const at = `${address.host}:${address.port}`;
      return { failure: `Post ${JSON.stringify(address.url)}: ${failureOf(cause, at, address.servername)}` };
    }
  }

  /** Closes the connections that are kept. */
  close(): void {
    this.#agent.destroy();
  }

  #addressOf(target: CallTarget, timeoutSeconds: number): Address | { readonly failure: string } {
    const query = `timeout=${timeoutSeconds}s`;
    if ('url' in target) {
      if (!URL.canParse(target.url)) return { failure: `parse ${JSON.stringify(target.url)}: invalid URI for request` };
      const url = new URL(target.url);
      const host = url.hostname.replace(/^\[|\]$/g, '');
      const path = url.pathname === '/' && !target.url.endsWith('/') ? '/' : url.pathname;
      const shown = `https://${url.host}${path}?${query}`;
      return { url: shown, host, port: Number(url.port) || DEFAULT_PORT, servername: host, hostHeader: url.host, path: `${path}?${query}` };
    }
    const { namespace, name, path = '/', port = DEFAULT_PORT } = target.service;
    const servername = `${name}.${namespace}.svc`;
    const url = `https://${servername}:${port}${path}?${query}`;
    const resolved = resolveService(this.lister, namespace, name, port);
    if ('failure' in resolved) return { failure: `Post ${JSON.stringify(url)}: ${resolved.failure}` };
    return { url, ...resolved, servername, hostHeader: `${servername}:${port}`, path: `${path}?${query}` };
  }

  #post(
    { host, port, servername, hostHeader, path }: Address,
    { body, caBundle }: Call,
    signal: AbortSignal,
    reuse = true,
  ): Promise<IncomingMessage> {
    const bytes = Buffer.from(JSON.stringify(body));
    return new Promise((resolve, reject) => {
      const sent = httpsRequest({
        host,
        port,
        path,
        method: 'POST',
        agent: reuse ? this.#agent : false,
        signal,
        ...(isIP(servername) === 0 ? { servername } : {}),
        ...(caBundle ? { ca: Buffer.from(caBundle, 'base64') } : {}),
        headers: {
          host: hostHeader,
          'content-type': 'application/json',
          accept: 'application/json, */*',
          'user-agent': 'kube-apiserver-admission',
          'content-length': String(bytes.length),
        },
      });
      sent.once('response', resolve);
      sent.once('error', (error: NodeJS.ErrnoException) => reject(sent.reusedSocket && error.code === 'ECONNRESET' ? new Stale() : error));
      sent.end(bytes);
    });
  }
}

function parsed(text: string): CallAnswer {
  try {
    return { body: JSON.parse(text) as unknown };
  } catch (thrown) {
    return { failure: `couldn't get version/kind; json parse error: ${thrown instanceof Error ? thrown.message : String(thrown)}` };
  }
}
