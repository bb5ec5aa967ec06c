import { humanDuration, isJsonObject, parseTime, type Instant, type KubeObject } from '#libs/apimachinery';

import { formatPlace } from '#libs/log';
import { withinField } from '../difference.js';
import type { PatchOperation, Revision } from '../wire.js';
import { whoOf } from '../words/who.js';
import { FEW_REVISIONS, lastChangeOf, objectAt, podsAt, subjectOf, type Looking, type Subject } from './look.js';
import { podTroubles, type Trouble } from './pod-state.js';
import { reasonsFor, type Reason } from './reasons.js';
import { asksDeletion, fromPhrase, objectPhrase } from './sentences.js';

/** One step of what happened: an event, who made it with what, and what was done. */
export interface ExplainedStep {
  /** `stream:sequence`. */
  readonly place: string;
  /** RFC 3339. */
  readonly time: string;
  readonly who: string;
  /** `with kubectl set from 10.0.0.5`; absent of controllers. */
  readonly from?: string;
  readonly did: string;
}

/** What is so now, and what would change it. */
export interface ExplainedState {
  readonly says: string;
  readonly advice?: string;
}

/** Why an object is as it is, or is no more. */
export interface Explanation {
  readonly kind: 'Explanation';
  readonly object: {
    readonly group: string;
    readonly resource: string;
    readonly kind?: string;
    readonly namespace?: string;
    readonly name: string;
  };
  readonly fate: 'exists' | 'being deleted' | 'deleted';
  /** One sentence: what became of it, and what began that. */
  readonly headline: string;
  /** Why it was deleted, or why it is there; from what began it to the last. */
  readonly steps: readonly ExplainedStep[];
  /** Of an object that exists: what was last asked of it, where that was after it came. */
  readonly lastChange?: readonly ExplainedStep[];
  /** What keeps it from what it is to be. */
  readonly state: readonly ExplainedState[];
}

/** What is asked: an object, as of a moment (an instant or a sequence of `state`), and the present. */
export interface Question {
  readonly of: Subject & { readonly group: string; readonly resource: string; readonly name: string };
  readonly until?: { readonly time?: Instant; readonly sequence?: number };
  readonly now: Instant;
}

function* lifeUpTo({ of, until = {} }: Question): Looking<readonly Revision[]> {
  const { time, sequence } = until;
  const found = (yield {
    kind: 'revisions',
    of,
    limit: FEW_REVISIONS,
    ...(time === undefined ? {} : { until: new Date(time).toISOString() }),
  }) as readonly Revision[];
  return sequence === undefined ? found : found.filter((one) => one.sequence <= sequence);
}

const stepOf = ({ revision, did }: Reason): ExplainedStep => {
  const from = fromPhrase(revision);
  return {
    place: formatPlace(revision.stream, revision.sequence),
    time: revision.time,
    who: whoOf(revision).phrase,
    ...(from === '' ? {} : { from }),
    did,
  };
};

const ago = (time: string, now: Instant): string => `${humanDuration(Math.max(0, now - (parseTime(time) ?? now)))} ago`;

/** What began a chain, as the end of a sentence; of a chain that is one event: who did it. */
function began(reasons: readonly Reason[], alone: string): string {
  const [first] = reasons;
  if (first === undefined) return '';
  const who = whoOf(first.revision).phrase;
  return reasons.length > 1 ? `, because ${who} ${first.did}` : `${alone} ${who}`;
}

/** Why an object is as it is at a moment, or why it is no more; undefined where it has no history until then. */
export function* explain(question: Question): Looking<Explanation | undefined> {
  const revisions = yield* lifeUpTo(question);
  const [last] = revisions;
  if (last === undefined) return undefined;
  const since = revisions.findIndex(({ type }) => type === 'Created');
  const life = since < 0 ? revisions : revisions.slice(0, since + 1);
  const { object } = last;
  const asked = [...life].reverse().find((one) => one.type !== 'Deleted' && asksDeletion(one));
  const base = { kind: 'Explanation', object: { ...question.of, ...(object.kind === undefined ? {} : { kind: object.kind }) } } as const;
  const it = objectPhrase(object);
  if (last.type === 'Deleted') return { ...base, ...(yield* deleted(it, asked ?? last, last, question.now)) };
  if (asked !== undefined) return { ...base, ...(yield* beingDeleted(it, asked, last, question.now)) };
  return { ...base, ...(yield* existing(it, life, last, question.now)) };
}

