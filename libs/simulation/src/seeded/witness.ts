import {
  isPodActive,
  isPodTerminal,
  NODES,
  podRequests,
  PODS,
  REPLICASETS,
  SERVICES,
  SHARDS_OF_WORK,
  type Node,
  type Pod,
  type ReplicaSet,
  type Service,
} from '#libs/api';
import { controllerOf, milliValue, quantityValue, type KubeObject } from '#libs/apimachinery';
import { parseSubject, type Recorded, type Sequence, type StreamName } from '#libs/log';
import { shardOfKey } from '#libs/runtime';

/** What must never be, and was. */
export interface Violation {
  /** The invariant, as docs/simulation.md has it. */
  readonly invariant: string;
  readonly says: string;
}

/** What a witness is told. */
export interface WitnessOptions {
  readonly shards: number;
  /** The service whose fences a process guards for a controller; undefined: none. */
  readonly serviceOf: (process: string, controller: string) => string | undefined;
  readonly report: (violation: Violation) => void;
  readonly decode: (body: Uint8Array, sequence: Sequence) => KubeObject;
}

interface Known {
  readonly sequence: Sequence;
  readonly object: KubeObject | undefined;
}

type Held = KubeObject & { readonly spec: { readonly holder: string } };

/** Sums of what the pods on a node ask for. */
function fullness(pods: Iterable<Pod>): Readonly<Record<'cpu' | 'memory' | 'pods', number>> {
  const sum = { cpu: 0, memory: 0, pods: 0 };
  for (const pod of pods) {
    const { cpu = '0', memory = '0' } = podRequests(pod);
    sum.cpu += milliValue(cpu);
    sum.memory += quantityValue(memory);
    sum.pods += 1;
  }
  return sum;
}

function overfilled(node: Node, pods: Iterable<Pod>): string | undefined {
  const { cpu = '0', memory = '0', pods: most = '0' } = node.status?.allocatable ?? {};
  const used = fullness(pods);
  if (used.cpu > milliValue(cpu)) return `${used.cpu}m of ${cpu} cpu`;
  if (used.memory > quantityValue(memory)) return `${used.memory} of ${memory} memory`;
  return used.pods > quantityValue(most) ? `${used.pods} of ${most} pods` : undefined;
}

/** Folds the log event by event as it is stored, and says what breaks an invariant that must hold at every step. */
export class LogWitness {
  /** By subject: what the log says of every object there was. */
  readonly objects = new Map<string, Known>();
  readonly #nodes = new Map<string, Node>();
  readonly #podsOn = new Map<string, Map<string, Pod>>();
  readonly #podsOf = new Map<string, Map<string, Pod>>();
  readonly #wanted = new Map<string, number>();
  readonly #addresses = new Map<string, string>();
  readonly #holders = new Map<string, string>();
  #author = '';

  constructor(private readonly options: WitnessOptions) {}

  /** Who stores what comes next. */
  set author(name: string) {
    this.#author = name;
  }

  /** All objects of a resource that there are. */
  all(resource: string, namespace?: string): readonly KubeObject[] {
    return [...this.objects].flatMap(([subject, { object }]) => {
      const parts = parseSubject(subject);
      return object && parts?.resource === resource && (namespace === undefined || parts.namespace === namespace) ? [object] : [];
    });
  }

  stored(events: readonly Recorded[]): void {
    for (const event of events) this.#step(event);
  }

