import { isJsonObject, parseTime, humanDuration } from '#libs/apimachinery';

import { touchesField } from '../difference.js';
import type { Revision } from '../wire.js';
import { whoOf } from '../words/who.js';
import { causeOf, FEW_REVISIONS, lastChangeOf, objectAt, revisionsUpTo, subjectOf, type Looking, type Subject } from './look.js';
import { asksDeletion, didPhrase, objectPhrase } from './sentences.js';

/** One step of a chain: an event, what is to be said of it, and the event that explains it, as far as there is one. */
export interface Reason {
  readonly revision: Revision;
  /** What was done and why, as the end of a sentence that begins with who did it. */
  readonly did: string;
  readonly next?: Revision;
}

/** Longest chain that is told. */
const MOST_STEPS = 16;

type Rule = (revision: Revision, controller: string) => Looking<Reason | undefined>;

const keyOf = (key: string): { readonly namespace: string; readonly name: string } => {
  const [namespace = '', name = ''] = key.split('/');
  return { namespace, name };
};

const removes = (revision: Revision): boolean => revision.type === 'Deleted' || asksDeletion(revision);

/** What a controller works for: its own kind of object, whose key its decisions have, and the fields of it that say what is wanted. */
interface Owner {
  readonly group: string;
  readonly resource: string;
  readonly kind: string;
  readonly wants: readonly string[];
}

const OWNERS: Readonly<Record<string, Owner>> = {
  'replicaset-controller': { group: 'apps', resource: 'replicasets', kind: 'ReplicaSet', wants: ['spec.replicas'] },
  'replicationcontroller-controller': {
    group: '',
    resource: 'replicationcontrollers',
    kind: 'ReplicationController',
    wants: ['spec.replicas'],
  },
  'deployment-controller': {
    group: 'apps',
    resource: 'deployments',
    kind: 'Deployment',
    wants: ['spec.replicas', 'spec.template', 'spec.paused'],
  },
  'statefulset-controller': { group: 'apps', resource: 'statefulsets', kind: 'StatefulSet', wants: ['spec.replicas', 'spec.template'] },
  'daemonset-controller': { group: 'apps', resource: 'daemonsets', kind: 'DaemonSet', wants: ['spec.template'] },
  'job-controller': {
    group: 'batch',
    resource: 'jobs',
    kind: 'Job',
    wants: ['spec.suspend', 'spec.parallelism', 'spec.completions', 'status.conditions'],
  },
};

const asks = (revision: Revision, fields: readonly string[]): boolean =>
  revision.type === 'Created' ||
  asksDeletion(revision) ||
  (revision.changes ?? []).some((one) => fields.some((field) => touchesField(one, field)));

/** A pod whose end made its owner act: the event that asked for the end, where it was asked for. */
function* endOfPod(of: Revision): Looking<Revision | undefined> {
  if (of.object.resource !== 'pods' || of.object.group !== '') return undefined;
  if (asksDeletion(of) && of.type !== 'Deleted') return of;
  const failed = (of.changes ?? []).some(({ field, value }) => field === 'status.phase' && (value === 'Failed' || value === 'Succeeded'));
  if (of.type !== 'Deleted') return failed ? of : undefined;
  const life = yield* revisionsUpTo(subjectOf(of), of);
  return life.find((one) => one.type !== 'Deleted' && asksDeletion(one) && one.object.uid === of.object.uid) ?? of;
}

/** What somebody's template is back to, where a change undoes one before. */
function undone(revision: Revision, earlier: readonly Revision[]): Revision | undefined {
  const changed = (revision.changes ?? []).filter(({ field = '' }) => field.startsWith('spec.template'));
  if (changed.length === 0) return undefined;
  return earlier.find(({ changes = [] }) =>
    changed.every(({ field, value }) => changes.some((one) => one.field === field && JSON.stringify(one.old) === JSON.stringify(value))),
  );
}

/** A workload's controller: what its object was to be decides. */
const byOwner: Rule = function* (revision, controller) {
  const owner = Object.hasOwn(OWNERS, controller) ? OWNERS[controller] : undefined;
  const key = revision.decision?.key;
  if (owner === undefined || key === undefined || revision.subresource === 'status') return undefined;
  const { namespace, name } = keyOf(key);
  const it = `${owner.kind} ${name}`;
  if (revision.type === 'Created') {
    const because = yield* causeOf(revision);
    const lost = because && (yield* endOfPod(because));
    if (lost) return { revision, did: `${didPhrase(revision)} in place of ${objectPhrase(lost.object)}`, next: lost };
  }
  const own: Subject = { group: owner.group, resource: owner.resource, namespace, name };
  const newest = yield* revisionsUpTo(own, revision);
  const more = newest.length < FEW_REVISIONS ? undefined : yield* lastChangeOf(own, revision, owner.wants);
  const next = newest.find((one) => asks(one, owner.wants)) ?? more;
  const did = didPhrase(revision);
  if (next === undefined) return { revision, did: `${did}, for ${it}` };
  return { revision, did: `${did}${purpose(revision, next, it)}`, next };
};