type Told = Omit<Explanation, 'kind' | 'object'>;

function* deleted(it: string, asked: Revision, last: Revision, now: Instant): Looking<Told> {
  const reasons = yield* reasonsFor(asked);
  const removal =
    asked === last
      ? []
      : [stepOf({ revision: last, did: `removed ${it}${last.object.resource === 'pods' ? ': its containers had ended' : ''}` })];
  return {
    fate: 'deleted',
    headline: `${it} was deleted ${ago(asked.time, now)}${began(reasons, ' by')}.`,
    steps: [...reasons.map(stepOf), ...removal],
    state: [],
  };
}

function* beingDeleted(it: string, asked: Revision, last: Revision, now: Instant): Looking<Told> {
  const reasons = yield* reasonsFor(asked);
  const object = yield* objectAt(last, 'with');
  return {
    fate: 'being deleted',
    headline: `${it} has been on its way out for ${humanDuration(Math.max(0, now - (parseTime(asked.time) ?? now)))}${began(reasons, ', sent by')}.`,
    steps: reasons.map(stepOf),
    state: object === undefined ? [] : leaving(object),
  };
}

/** What the end of an object waits for. */
function leaving(object: KubeObject): readonly Trouble[] {
  const { finalizers = [] } = object.metadata as { readonly finalizers?: readonly string[] };
  const node = (object as { readonly spec?: { readonly nodeName?: string } }).spec?.nodeName;
  const held = finalizers.map((one) => ({
    says: `It is held by the finalizer ${one}`,
    advice: 'Whatever set the finalizer takes it away when it has cleaned up. Is it running?',
  }));
  if (object.kind !== 'Pod' || node === undefined) return held;
  return [
    ...held,
    {
      says: `It waits for the kubelet of ${node} to say that its containers have ended`,
      advice: `If the node is gone for good: \`kubectl delete node ${node}\`, and the pod goes too.`,
    },
  ];
}

/** Kinds that run pods, and what they select them by. */
const WORKLOADS = new Set(['Deployment', 'ReplicaSet', 'StatefulSet', 'DaemonSet', 'Job', 'ReplicationController']);

const MANY_REVISIONS = 500;

/** The event an object began with, where it lies further back than the revisions at hand: around the time that the object says. */
function* creationOf({ metadata }: KubeObject, last: Revision): Looking<Revision | undefined> {
  const since = parseTime(metadata.creationTimestamp);
  if (since === undefined) return undefined;
  // Objects are dated in whole seconds, and events when they are stored.
  const until = new Date(since + 1_500).toISOString();
  const found = (yield { kind: 'revisions', of: subjectOf(last), until, limit: MANY_REVISIONS }) as readonly Revision[];
  return found.find(({ type, object }) => type === 'Created' && object.uid === last.object.uid);
}

/** Whether a change is of what somebody wanted, not of what was found out or is said about the object. */
const isWish = ({ field = '' }: PatchOperation): boolean => !withinField(field, 'status') && !withinField(field, 'metadata');

function* existing(it: string, life: readonly Revision[], last: Revision, now: Instant): Looking<Told> {
  const object = yield* objectAt(last, 'with');
  const oldest = life.at(-1) ?? last;
  const created = oldest.type === 'Created' || object === undefined ? oldest : ((yield* creationOf(object, last)) ?? oldest);
  const reasons = yield* reasonsFor(created);
  const asked = life.find((one) => one !== created && one.subresource !== 'binding' && (one.changes ?? []).some(isWish));
  const wish = asked ?? (life.length < FEW_REVISIONS ? undefined : yield* lastChangeOf(subjectOf(last), last, ['spec']));
  const wished = wish === undefined || last.object.kind === 'Pod' ? [] : yield* reasonsFor(wish);
  const state = object === undefined ? [] : yield* stateOf(object, last);
  const here =
    created.type === 'Created' ? `has been there for ${humanDuration(Math.max(0, now - (parseTime(created.time) ?? now)))}` : 'is there';
  return {
    fate: 'exists',
    headline: `${it} ${here}${created.type === 'Created' ? began(reasons, ', made by') : ''}.`,
    steps: created.type === 'Created' ? reasons.map(stepOf) : [],
    ...(wished.length === 0 ? {} : { lastChange: wished.map(stepOf) }),
    state,
  };
}

