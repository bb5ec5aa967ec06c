import { deepEqual, type KubeObject } from '#libs/apimachinery';
import { changesBetween, leavesOf } from '../../difference.js';
import { pairsOf, type Pair } from './match.js';
import { normalized } from './normalize.js';
import { nodesOf, workloadsOf, type NodeSummary, type WorkloadSummary } from './summary.js';

/** A field in which an object differs; absent where it is not there in one of the clusters. */
export interface FieldDifference {
  readonly field: string;
  readonly source?: unknown;
  readonly fork?: unknown;
}

/** An object that is not the same in both clusters. */
export interface ObjectDifference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace?: string;
  /** Its name in each; absent where it is not there. */
  readonly source?: string;
  readonly fork?: string;
  /** Where it is in both: what differs, but for what is drawn, counted, timed or addressed. */
  readonly fields?: readonly FieldDifference[];
}

/** How a fork differs from the cluster it was made from. */
export interface Comparison {
  readonly workloads: readonly WorkloadSummary[];
  readonly nodes: readonly NodeSummary[];
  readonly objects: readonly ObjectDifference[];
  /** How many objects there are in each. */
  readonly counts: { readonly source: number; readonly fork: number };
}

/** What stands in place of what a Secret holds. */
export const HIDDEN = '(not shown)';

/** Kinds that come and go with time, not with what was done. */
const PASSING = ['Event', 'Lease'];
const WEBHOOKS = ['MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration'];
/** ConfigMaps that hold a cluster's own authorities. */
const OWN_CONFIG = ['kube-root-ca.crt', 'extension-apiserver-authentication'];

/** Whether an object says something of what happened; what a fork has otherwise by nature does not. */
function isTelling(object: KubeObject): boolean {
  const { kind, metadata } = object;
  const { name = '', namespace } = metadata;
  if (PASSING.includes(kind) || WEBHOOKS.includes(kind)) return false;
  if (kind === 'ConfigMap') return !OWN_CONFIG.includes(name);
  if (kind === 'APIService') return (object as { readonly spec?: { readonly service?: unknown } }).spec?.service === undefined;
  if (namespace !== 'default') return true;
  if (kind === 'Endpoints' || kind === 'Service') return name !== 'kubernetes';
  return kind !== 'EndpointSlice' || metadata.labels?.['kubernetes.io/service-name'] !== 'kubernetes';
}

/** What a field holds in both, one plain value after the other. */
function fieldsIn(before: unknown, after: unknown, field: string): readonly FieldDifference[] {
  const [left, right] = [before, after].map((value) => new Map(value === undefined ? [] : leavesOf(value, field)));
  return [...new Set([...(left?.keys() ?? []), ...(right?.keys() ?? [])])].flatMap((name) => {
    const [source, fork] = [left?.get(name), right?.get(name)];
    return deepEqual(source, fork)
      ? []
      : [{ field: name, ...(source === undefined ? {} : { source }), ...(fork === undefined ? {} : { fork }) }];
  });
}

const SECRET_FIELD = /^(data|stringData)(\.|\[|$)|last-applied-configuration/;

function hidden(kind: string, { field, source, fork }: FieldDifference): FieldDifference {
  if (kind !== 'Secret' || !SECRET_FIELD.test(field))
    return { field, ...(source === undefined ? {} : { source }), ...(fork === undefined ? {} : { fork }) };
  return { field, ...(source === undefined ? {} : { source: HIDDEN }), ...(fork === undefined ? {} : { fork: HIDDEN }) };
}

function differenceOf({ source, fork }: Pair): ObjectDifference | undefined {
  const known = source ?? fork;
  if (known === undefined) return undefined;
  const { apiVersion, kind, metadata } = known;
  const place = {
    apiVersion,
    kind,
    ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
    ...(source === undefined ? {} : { source: source.metadata.name ?? '' }),
    ...(fork === undefined ? {} : { fork: fork.metadata.name ?? '' }),
  };
  if (source === undefined || fork === undefined) return place;
  const changes = changesBetween(normalized(source), normalized(fork));
  if (changes.length === 0) return undefined;
  const fields = changes.flatMap(({ field = '', old, value }) => fieldsIn(old, value, field)).map((one) => hidden(kind, one));
  return { ...place, fields };
}

const RANKS = ['Deployment', 'StatefulSet', 'DaemonSet', 'CronJob', 'Job', 'ReplicaSet', 'Pod', 'Node'];
const rankOf = ({ kind }: ObjectDifference): number => (RANKS.includes(kind) ? RANKS.indexOf(kind) : RANKS.length);
const placeOf = ({ kind, namespace = '', source, fork }: ObjectDifference): string => `${kind} ${namespace} ${source ?? fork ?? ''}`;

/** Compares the objects of a cluster with those of a fork of it: workloads first, then everything else by kind and name. */
export function compared(source: readonly KubeObject[], fork: readonly KubeObject[]): Comparison {
  const [left, right] = [source.filter(isTelling), fork.filter(isTelling)];
  const objects = pairsOf(left, right).flatMap((pair) => differenceOf(pair) ?? []);
  const sorted = [...objects].sort((a, b) => rankOf(a) - rankOf(b) || (placeOf(a) < placeOf(b) ? -1 : 1));
  return {
    workloads: workloadsOf(left, right),
    nodes: nodesOf(left, right),
    objects: sorted,
    counts: { source: left.length, fork: right.length },
  };
}