function purpose(revision: Revision, wish: Revision, it: string): string {
  const template = (wish.changes ?? []).some(({ field = '' }) => field.startsWith('spec.template'));
  if (asksDeletion(wish)) return `, as ${it} was deleted`;
  if (template) return `, to roll out the new template of ${it}`;
  const replicas = (wish.changes ?? []).find(({ field }) => field === 'spec.replicas');
  if (replicas === undefined) return `, for ${it}`;
  return Number(replicas.value ?? 0) < Number(replicas.old ?? 1) ? `: ${it} is to have fewer pods` : `: ${it} is to have more pods`;
}

/** The node a pod was on, by the event that put it there. */
function* nodeOf(revision: Revision): Looking<string | undefined> {
  const life = yield* revisionsUpTo(subjectOf(revision), revision);
  for (const { changes = [] } of life) {
    const node = changes.find(({ field }) => field === 'spec.nodeName')?.value;
    if (typeof node === 'string') return node;
  }
  return undefined;
}

interface Taint {
  readonly key?: string;
  readonly effect?: string;
}

/** The taint that drives pods away which an event brought. */
function evictingTaint({ changes = [] }: Revision): Taint | undefined {
  const added = changes.flatMap(({ field = '', op, value }) => (field.startsWith('spec.taints') && op !== 'remove' ? [value].flat() : []));
  return added.filter(isJsonObject).find(({ effect }) => effect === 'NoExecute') as Taint | undefined;
}

const byTaint: Rule = function* (revision, controller) {
  if (controller !== 'taint-eviction-controller' || !removes(revision)) return undefined;
  const name = yield* nodeOf(revision);
  if (name === undefined) return undefined;
  const tainted = yield* revisionsUpTo({ group: '', resource: 'nodes', name }, revision, 'spec.taints');
  const next = tainted.find((one) => evictingTaint(one) !== undefined);
  if (next === undefined) return undefined;
  // Taints are dated in whole seconds: what was 300 s looks like a little less.
  const waited = Math.round(((parseTime(revision.time) ?? 0) - (parseTime(next.time) ?? 0)) / 5_000) * 5_000;
  const patience = waited > 0 ? `, which it tolerated for ${humanDuration(waited)}` : '';
  return { revision, did: `${didPhrase(revision)}: ${name} has the taint ${evictingTaint(next)?.key ?? ''}:NoExecute${patience}`, next };
};

const byNodeController: Rule = function* (revision, controller) {
  if (controller !== 'node-lifecycle-controller') return undefined;
  const { object } = revision;
  if (object.resource !== 'nodes') return undefined;
  yield* [];
  const taint = evictingTaint(revision)?.key;
  const ready = (revision.changes ?? []).find(({ field }) => field === 'status.conditions[Ready].status')?.value;
  if (taint === 'node.kubernetes.io/unreachable')
    return {
      revision,
      did: `tainted ${object.name} as unreachable: its kubelet had stopped reporting (the machine is down, cut off, or the kubelet ended)`,
    };
  if (taint !== undefined) return { revision, did: `tainted ${object.name} (${taint}): its kubelet says that it is not ready` };
  return ready === 'Unknown' ? { revision, did: `found that the kubelet of ${object.name} no longer reports` } : undefined;
};

const byNamespace: Rule = function* (revision, controller) {
  if (controller !== 'namespace-controller') return undefined;
  const name = revision.object.namespace ?? revision.object.name;
  const space = yield* revisionsUpTo({ group: '', resource: 'namespaces', name }, revision);
  const next = space.find((one) => one !== revision && one.sequence < revision.sequence && asksDeletion(one) && one.type !== 'Deleted');
  const whole =
    revision.object.resource === 'namespaces' ? didPhrase(revision) : `${didPhrase(revision)}, as everything in namespace ${name}`;
  return { revision, did: whole, ...(next === undefined ? {} : { next }) };
};

interface OwnerReference {
  readonly kind?: string;
  readonly name?: string;
  readonly uid?: string;
}

