import {
  isIndexedJob,
  isPodActive,
  isPodTerminal,
  JOB_COMPLETION_INDEX,
  JOB_TRACKING_FINALIZER,
  PODS,
  tellEach,
  type Container,
  type EnvVar,
  type Job,
  type ObjectMeta,
  type Pod,
  type Telling,
} from '#libs/api';
import { GENERATED_NAME, type Change, type Instant } from '#libs/apimachinery';
import { byCreation } from '../ordering.js';
import { controllerReference } from '../ownership.js';
import { inDeletionOrder } from '../replicaset/deletion-order.js';
import { creationDelay, delayAfter } from './backoff.js';
import { completionsOf, failuresWith, INDEX_FAILURES, INDEX_IGNORED_FAILURES, type IndexProgress } from './completion.js';
import { completionIndexOf, finishedAt, isPodFailed, replacesOnlyFailed } from './job-pods.js';

export const COMPONENT = 'job-controller';
/** Upstream's MaxPodCreateDeletePerSync. */
const MOST_AT_ONCE = 500;
const MOST_BASE = 58;
const INDEX_VARIABLE = 'JOB_COMPLETION_INDEX';

/** What is done to a Job's pods in one pass. */
export interface Scaling {
  readonly changes: readonly Change[];
  readonly requeueAfterMs?: number;
}

export const NOTHING: Scaling = { changes: [] };

/** Deletes pods, at most so many in a pass, and tells of it. */
export function deletion(job: Job, pods: readonly Pod[], now: Instant): Scaling {
  const changes = pods.slice(0, MOST_AT_ONCE).map(({ metadata: { name = '', namespace = '', uid } }) => ({
    change: { verb: 'delete', resource: PODS, namespace, name, ...(uid === undefined ? {} : { preconditions: { uid } }) } satisfies Change,
    telling: { about: job, type: 'Normal', reason: 'SuccessfulDelete', message: `Deleted pod: ${name}` } satisfies Telling,
  }));
  return { changes: tellEach(COMPONENT, changes, now) };
}

/** How many pods are to run: no more than are still to succeed. */
function wantedActive({ spec }: Job, active: number, succeeded: number): number {
  const parallelism = spec?.parallelism ?? 1;
  if (spec?.completions === undefined) return succeeded > 0 ? active : parallelism;
  return Math.max(0, Math.min(spec.completions - succeeded, parallelism));
}

/** The pods that go first: those of an index that is not wanted or has another, then those that are cheap to lose. */
function surplus(job: Job, active: readonly Pod[], least: number, now: Instant): readonly Pod[] {
  if (!isIndexedJob(job)) return least === 0 ? [] : inDeletionOrder(active, [], now).slice(0, least);
  const kept: Pod[] = [];
  const seen = new Set<number>();
  const extra: Pod[] = [];
  for (const pod of [...active].sort(byCreation)) {
    const index = completionIndexOf(pod);
    if (index === undefined || index >= completionsOf(job) || seen.has(index)) extra.push(pod);
    else kept.push(pod);
    if (index !== undefined) seen.add(index);
  }
  const more = Math.max(0, least - extra.length);
  return [...extra, ...(more === 0 ? [] : inDeletionOrder(kept, [], now).slice(0, more))];
}

const indexVariable: EnvVar = {
  name: INDEX_VARIABLE,
  valueFrom: { fieldRef: { fieldPath: `metadata.annotations['${JOB_COMPLETION_INDEX}']` } },
};
const withIndexVariable = (container: Container): Container =>
  container.env?.some(({ name }) => name === INDEX_VARIABLE) ? container : { ...container, env: [...(container.env ?? []), indexVariable] };

function podFor(job: Job, index: number | undefined, annotations: Readonly<Record<string, string>>): Pod {
  const { name = '', namespace = '' } = job.metadata;
  const { metadata = {}, spec = { containers: [] } } = job.spec?.template ?? {};
  const suffix = index === undefined ? '-' : `-${index}-`;
  const finalizers = metadata.finalizers ?? [];
  const own: ObjectMeta = {
    generateName: `${name.slice(0, MOST_BASE - suffix.length)}${suffix}`,
    namespace,
    labels: { ...metadata.labels, ...(index === undefined ? {} : { [JOB_COMPLETION_INDEX]: String(index) }) },
    ...(metadata.annotations || index !== undefined ? { annotations: { ...metadata.annotations, ...annotations } } : {}),
    finalizers: finalizers.includes(JOB_TRACKING_FINALIZER) ? finalizers : [...finalizers, JOB_TRACKING_FINALIZER],
    ownerReferences: [controllerReference(job)],
  };
  if (index === undefined) return { apiVersion: 'v1', kind: 'Pod', metadata: own, spec };
  const containers = spec.containers.map(withIndexVariable);
  const initContainers = spec.initContainers?.map(withIndexVariable);
  const indexed = { ...spec, hostname: `${name}-${index}`, containers, ...(initContainers === undefined ? {} : { initContainers }) };
  return { apiVersion: 'v1', kind: 'Pod', metadata: own, spec: indexed };
}