  #step(event: Recorded): void {
    const { stream, sequence, subject, meta, body } = event;
    const before = this.objects.get(subject);
    const parts = parseSubject(subject);
    if (!parts) return this.#say('the log holds objects', `${subject} is no object's`);
    this.#order(stream, event, before);
    const next = meta.type === 'Deleted' ? undefined : this.options.decode(body, sequence);
    this.objects.set(subject, { sequence, object: next });
    if (stream !== 'state') return;
    this.#rights(event);
    this.#owners(next);
    if (parts.resource === PODS.resource && parts.group === '') this.#pod(before?.object as Pod | undefined, next as Pod | undefined);
    else if (parts.resource === REPLICASETS.resource) this.#replicaSet(next as ReplicaSet | undefined);
    else if (parts.resource === SERVICES.resource) this.#service(before?.object as Service | undefined, next as Service | undefined);
    else if (parts.resource === NODES.resource) this.#node(next as Node | undefined, parts.name);
    else if (parts.resource === SHARDS_OF_WORK.resource) this.#holders.set(parts.name, (next as Held | undefined)?.spec.holder ?? '');
  }

  /** Each event follows from what its subject was before. */
  #order(stream: StreamName, { sequence, subject, meta }: Recorded, before: Known | undefined): void {
    const isThere = before?.object !== undefined;
    if (before && before.sequence >= sequence) this.#say('resourceVersions rise', `${subject} went from ${before.sequence} to ${sequence}`);
    if ((meta.type === 'Created') === isThere)
      this.#say('events follow from one another', `${subject} ${meta.type} at ${stream} ${sequence}`);
    if (meta.type !== 'Created' && meta.previous !== before?.sequence) {
      this.#say('no write is lost', `${subject} at ${sequence} was decided on ${meta.previous}, not on ${before?.sequence ?? 0}`);
    }
  }

  /** What a controller decided is stored only while its process holds the key's shard. */
  #rights({ meta: { decision }, sequence, subject }: Recorded): void {
    const service = decision && this.options.serviceOf(this.#author, decision.controller);
    if (decision === undefined || service === undefined) return;
    const shard = shardOfKey(decision.controller, decision.key, this.options.shards);
    const holder = this.#holders.get(`${service}-${shard}`);
    if (holder === this.#author) return;
    const whose = holder === undefined || holder === '' ? "nobody's" : `${holder}'s`;
    this.#say(
      'no two controllers for one object',
      `${this.#author} wrote ${subject} at ${sequence} for ${decision.key}, which is ${whose}`,
    );
  }

  #owners(next: KubeObject | undefined): void {
    const controllers = next?.metadata.ownerReferences?.filter(({ controller }) => controller === true) ?? [];
    if (controllers.length > 1)
      this.#say('no two controllers for one object', `${next?.metadata.name ?? ''} has ${controllers.length} owners that control it`);
  }

  #pod(old: Pod | undefined, next: Pod | undefined): void {
    const { uid = '', name = '' } = (next ?? old)?.metadata ?? {};
    const [from, to] = [old?.spec?.nodeName, next?.spec?.nodeName];
    if (from !== undefined && next && from !== to && old?.metadata.uid === uid)
      this.#say('pods stay where they are', `${name} went from ${from} to ${to ?? 'nowhere'}`);
    if (from !== undefined) this.#podsOn.get(from)?.delete(uid);
    if (to !== undefined && next && !isPodTerminal(next)) {
      this.#among(this.#podsOn, to).set(uid, next);
      if (from === undefined) this.#fill(to);
    }
    const owner = controllerOf(next ?? old ?? { apiVersion: '', kind: '', metadata: {} })?.uid;
    if (owner === undefined) return;
    const among = this.#among(this.#podsOf, owner);
    if (next && isPodActive(next)) among.set(uid, next);
    else among.delete(uid);
    const wanted = this.#wanted.get(owner);
    if (wanted !== undefined && among.size > wanted)
      this.#say('no pod too many', `${name} is one of ${among.size} where no more than ${wanted} were ever wanted`);
  }

  #replicaSet(next: ReplicaSet | undefined): void {
    const { uid = '' } = next?.metadata ?? {};
    if (next) this.#wanted.set(uid, Math.max(next.spec?.replicas ?? 1, this.#wanted.get(uid) ?? 0));
  }

  #service(old: Service | undefined, next: Service | undefined): void {
    const [before, after] = [old?.spec?.clusterIP, next?.spec?.clusterIP];
    const name = (next ?? old)?.metadata.name ?? '';
    if (before !== undefined && before !== after) this.#addresses.delete(before);
    if (after === undefined || after === '' || after === 'None') return;
    const owner = this.#addresses.get(after);
    if (owner !== undefined && owner !== name) this.#say('addresses are given once', `${after} is ${owner}'s and ${name}'s`);
    this.#addresses.set(after, name);
  }

  #node(next: Node | undefined, name: string): void {
    if (next) this.#nodes.set(name, next);
    else this.#nodes.delete(name);
  }

  /** When it is given a pod: one that is smaller than it was may hold more than it would be given. */
  #fill(name: string): void {
    const node = this.#nodes.get(name);
    const over = node && overfilled(node, this.#podsOn.get(name)?.values() ?? []);
    if (over !== undefined) this.#say('no overfilled node', `${name} has given ${over}`);
  }

  #among(maps: Map<string, Map<string, Pod>>, key: string): Map<string, Pod> {
    const map = maps.get(key) ?? new Map<string, Pod>();
    maps.set(key, map);
    return map;
  }

  #say(invariant: string, says: string): void {
    this.options.report({ invariant, says });
  }
}
