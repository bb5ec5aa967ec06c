import { NODES, PODS, type ResourceDefinition } from '#libs/api';
import type { KubeObject } from '#libs/apimachinery';
import type { WritePath } from '#libs/runtime';
import { annotate, type Call } from '../call.js';
import { truthy } from '../request-info.js';
import { requesterOf } from '../requester.js';

type Options = Readonly<Record<string, unknown>>;

const streamOptions = (query: URLSearchParams): Options => ({
  ...Object.fromEntries(['stdin', 'stdout', 'stderr', 'tty'].filter((name) => truthy(query.get(name))).map((name) => [name, true])),
  ...(query.get('container') ? { container: query.get('container') } : {}),
});

/** The options of a connection, as upstream's admission is shown them: the request's query as an object. */
const OPTIONS: Readonly<Record<string, (call: Call) => readonly [kind: string, members: Options]>> = {
  exec: ({ query }) => ['PodExecOptions', { ...streamOptions(query), command: query.getAll('command') }],
  attach: ({ query }) => ['PodAttachOptions', streamOptions(query)],
  portforward: ({ query }) => [
    'PodPortForwardOptions',
    {
      ports: query
        .getAll('ports')
        .flatMap((each) => each.split(','))
        .map(Number),
    },
  ],
};

const PROXY_KINDS: Readonly<Record<string, string>> = { [PODS.resource]: 'PodProxyOptions', [NODES.resource]: 'NodeProxyOptions' };

function optionsOf(call: Call): KubeObject {
  const { resource, subresource, rest } = call.info;
  const [kind, members] = OPTIONS[subresource]?.(call) ?? [PROXY_KINDS[resource] ?? 'ServiceProxyOptions', { path: rest.join('/') }];
  return { apiVersion: 'v1', kind, metadata: {}, ...members } as KubeObject;
}

/** Asks admission before a connection to a pod, a node or a Service is opened (CONNECT). Throws the StatusError that refuses it. */
export async function admitConnection(writePath: WritePath, call: Call, definition: ResourceDefinition): Promise<void> {
  const { namespace, name, subresource } = call.info;
  const result = await writePath.execute({
    verb: 'connect',
    definition,
    subresource,
    ...(definition.scope === 'Namespaced' ? { namespace } : {}),
    name,
    object: optionsOf(call),
    options: {},
    requester: requesterOf(call),
  });
  annotate(call, definition, result);
}
