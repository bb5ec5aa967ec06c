import type { Api } from './api.js';
import { getObject } from './api.js';
import { Failure } from './failure.js';
import { until } from './polling.js';
import { framedTable } from './table.js';

interface ServiceObject {
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly spec: { readonly type?: string; readonly ports?: readonly ServicePort[] };
}

interface ServicePort {
  readonly name?: string;
  readonly port: number;
  readonly targetPort?: number | string;
  readonly nodePort?: number;
}

interface NodeList {
  readonly items: readonly {
    readonly metadata: { readonly name: string };
    readonly status?: {
      readonly addresses?: readonly { readonly type: string; readonly address: string }[];
      readonly conditions?: readonly { readonly type: string; readonly status: string }[];
    };
  }[];
}

interface SliceList {
  readonly items: readonly { readonly endpoints?: readonly { readonly conditions?: { readonly ready?: boolean } }[] | null }[];
}

/** Which service, and how to print where it is reached. */
export interface ServiceOptions {
  readonly name: string;
  readonly namespace: string;
  readonly url: boolean;
  readonly https: boolean;
  /** How long to wait for the service and for a ready endpoint. */
  readonly waitSeconds: number;
  readonly profile: string;
}

/** One way in: minikube's row. */
export interface ServiceRow {
  readonly targetPort: string;
  readonly url: string;
}

/** What `service` prints: URLs, one a line, or minikube's table. */
export async function serviceText(api: Api, options: ServiceOptions): Promise<string> {
  const service = await waitForService(api, options);
  const node = await firstAddress(api);
  const rows = serviceRows(service, node, options.https ? 'https' : 'http');
  if (rows.length === 0) throw new Failure(`service ${options.namespace}/${options.name} has no node port`, exposeAdvice(options));
  await waitForEndpoints(api, options);
  if (options.url) return rows.map(({ url }) => url).join('\n');
  const table = rows.map(({ targetPort, url }) => [options.namespace, options.name, targetPort, url]);
  return framedTable(['NAMESPACE', 'NAME', 'TARGET PORT', 'URL'], table);
}

/** A row for each port that has a node port. */
export function serviceRows(service: ServiceObject, node: string, scheme: 'http' | 'https'): readonly ServiceRow[] {
  return (service.spec.ports ?? []).flatMap(({ name, port, nodePort }) => {
    if (nodePort === undefined || nodePort === 0) return [];
    const targetPort = name === undefined || name === '' ? String(port) : `${name}/${port}`;
    return [{ targetPort, url: `${scheme}://${node}:${nodePort}` }];
  });
}

async function waitForService(api: Api, options: ServiceOptions): Promise<ServiceObject> {
  const path = `/api/v1/namespaces/${encodeURIComponent(options.namespace)}/services/${encodeURIComponent(options.name)}`;
  try {
    return await until(() => getObject<ServiceObject>(api, path), { forMs: options.waitSeconds * 1000, everyMs: 100, what: 'the service' });
  } catch (error) {
    if (!(error instanceof Failure) || !error.message.startsWith('waited')) throw error;
    const profile = options.profile === 'decklog' ? '' : ` -p ${options.profile}`;
    throw new Failure(
      `Service '${options.name}' was not found in '${options.namespace}' namespace.`,
      [
        `You may select another namespace by using './decklog service ${options.name} -n <namespace>${profile}'.`,
        `Or list out all the services using './decklog kubectl${profile} -- get services -A'.`,
      ],
      1,
      { cause: error },
    );
  }
}

function exposeAdvice(options: ServiceOptions): readonly string[] {
  return [`Expose it with a type that has one: \`kubectl -n ${options.namespace} expose ... --type=NodePort --port=PORT\`.`];
}

/** Address of the first node that is Ready, of the first at all where none is. */
async function firstAddress(api: Api): Promise<string> {
  const nodes = (await getObject<NodeList>(api, '/api/v1/nodes'))?.items ?? [];
  const ready = nodes.find((node) => node.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True'));
  const address = (ready ?? nodes[0])?.status?.addresses?.find(({ type }) => type === 'InternalIP')?.address;
  if (address === undefined) throw new Failure('the cluster has no node with an address', ['See `./decklog status`.']);
  return address;
}

async function waitForEndpoints(api: Api, options: ServiceOptions): Promise<void> {
  const selector = encodeURIComponent(`kubernetes.io/service-name=${options.name}`);
  const path = `/apis/discovery.k8s.io/v1/namespaces/${encodeURIComponent(options.namespace)}/endpointslices?labelSelector=${selector}`;
  const anyReady = async () => {
    const slices = (await getObject<SliceList>(api, path))?.items ?? [];
    return slices.some((slice) => (slice.endpoints ?? []).some(({ conditions }) => conditions?.ready !== false)) ? true : undefined;
  };
  await until(anyReady, { forMs: options.waitSeconds * 1000, everyMs: 100, what: 'an endpoint' }).catch((error: unknown) => {
    if (!(error instanceof Failure) || !error.message.startsWith('waited')) throw error;
    throw new Failure(`service not available: no running pod for service ${options.name} found`, [
      `See \`kubectl -n ${options.namespace} get pods\`; --wait SECONDS waits longer.`,
    ]);
  });
}
