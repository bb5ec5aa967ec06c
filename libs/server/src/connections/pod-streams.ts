import { pipeline } from 'node:stream/promises';
import type { Pod } from '#libs/api';

import { StatusError, badRequest, forbiddenField, invalid, invalidValue, notSupported, type FieldError } from '#libs/apimachinery';
import type { WritePath } from '#libs/runtime';
import type { Call } from '../call.js';
import { admitConnection } from './connect-admission.js';
import type { KubeletProxy } from './kubelet-proxy.js';
import type { Upgrade } from '../proxy/forwarder.js';
import { integerOf } from '../reads/list-options.js';
import type { Reader } from '../reads/reader.js';
import { truthy } from '../request-info.js';
import { sendBody, wrongMethod } from '../encoding/respond.js';
import type { ServedResource } from '../served-resource.js';

/** Most of a kubelet's refusal that is passed on. */
const MAX_REFUSAL_BYTES = 64 * 1024;

/** Serves `pods/log`, `exec`, `attach` and `portforward` by way of the kubelet of the pod's node. */
export class PodStreams {
  constructor(
    private readonly pods: ServedResource,
    private readonly reader: Reader,
    private readonly proxy: KubeletProxy,
    private readonly writePath: WritePath,
  ) {}

  /** Streams a container's log. */
  async log(call: Call): Promise<void> {
    if (call.info.verb !== 'get') throw wrongMethod();
    const params = logParams(call.query);
    const pod = await this.pod(call);
    const container = containerOf(pod, call.query.get('container') ?? '');
    const node = pod.spec?.nodeName ?? '';
    if (node === '') {
      // Nothing runs yet, so there is nothing to read.
      await sendBody(call.request, call.response, 200, new Uint8Array(), { contentType: 'text/plain' });
      return;
    }
    const path = `${pathOf('containerLogs', pod, container)}${queryOf(params)}`;
    const answer = await this.proxy.fetch(this.proxy.addressOf(node), path, call.signal);
    const code = answer.statusCode ?? 500;
    if (code < 200 || code > 299) throw refusalOf(code, await textOf(answer), call.info.name);
    call.response.writeHead(code, { 'Content-Type': 'text/plain' });
    call.response.flushHeaders();
    await pipeline(answer, call.response);
  }

  /** Splices a client's connection with the kubelet's, which speaks the protocol that the client asked for. */
  async connect(call: Call, upgrade: Upgrade | undefined): Promise<void> {
    const { subresource } = call.info;
    const { method } = call.request;
    if (method !== 'GET' && method !== 'POST') throw wrongMethod();
    await admitConnection(this.writePath, call, this.pods.definition);
    const pod = await this.pod(call);
    const container = subresource === 'portforward' ? undefined : containerOf(pod, call.query.get('container') ?? '');
    const node = pod.spec?.nodeName ?? '';
    if (node === '') throw badRequest(`pod ${pod.metadata.name ?? ''} does not have a host assigned`);
    if (upgrade === undefined) throw badRequest('Upgrade request required');
    const kind = subresource === 'portforward' ? 'portForward' : subresource;
    const path = `${pathOf(kind, pod, container)}${queryOf(streamParams(subresource, call.query))}`;
    await this.proxy.forward(call, upgrade, this.proxy.addressOf(node), path);
  }

  private async pod({ info, signal }: Call): Promise<Pod> {
    const row = await this.reader.get(this.pods, { namespace: info.namespace, name: info.name }, '', signal);
    return row.object as Pod;
  }
}

function pathOf(kind: string, { metadata }: Pod, container: string | undefined): string {
  const parts = [kind, metadata.namespace ?? '', metadata.name ?? '', ...(container === undefined ? [] : [container])];
  return `/${parts.map(encodeURIComponent).join('/')}`;
}

const queryOf = (params: URLSearchParams): string => (params.size === 0 ? '' : `?${params.toString()}`);

