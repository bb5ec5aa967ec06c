import type { IncomingMessage } from 'node:http';
import { ENDPOINTSLICES, SERVICES, SERVICE_NAME_LABEL, type APIServiceSpec, type EndpointSlice, type Service } from '#libs/api';
import { StatusError } from '#libs/apimachinery';
import type { StateView } from '#libs/runtime';
import type { User } from '../authorization/authorizer.js';
import type { Backend, Forwarder } from '../proxy/forwarder.js';
import { serviceLocation } from '../proxy/locations.js';
import { hindrance, servedBy, type Availability } from './availability.js';

/** What the server shows to those it passes requests on to. PEM. */
export interface FrontProxyTls {
  readonly cert: string;
  readonly key: string;
}

/** Who asks for what a server needs for itself. */
const AGGREGATOR: User = { name: 'system:kube-aggregator', groups: ['system:masters'] };
const MOST_BYTES = 16 * 1024 * 1024;

/** An answer of a backend, read to its end. */
export interface Answer {
  readonly code: number;
  readonly text: string;
}

/** The Service behind an APIService. */
export class ApiBackend {
  constructor(
    private readonly spec: APIServiceSpec,
    private readonly view: StateView,
    private readonly forwarder: Forwarder,
    private readonly tls: FrontProxyTls | undefined,
    private readonly random: () => number,
  ) {}

  /** What keeps it from being asked. */
  hindrance(): Availability | undefined {
    const by = servedBy(this.spec);
    return by && hindrance(by, this.service(), this.slices());
  }

  /** Where to pass on what a user asks. Throws ServiceUnavailable where nobody answers. */
  to(path: string, user: User): Backend {
    const by = servedBy(this.spec);
    const service = this.service();
    if (by === undefined || service === undefined) throw new StatusError('ServiceUnavailable', 'service unavailable');
    const name = { secure: true, name: by.name, port: String(by.port) };
    const { host, port } = serviceLocation(service, this.slices(), name, () => true, this.random());
    const { caBundle, insecureSkipTLSVerify = false } = this.spec;
    return {
      secure: true,
      options: {
        host,
        port,
        path,
        servername: `${by.name}.${by.namespace}.svc`,
        rejectUnauthorized: !insecureSkipTLSVerify,
        ...(caBundle === undefined ? {} : { ca: Buffer.from(caBundle, 'base64') }),
        ...this.tls,
      },
      headers: userHeaders(user),
      unreachable: (why, cause) => new StatusError('ServiceUnavailable', `error trying to reach service: ${why}`, undefined, { cause }),
    };
  }

  /** Asks for something the server itself needs to know. */
  async ask(path: string, accept: string, signal: AbortSignal): Promise<Answer> {
    const backend = this.to(path, AGGREGATOR);
    const headers = { ...backend.headers, accept };
    const answer = await this.forwarder.fetch({ ...backend, options: { ...backend.options, headers } }, signal);
    return { code: answer.statusCode ?? 0, text: await textOf(answer) };
  }

  /** Its address as messages name it. */
  url(path: string): string {
    const { namespace = '', name = '', port = 443 } = this.spec.service ?? {};
    return `https://${name}.${namespace}.svc:${port}${path}`;
  }

  private service(): Service | undefined {
    const { namespace = '', name = '' } = this.spec.service ?? {};
    return this.view.get(SERVICES, namespace, name) as Service | undefined;
  }

  private slices(): readonly EndpointSlice[] {
    const { namespace = '', name = '' } = this.spec.service ?? {};
    const all = this.view.list(ENDPOINTSLICES, namespace) as readonly EndpointSlice[];
    return all.filter(({ metadata }) => metadata.labels?.[SERVICE_NAME_LABEL] === name);
  }
}

/** Who asks, as an extension API server reads it from its front proxy. */
export function userHeaders({ name, uid, groups, extra = {} }: User): Readonly<Record<string, string | string[]>> {
  const more = Object.entries(extra).map(([key, values]) => [`x-remote-extra-${escaped(key)}`, [...values]] as const);
  return {
    'x-remote-user': name,
    ...(uid === undefined ? {} : { 'x-remote-uid': uid }),
    ...(groups.length === 0 ? {} : { 'x-remote-group': [...groups] }),
    ...Object.fromEntries(more),
  };
}

/** A key of `extra` as a part of a header's name: lower case, what a name can't hold percent-encoded (client-go `headerKeyEscape`). */
const escaped = (key: string): string =>
  [...new TextEncoder().encode(key.toLowerCase())]
    .map((byte) => {
      const text = String.fromCharCode(byte);
      return /[!#$&'*+.^_`|~0-9a-z-]/.test(text) ? text : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
    })
    .join('');

async function textOf(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MOST_BYTES) throw new Error('the answer is too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