function creation(job: Job, pods: readonly Pod[], now: Instant): Scaling {
  const changes = pods.map((object) => ({
    change: { verb: 'create', resource: PODS, object } satisfies Change,
    telling: { about: job, type: 'Normal', reason: 'SuccessfulCreate', message: `Created pod: ${GENERATED_NAME}` } satisfies Telling,
  }));
  return { changes: tellEach(COMPONENT, changes, now) };
}

/** The newest failed pod of each index. */
export function lastFailures(job: Job, pods: readonly Pod[]): ReadonlyMap<number, Pod> {
  const last = new Map<number, Pod>();
  for (const pod of pods) {
    const index = completionIndexOf(pod);
    if (index === undefined || !isPodFailed(pod, job)) continue;
    const other = last.get(index);
    if (!other || byCreation(other, pod) < 0) last.set(index, pod);
  }
  return last;
}

/** The first indexes that nobody works on, and how long until one of those that failed may be tried again. */
function indexedCreation(job: Job, pods: readonly Pod[], { succeeded, failed }: IndexProgress, count: number, now: Instant): Scaling {
  const busy = new Set(
    pods.filter((pod) => isPodActive(pod) || (replacesOnlyFailed(job) && !isPodTerminal(pod))).map((pod) => completionIndexOf(pod)),
  );
  const perIndex = job.spec?.backoffLimitPerIndex !== undefined;
  const before = perIndex ? lastFailures(job, pods) : new Map<number, Pod>();
  const made: Pod[] = [];
  let wait = Infinity;
  for (let index = 0; index < completionsOf(job) && made.length < count; index++) {
    if (succeeded.has(index) || failed.has(index) || busy.has(index)) continue;
    const previous = before.get(index);
    const failures = previous ? failuresWith(job, previous) : { counted: 0, ignored: 0 };
    const delay = previous ? delayAfter(failures.counted + failures.ignored, finishedAt(previous, now), now) : 0;
    wait = delay > 0 ? Math.min(wait, delay) : wait;
    if (delay > 0) continue;
    const counts: Readonly<Record<string, string>> = perIndex
      ? {
          [INDEX_FAILURES]: String(failures.counted),
          ...(failures.ignored > 0 ? { [INDEX_IGNORED_FAILURES]: String(failures.ignored) } : {}),
        }
      : {};
    made.push(podFor(job, index, { [JOB_COMPLETION_INDEX]: String(index), ...counts }));
  }
  return { ...creation(job, made, now), ...(wait < Infinity ? { requeueAfterMs: wait } : {}) };
}

/** Makes as many pods run as are to: upstream's manageJob. */
export function scaled(job: Job, pods: readonly Pod[], progress: IndexProgress, succeeded: number, now: Instant): Scaling {
  const active = pods.filter(isPodActive);
  if (job.spec?.suspend === true) return deletion(job, active, now);
  const wanted = wantedActive(job, active.length, succeeded);
  const tooMany = surplus(job, active, Math.max(0, active.length - wanted), now);
  if (tooMany.length > 0) return deletion(job, tooMany, now);
  const leaving = pods.filter((pod) => pod.metadata.deletionTimestamp !== undefined && !isPodTerminal(pod)).length;
  const missing = wanted - active.length - (replacesOnlyFailed(job) ? leaving : 0);
  if (missing <= 0) return NOTHING;
  const delay = job.spec?.backoffLimitPerIndex === undefined ? creationDelay(job, pods, now) : 0;
  if (delay > 0) return { ...NOTHING, requeueAfterMs: delay };
  const count = Math.min(missing, MOST_AT_ONCE);
  if (isIndexedJob(job)) return indexedCreation(job, pods, progress, count, now);
  return creation(job, Array<Pod>(count).fill(podFor(job, undefined, {})), now);
}
