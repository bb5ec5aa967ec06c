import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { apiVersionOf, type GroupVersionResource, type KubeObject, type Preconditions, type PropagationPolicy } from '#libs/apimachinery';
import { SERVICEACCOUNTS, type TokenRequest, type TokenRequestSpec, type TokenRequestStatus } from '#libs/api';
import { Transport, type ApiRequest, type ClientOptions } from './transport.js';

/** What a list answers: the objects, and the moment they stood at. */
export interface ObjectList<T extends KubeObject> {
  readonly items: readonly T[];
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
}

/** What to list or watch. An absent namespace means all. */
export interface Selection {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

/** How a write is to be carried out. */
export interface WriteOptions {
  readonly subresource?: string;
  readonly fieldManager?: string;
  readonly signal?: AbortSignal;
}

/** How an object is to be deleted: metav1.DeleteOptions. */
export interface DeleteOptions {
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: PropagationPolicy;
  readonly preconditions?: Preconditions;
  readonly signal?: AbortSignal;
}

const PATCH_TYPES = {
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  json: 'application/json-patch+json',
} as const;

/** The path of a collection or (with a name) of an object, as the API server routes it. */
export function pathOf(resource: GroupVersionResource, namespace?: string, name?: string, subresource?: string): string {
  const prefix = resource.group === '' ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`;
  const scope = namespace === undefined ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
  const object = name === undefined ? '' : `/${encodeURIComponent(name)}`;
  return `${prefix}${scope}/${resource.resource}${object}${subresource === undefined ? '' : `/${subresource}`}`;
}

/**
 * The API server as its clients see it. Refusals are StatusErrors with the server's reason and words; a server
 * that can't be reached is `Unreachable`. Cluster-scoped objects have an undefined namespace.
 */
export class ApiClient {
  readonly transport: Transport;

  constructor(options: ClientOptions) {
    this.transport = new Transport(options);
  }

  /** A client whose credentials are in files, as a node's process is given them. */
  static fromFiles(options: {
    url: string;
    caFile: string;
    certFile?: string;
    keyFile?: string;
    userAgent?: string;
    maxSockets?: number;
  }): ApiClient {
    return new ApiClient({
      url: options.url,
      ca: readFileSync(options.caFile),
      ...(options.certFile === undefined ? {} : { cert: readFileSync(options.certFile) }),
      ...(options.keyFile === undefined ? {} : { key: readFileSync(options.keyFile) }),
      ...(options.userAgent === undefined ? {} : { userAgent: options.userAgent }),
      ...(options.maxSockets === undefined ? {} : { maxSockets: options.maxSockets }),
    });
  }

  async get<T extends KubeObject>(
    resource: GroupVersionResource,
    namespace: string | undefined,
    name: string,
    signal?: AbortSignal,
  ): Promise<T> {
    return (await this.transport.json({ method: 'GET', path: pathOf(resource, namespace, name), signal })) as T;
  }

  /** One page, or everything when no `limit` is given. */
  async list<T extends KubeObject>(
    resource: GroupVersionResource,
    selection: Selection & { readonly limit?: number; readonly continue?: string; readonly resourceVersion?: string } = {},
    signal?: AbortSignal,
  ): Promise<ObjectList<T>> {
    const { namespace, ...query } = selection;
    const answer = (await this.transport.json({ method: 'GET', path: pathOf(resource, namespace), query, signal })) as ObjectList<T> & {
      kind: string;
    };
    const kind = answer.kind.replace(/List$/, '');
    // Items of a list carry no kind of their own; readers expect one on every object.
    return { ...answer, items: (answer.items ?? []).map((item) => ({ ...item, apiVersion: apiVersionOf(resource), kind })) };
  }

  create<T extends KubeObject>(resource: GroupVersionResource, object: T, options: WriteOptions = {}): Promise<T> {
    return this.write('POST', pathOf(resource, object.metadata.namespace), object, options);
  }

  /** Replaces the object; its resourceVersion, where it has one, is what it may replace. */
  update<T extends KubeObject>(resource: GroupVersionResource, object: T, options: WriteOptions = {}): Promise<T> {
    return this.write('PUT', pathOf(resource, object.metadata.namespace, object.metadata.name ?? '', options.subresource), object, options);
  }

  patch<T extends KubeObject>(
    resource: GroupVersionResource,
    namespace: string | undefined,
    name: string,
    patch: unknown,
    options: WriteOptions & { readonly type?: keyof typeof PATCH_TYPES } = {},
  ): Promise<T> {
    return this.write(
      'PATCH',
      pathOf(resource, namespace, name, options.subresource),
      patch,
      options,
      PATCH_TYPES[options.type ?? 'merge'],
    );
  }

  /** The answer is the object while it still exists, else a Status. */
  async delete(resource: GroupVersionResource, namespace: string | undefined, name: string, options: DeleteOptions = {}): Promise<unknown> {
    const { signal, ...fields } = options;
    const body = { apiVersion: 'v1', kind: 'DeleteOptions', ...fields };
    return this.transport.json({ method: 'DELETE', path: pathOf(resource, namespace, name), body, signal });
  }

  /** A token for a service account: the `serviceaccounts/token` subresource. */
  async requestToken(namespace: string, serviceAccount: string, spec: TokenRequestSpec): Promise<TokenRequestStatus> {
    const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', metadata: {}, spec };
    const path = pathOf(SERVICEACCOUNTS, namespace, serviceAccount, 'token');
    const answer = (await this.transport.json({ method: 'POST', path, body })) as TokenRequest;
    return answer.status ?? {};
  }

  /** The bytes of a watch from `resourceVersion` on, one JSON event per line. */
  openWatch(
    resource: GroupVersionResource,
    selection: Selection & { readonly resourceVersion?: string; readonly timeoutSeconds?: number },
    signal?: AbortSignal,
  ): Promise<IncomingMessage> {
    const { namespace, ...query } = selection;
    return this.transport.stream({
      method: 'GET',
      path: pathOf(resource, namespace),
      query: { ...query, watch: true, allowWatchBookmarks: true },
      signal,
    });
  }

  /** Any other request, for instance `/readyz`. */
  text(request: ApiRequest): Promise<string> {
    return this.transport.text(request);
  }

  close(): void {
    this.transport.close();
  }

  private async write<T>(
    method: ApiRequest['method'],
    path: string,
    body: unknown,
    options: WriteOptions,
    contentType?: string,
  ): Promise<T> {
    const query = { fieldManager: options.fieldManager };
    return (await this.transport.json({
      method,
      path,
      query,
      body,
      signal: options.signal,
      ...(contentType === undefined ? {} : { contentType }),
    })) as T;
  }
}