function* stateOf(object: KubeObject, last: Revision): Looking<readonly Trouble[]> {
  if (object.kind === 'Pod') return podTroubles(object);
  if (!WORKLOADS.has(object.kind)) return conditionTroubles(object);
  const { spec, status } = object as { readonly spec?: Shape; readonly status?: Shape };
  const pods = yield* podsOf(object, spec, last.sequence);
  const bad = pods
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .map((pod) => ({ pod, troubles: podTroubles(pod) }))
    .filter(({ troubles }) => troubles.length > 0);
  const wanted = numberIn(status, 'desiredNumberScheduled') ?? numberIn(spec, 'replicas');
  const ready = numberIn(status, 'readyReplicas') ?? numberIn(status, 'numberReady') ?? 0;
  const counts = wanted === undefined || ready >= wanted || object.kind === 'Job' ? [] : [{ says: `${ready} of ${wanted} pods are ready` }];
  return [
    ...counts,
    ...conditionTroubles(object),
    ...bad.slice(0, MOST_PODS).flatMap(({ pod, troubles }) => troubles.slice(0, 1).map((one) => ofPod(pod, one))),
    ...more(bad.length),
  ];
}

const MOST_PODS = 3;

const more = (count: number): readonly Trouble[] => (count > MOST_PODS ? [{ says: `${count - MOST_PODS} more pods have trouble` }] : []);

const ofPod = ({ metadata }: KubeObject, { says, advice }: Trouble): Trouble => ({
  says: `Pod ${metadata.name ?? ''}: ${says.charAt(0).toLowerCase()}${says.slice(1)}`,
  ...(advice === undefined ? {} : { advice }),
});

type Shape = Readonly<Record<string, unknown>>;

const numberIn = (shape: Shape | undefined, key: string): number | undefined => {
  const value = shape?.[key];
  return typeof value === 'number' ? value : undefined;
};

function* podsOf({ metadata }: KubeObject, spec: Shape | undefined, at: number): Looking<readonly KubeObject[]> {
  const selector = spec?.['selector'];
  const labels = isJsonObject(selector) && isJsonObject(selector['matchLabels']) ? selector['matchLabels'] : selector;
  if (!isJsonObject(labels) || Object.values(labels).some((value) => typeof value !== 'string')) return [];
  return yield* podsAt(metadata.namespace ?? '', labels as Readonly<Record<string, string>>, at);
}

/** Conditions that are as nobody wants them, by their type. */
const WORRYING: Readonly<Record<string, string>> = {
  Progressing: 'False',
  ReplicaFailure: 'True',
  Failed: 'True',
  Ready: 'False',
  FailureTarget: 'True',
};

/** What an object's own conditions complain of. */
function conditionTroubles(object: KubeObject): readonly Trouble[] {
  const status = (object as { readonly status?: Shape }).status;
  const conditions = Array.isArray(status?.['conditions']) ? (status['conditions'] as readonly unknown[]).filter(isJsonObject) : [];
  return conditions.flatMap(({ type, status: is, reason, message }): readonly Trouble[] => {
    const name = typeof type === 'string' ? type : '';
    const worrying = Object.hasOwn(WORRYING, name) && (WORRYING[name] === is || (name === 'Ready' && is === 'Unknown'));
    if (!worrying) return [];
    const why = [
      typeof reason === 'string' ? ` (${reason})` : '',
      typeof message === 'string' && message !== '' ? `: ${message}` : '',
    ].join('');
    return [{ says: `${name} is ${String(is)}${why}` }];
  });
}
