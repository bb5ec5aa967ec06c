import type { EndpointSlice, Node, NodeCondition } from '#libs/api';
import { formatTime, type Instant, type KubeObject } from '#libs/apimachinery';
import { decodeObject, encodeObject, SCHEMA, subjectOf, type AppendWrite, type EventMeta, type Sequence } from '#libs/log';

/** An object as it stood at the moment a fork begins at: its event's metadata and its body, opened where it was sealed. */
export interface SeedRow {
  readonly group: string;
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
  readonly sequence: Sequence;
  readonly meta: EventMeta;
  readonly body: Uint8Array;
}

/** What a fork is made with. */
export interface SeedOptions {
  /** Id of the fork, and of the cluster it is a fork of. */
  readonly cluster: string;
  readonly of: string;
  /** The moment it begins at. */
  readonly now: Instant;
  /** Draws the events' ids. */
  readonly id: () => string;
}

/** Why an object of the past is not in the fork. */
export type LeftOut = 'remade' | 'webhook' | 'aggregated';

/** What of an object goes into the fork. */
export type Seed = { readonly write: AppendWrite } | { readonly leftOut: LeftOut };

type Place = Pick<SeedRow, 'group' | 'resource' | 'namespace' | 'name'>;

const WEBHOOKS = ['mutatingwebhookconfigurations', 'validatingwebhookconfigurations'];
const SERVICE_NAME = 'kubernetes.io/service-name';

/** Where the API server itself is reached: the fork's says its own. */
function isOwnEndpoints({ namespace, name, resource }: Place, body: Uint8Array): boolean {
  if (namespace !== 'default') return false;
  if (resource === 'endpoints') return name === 'kubernetes';
  if (resource !== 'endpointslices') return false;
  return decodeObject<EndpointSlice>(body, 0).metadata.labels?.[SERVICE_NAME] === 'kubernetes';
}

/** Why an object is left out: the fork makes it anew, or it leads to something that only runs in the cluster it is a fork of. */
function leftOut(row: SeedRow): LeftOut | undefined {
  const { group, resource, body } = row;
  if (group === 'admissionregistration.k8s.io' && WEBHOOKS.includes(resource)) return 'webhook';
  if (group === 'apiregistration.k8s.io' && resource === 'apiservices') {
    const { spec } = decodeObject<KubeObject & { readonly spec?: { readonly service?: unknown } }>(body, 0);
    return spec?.service === undefined ? undefined : 'aggregated';
  }
  return isOwnEndpoints(row, body) ? 'remade' : undefined;
}

/** Whether the agent of a node had been gone for long enough that the control plane had noticed. */
export const isSilent = ({ status }: Node): boolean =>
  status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'Unknown') === true;

/**
 * A node in a fork: what it has, is called and is tainted with stays; nothing of it says where the real one is reached. One that
 * was alive was heard of just now, since leases are not taken over.
 */
export function simulatedOf(node: Node, now: Instant): Node {
  const { addresses = [], daemonEndpoints: _, conditions, ...status } = node.status ?? {};
  const heard = (condition: NodeCondition): NodeCondition =>
    isSilent(node) ? condition : { ...condition, lastHeartbeatTime: formatTime(now) };
  const { metadata } = node;
  return {
    ...node,
    metadata: { ...metadata, labels: { ...metadata.labels, 'decklog.dev/runtime': 'simulated' } },
    status: {
      ...status,
      ...(conditions === undefined ? {} : { conditions: conditions.map(heard) }),
      addresses: addresses.filter(({ type }) => type === 'Hostname'),
    },
  };
}

/** Who did it, as the event said, and from where it was taken; nothing that points to an event of another log. */
function metaOf({ sequence, meta }: SeedRow, { of, id }: SeedOptions): EventMeta {
  const { verb, subresource, actor, agent, sourceAddress, fieldManager } = meta;
  return {
    type: 'Created',
    verb,
    ...(subresource === undefined ? {} : { subresource }),
    actor,
    ...(agent === undefined ? {} : { agent }),
    ...(sourceAddress === undefined ? {} : { sourceAddress }),
    ...(fieldManager === undefined ? {} : { fieldManager }),
    requestId: `fork:${of}:state:${sequence}`,
    id: id(),
    previous: 0,
    schema: SCHEMA,
    encoding: 'json',
  };
}

/** What of an object of the past goes into a fork's log: itself, as it stood, as its first event. */
export function seedOf(row: SeedRow, options: SeedOptions): Seed {
  const why = leftOut(row);
  if (why !== undefined) return { leftOut: why };
  const { group, resource, namespace, name } = row;
  const isNode = group === '' && resource === 'nodes';
  const body = isNode ? encodeObject(simulatedOf(decodeObject<Node>(row.body, row.sequence), options.now)) : row.body;
  return { write: { subject: subjectOf(options.cluster, 'state', row, namespace, name), expected: 0, meta: metaOf(row, options), body } };
}

const RANKS: Readonly<Record<string, number>> = { 'apiextensions.k8s.io/customresourcedefinitions': 0, '/namespaces': 1 };
const rankOf = ({ group, resource }: Place): number => RANKS[`${group}/${resource}`] ?? 2;

/** The order in which a fork is told of its objects: kinds before what is of them, namespaces before what is in them, then as they were written. */
export const bySeedOrder = (a: SeedRow, b: SeedRow): number => rankOf(a) - rankOf(b) || a.sequence - b.sequence;

/** Writes in batches that a log takes at once. */
export function batchesOf(
  writes: readonly AppendWrite[],
  most: { readonly writes: number; readonly bytes: number },
): readonly (readonly AppendWrite[])[] {
  const batches: AppendWrite[][] = [];
  let bytes = Infinity;
  for (const write of writes) {
    const last = batches.at(-1);
    if (last === undefined || last.length >= most.writes || bytes + write.body.length > most.bytes) {
      batches.push([write]);
      bytes = write.body.length;
    } else {
      last.push(write);
      bytes += write.body.length;
    }
  }
  return batches;
}