const byGarbageCollector: Rule = function* (revision, controller) {
  if (controller !== 'garbage-collector-controller' || !removes(revision)) return undefined;
  const before = yield* objectAt(revision, 'before');
  const owners = (before?.metadata as { readonly ownerReferences?: readonly OwnerReference[] } | undefined)?.ownerReferences ?? [];
  for (const { kind = 'owner', name = '', uid } of owners) {
    if (uid === undefined) continue;
    const life = yield* revisionsUpTo({ uid }, revision);
    const next = life.find((one) => one.type !== 'Deleted' && asksDeletion(one)) ?? life.find(asksDeletion);
    if (next !== undefined) return { revision, did: `${didPhrase(revision)}, as its owner ${kind} ${name} was deleted`, next };
  }
  return { revision, did: `${didPhrase(revision)}, as its owner is gone` };
};

const byPodCollector: Rule = function* (revision, controller) {
  if (controller !== 'pod-garbage-collector-controller' || !removes(revision)) return undefined;
  const node = yield* nodeOf(revision);
  if (node === undefined) return { revision, did: `${didPhrase(revision)}: it was never put on a node, or had finished` };
  const life = yield* revisionsUpTo({ group: '', resource: 'nodes', name: node }, revision);
  const gone = life[0]?.type === 'Deleted' ? life.find(asksDeletion) : undefined;
  if (gone === undefined) return { revision, did: `${didPhrase(revision)}: it had finished, and too many finished pods were kept` };
  return { revision, did: `${didPhrase(revision)}: its node ${node} is gone`, next: gone };
};

/** Controllers that act by the clock or by what they measure: nothing before them explains more. */
const BY_THEMSELVES: Readonly<Record<string, (revision: Revision) => string>> = {
  'horizontal-pod-autoscaler': (one) =>
    `${didPhrase(one)}, by what it measured (HorizontalPodAutoscaler ${keyOf(one.decision?.key ?? '').name})`,
  'ttl-after-finished-controller': (one) => `${didPhrase(one)}: it had been finished for its ttlSecondsAfterFinished`,
  'event-sweeper': (one) => `${didPhrase(one)}: it had reached the age limit of Events`,
  'cronjob-controller': (one) =>
    one.type === 'Created'
      ? `${didPhrase(one)}: CronJob ${keyOf(one.decision?.key ?? '').name} was due`
      : `${didPhrase(one)}: CronJob ${keyOf(one.decision?.key ?? '').name} keeps so many finished Jobs and no more`,
};

const byItself: Rule = function* (revision, controller) {
  const says = Object.hasOwn(BY_THEMSELVES, controller) ? BY_THEMSELVES[controller] : undefined;
  if (says === undefined || revision.subresource === 'status') return undefined;
  yield* [];
  return { revision, did: says(revision) };
};

/** One row a way in which things come about; the first that knows wins. */
const RULES: readonly Rule[] = [byOwner, byTaint, byNodeController, byNamespace, byGarbageCollector, byPodCollector, byItself];

function* reasonOf(revision: Revision): Looking<Reason> {
  const controller = revision.decision?.controller;
  for (const rule of controller === undefined ? [] : RULES) {
    const found = yield* rule(revision, controller ?? '');
    if (found !== undefined) return found;
  }
  if (whoOf(revision).kind === 'user') return { revision, did: `${didPhrase(revision)}${yield* takenBack(revision)}` };
  const next = yield* causeOf(revision);
  return { revision, did: didPhrase(revision), ...(next === undefined ? {} : { next }) };
}

/** That a change of a template brings back what was there before, as `kubectl rollout undo` does. */
function* takenBack(revision: Revision): Looking<string> {
  if (!(revision.changes ?? []).some(({ field = '' }) => field.startsWith('spec.template'))) return '';
  const life = yield* revisionsUpTo(subjectOf(revision), revision, 'spec.template');
  const before = undone(
    revision,
    life.filter(({ sequence }) => sequence < revision.sequence),
  );
  return before === undefined ? '' : ` (back to what it was before ${before.stream}:${before.sequence})`;
}

/** The chain that explains an event, from what began it to the event itself. */
export function* reasonsFor(revision: Revision): Looking<readonly Reason[]> {
  const chain: Reason[] = [];
  const told = new Set<string>();
  let at: Revision | undefined = revision;
  while (at !== undefined && chain.length < MOST_STEPS && !told.has(`${at.stream}:${at.sequence}`)) {
    told.add(`${at.stream}:${at.sequence}`);
    const reason: Reason = yield* reasonOf(at);
    chain.unshift(reason);
    at = reason.next;
  }
  return chain;
}