/** The container that is meant; without a name the only one there is. Throws BadRequest in upstream's words. */
export function containerOf({ spec, metadata }: Pod, wanted: string): string {
  const pod = metadata.name ?? '';
  const names = [...(spec?.initContainers ?? []), ...(spec?.containers ?? []), ...(spec?.ephemeralContainers ?? [])].map(
    ({ name }) => name,
  );
  if (wanted !== '') {
    if (!names.includes(wanted)) throw badRequest(`container ${wanted} is not valid for pod ${pod}`);
    return wanted;
  }
  const [only, ...more] = spec?.containers ?? [];
  if (only === undefined) throw badRequest(`a container name must be specified for pod ${pod}`);
  if (more.length > 0) throw badRequest(`a container name must be specified for pod ${pod}, choose one of: [${names.join(' ')}]`);
  return only.name;
}

/** The kubelet's names for the streams (kubelet `server/remotecommand`). */
const STREAMS = [
  ['stdin', 'input'],
  ['stdout', 'output'],
  ['stderr', 'error'],
  ['tty', 'tty'],
] as const;

function streamParams(subresource: string, query: URLSearchParams): URLSearchParams {
  const params = new URLSearchParams();
  if (subresource === 'portforward') {
    const ports = query.getAll('ports').flatMap((text) => text.split(','));
    if (ports.length > 0) params.set('port', ports.join(','));
    return params;
  }
  for (const [ours, theirs] of STREAMS) if (truthy(query.get(ours))) params.set(theirs, '1');
  if (subresource === 'exec') for (const word of query.getAll('command')) params.append('command', word);
  return params;
}

const FLAGS = ['follow', 'previous', 'timestamps'] as const;

/** PodLogOptions as the kubelet takes them. Throws 422 in upstream's words. */
export function logParams(query: URLSearchParams): URLSearchParams {
  const params = new URLSearchParams();
  const problems: FieldError[] = [];
  for (const flag of FLAGS) if (truthy(query.get(flag))) params.set(flag, 'true');
  const number = (key: string, least: number, detail: string): void => {
    const value = integerOf(query, key);
    if (value === undefined) return;
    if (value < least) problems.push(invalidValue(key, value, detail));
    else params.set(key, String(value));
  };
  number('tailLines', 0, 'must be greater than or equal to 0');
  number('limitBytes', 1, 'must be greater than 0');
  const sinceTime = query.get('sinceTime') ?? '';
  if (sinceTime !== '' && query.get('sinceSeconds')) {
    problems.push(forbiddenField('', 'at most one of `sinceTime` or `sinceSeconds` may be specified'));
  } else {
    number('sinceSeconds', 1, 'must be greater than 0');
    if (sinceTime !== '') {
      if (Number.isNaN(Date.parse(sinceTime)))
        throw badRequest(`parsing time ${JSON.stringify(sinceTime)} as "2006-01-02T15:04:05Z07:00": cannot parse`);
      params.set('sinceTime', sinceTime);
    }
  }
  const stream = query.get('stream');
  if (stream !== null && stream !== '') {
    if (!['All', 'Stdout', 'Stderr'].includes(stream)) problems.push(notSupported('stream', stream, ['All', 'Stderr', 'Stdout']));
    else if (stream !== 'All' && params.has('tailLines')) {
      problems.push(forbiddenField('', '`tailLines` and specific `stream` are mutually exclusive for now'));
    } else params.set('stream', stream);
  }
  if (problems.length > 0) throw invalid('', 'PodLogOptions', '', problems);
  return params;
}

async function textOf(answer: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of answer) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > MAX_REFUSAL_BYTES) break;
  }
  return Buffer.concat(chunks).subarray(0, MAX_REFUSAL_BYTES).toString('utf8').trim();
}

/** A kubelet's refusal as the client sees it (apiserver `registry/generic/rest/response_checker.go`). */
function refusalOf(code: number, text: string, pod: string): StatusError {
  if (code === 400) return badRequest(text);
  if (code === 404)
    return new StatusError('NotFound', `the server could not find the requested resource (get pods/log ${pod})`, {
      name: pod,
      kind: 'pods/log',
    });
  if (code === 403) return new StatusError('Forbidden', text, { name: pod, kind: 'pods/log' });
  if (code === 503)
    return new StatusError('ServiceUnavailable', 'the server is currently unable to handle the request', { name: pod, kind: 'pods/log' });
  return new StatusError('InternalError', `Internal error occurred: ${text}`, { causes: [{ reason: '', message: text }] });
}
