import { Agent, request as httpsRequest, type RequestOptions } from 'node:https';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { StatusError, type Status, type StatusReason } from '#libs/apimachinery';

/** The API server and the credentials to speak to it with. Certificates and keys are PEM. */
export interface ClientOptions {
  /** `https://host:port`; a path, where there is one, comes before that of every request. */
  readonly url: string;
  readonly ca?: string | Buffer;
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
  readonly token?: string;
  /** The name that the server's certificate has to hold, where it isn't the URL's. */
  readonly serverName?: string;
  /** Believes any server. */
  readonly insecure?: boolean;
  /** Whom to act as: `Impersonate-User` and the like. */
  readonly impersonate?: { readonly user: string; readonly groups?: readonly string[]; readonly uid?: string };
  readonly userAgent?: string;
  /** Most connections kept open; watches need one each. */
  readonly maxSockets?: number;
  /** How long a request other than a watch may take. */
  readonly timeoutMs?: number;
}

/** One request, phrased for the API server. */
export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>> | undefined;
  readonly body?: unknown;
  readonly contentType?: string;
  /** Which media type the answer is to have; JSON unless said. */
  readonly accept?: string;
  readonly signal?: AbortSignal | undefined;
}

/** The API server could not be reached or broke off: trying again may help. `cause` has the system's error. */
export class Unreachable extends Error {
  override readonly name = 'Unreachable';
}

const MAX_RESPONSE_BYTES = 512 * 1024 * 1024;

const REASON_OF_CODE: Readonly<Record<number, ConstructorParameters<typeof StatusError>[0]>> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  409: 'Conflict',
  410: 'Expired',
  422: 'Invalid',
  429: 'TooManyRequests',
  503: 'ServiceUnavailable',
  504: 'Timeout',
};

/** The failure an answer speaks of, as the StatusError the server threw. */
export function failureOf(code: number, text: string): StatusError {
  try {
    const status = JSON.parse(text) as Partial<Status>;
    if (status.kind === 'Status' && status.message !== undefined) {
      return new StatusError(
        (status.reason as StatusReason | undefined) ?? REASON_OF_CODE[code] ?? 'InternalError',
        status.message,
        status.details,
      );
    }
  } catch {
    // The answer was no JSON: its text is the message.
  }
  return new StatusError(REASON_OF_CODE[code] ?? 'InternalError', text.trim() === '' ? `the server answered ${code}` : text.trim());
}

/** The HTTPS connection to one API server: keep-alive, bounded in connections, response size and time. */
export class Transport {
  private readonly agent: Agent;
  private readonly base: URL;
  private readonly prefix: string;
  private readonly identity: Readonly<Record<string, string | string[]>>;

  constructor(private readonly options: ClientOptions) {
    this.base = new URL(options.url);
    this.prefix = this.base.pathname.replace(/\/+$/, '');
    this.identity = identityOf(options);
    const { ca, cert, key } = options;
    this.agent = new Agent({
      keepAlive: true,
      maxSockets: options.maxSockets ?? 64,
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
      ...(options.serverName === undefined ? {} : { servername: options.serverName }),
      ...(options.insecure === true ? { rejectUnauthorized: false } : {}),
    });
  }

  /** The parsed JSON of the answer. Throws StatusError for a refusal and Unreachable when there was no answer. */
  async json(request: ApiRequest): Promise<unknown> {
    const text = await this.text(request);
    return text === '' ? undefined : JSON.parse(text);
  }

  /** The text of the answer. Throws as `json`. */
  async text(request: ApiRequest): Promise<string> {
    const response = await this.open(request, this.options.timeoutMs ?? 60_000);
    const text = await readAll(response);
    const code = response.statusCode ?? 0;
    if (code >= 400) throw failureOf(code, text);
    return text;
  }

  /** The body as it comes, for watches and logs. A refusal throws as `json`; ends with the signal. */
  async stream(request: ApiRequest): Promise<IncomingMessage> {
    const response = await this.open(request, 0);
    const code = response.statusCode ?? 0;
    if (code >= 400) throw failureOf(code, await readAll(response));
    return response;
  }

  close(): void {
    this.agent.destroy();
  }

  private open(request: ApiRequest, timeoutMs: number): Promise<IncomingMessage> {
    const body =
      request.body === undefined ? undefined : Buffer.from(typeof request.body === 'string' ? request.body : JSON.stringify(request.body));
    return new Promise((resolve, reject) => {
      const failed = (error: Error): void =>
        reject(new Unreachable(`${request.method} ${this.base.origin}${this.prefix}${request.path}: ${error.message}`, { cause: error }));
      let sent: ClientRequest;
      try {
        sent = httpsRequest(this.requestOptions(request, body));
      } catch (error) {
        reject(error instanceof Error ? error : new Error(String(error)));
        return;
      }
      if (timeoutMs > 0) sent.setTimeout(timeoutMs, () => sent.destroy(new Error(`no answer within ${timeoutMs} ms`)));
      sent.on('response', resolve);
      sent.on('error', failed);
      sent.end(body);
    });
  }

  private requestOptions(request: ApiRequest, body: Buffer | undefined): RequestOptions {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(request.query ?? {})) if (value !== undefined) query.set(name, String(value));
    const search = query.toString();
    return {
      agent: this.agent,
      host: this.base.hostname.replace(/^\[|\]$/g, ''),
      port: this.base.port === '' ? 443 : Number(this.base.port),
      method: request.method,
      path: `${this.prefix}${request.path}${search === '' ? '' : `?${search}`}`,
      headers: {
        accept: request.accept ?? 'application/json',
        'user-agent': this.options.userAgent ?? 'decklog',
        ...this.identity,
        ...(body === undefined ? {} : { 'content-type': request.contentType ?? 'application/json', 'content-length': body.length }),
      },
      ...(request.signal ? { signal: request.signal } : {}),
    };
  }
}

function identityOf({ token, impersonate }: ClientOptions): Readonly<Record<string, string | string[]>> {
  return {
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    ...(impersonate === undefined ? {} : { 'impersonate-user': impersonate.user }),
    ...(impersonate?.groups === undefined ? {} : { 'impersonate-group': [...impersonate.groups] }),
    ...(impersonate?.uid === undefined ? {} : { 'impersonate-uid': impersonate.uid }),
  };
}

async function readAll(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of response) {
      const bytes = chunk as Buffer;
      size += bytes.length;
      if (size > MAX_RESPONSE_BYTES) throw new Error(`the answer exceeds ${MAX_RESPONSE_BYTES} bytes`);
      chunks.push(bytes);
    }
  } catch (error) {
    response.destroy();
    throw new Unreachable('the answer broke off', { cause: error });
  }
  return Buffer.concat(chunks).toString('utf8');
}
