import {
  definitionOf,
  isPodReady,
  PODDISRUPTIONBUDGETS,
  PODS,
  type Condition,
  type Eviction,
  type Pod,
  type PodDisruptionBudget,
} from '#libs/api';
import {
  badRequest,
  forbidden,
  formatTime,
  labelSelectorOf,
  notFound,
  StatusError,
  type KubeObject,
  type PropagationPolicy,
} from '#libs/apimachinery';
import { admit, mutate } from '../admission/chain.js';
import { admitToNamespace } from '../admission/namespace-lifecycle.js';
import { currentOf, namespaceOf, writesOf, type Case, type Decided } from '../case.js';
import { decodeBody, type Expected } from '../decoding.js';
import { deleteObject } from '../delete.js';
import { SUCCESS } from '../status.js';
import type { PlannedWrite, StoredObject, WriteOptions } from '../write.js';

const EVICTION: Expected = { group: 'policy', version: 'v1', kind: 'Eviction', model: 'io.k8s.api.policy.v1.Eviction' };
const MOST_DISRUPTED_PODS = 2000;
const VIOLATES = "Cannot evict pod as it would violate the pod's disruption budget.";
const SEVERAL = 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.';

function tooManyRequests(cause: string, retryAfterSeconds: number): StatusError {
  const causes = [{ reason: 'DisruptionBudget', message: cause }];
  return new StatusError('TooManyRequests', VIOLATES, { ...(retryAfterSeconds > 0 ? { retryAfterSeconds } : {}), causes });
}

/** Options of the eviction's own deletion; the request's dry run holds too. */
function optionsOf({ deleteOptions }: Eviction, request: WriteOptions): WriteOptions {
  const { gracePeriodSeconds, preconditions, orphanDependents, propagationPolicy, dryRun } = deleteOptions ?? {};
  return {
    ...request,
    ...((dryRun?.length ?? 0) > 0 ? { dryRun: true } : {}),
    ...(gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }),
    ...(preconditions === undefined ? {} : { preconditions }),
    ...(orphanDependents === undefined ? {} : { orphanDependents }),
    ...(propagationPolicy === undefined ? {} : { propagationPolicy: propagationPolicy as PropagationPolicy }),
  };
}

/** Pods that have not begun or have ended don't count: no budget protects them. */
const isUnprotected = ({ metadata, status }: Pod): boolean =>
  metadata.deletionTimestamp !== undefined || ['Succeeded', 'Failed', 'Pending'].includes(status?.phase ?? '');

function budgetsOf(pod: Pod, budgets: readonly KubeObject[]): readonly PodDisruptionBudget[] {
  return (budgets as readonly PodDisruptionBudget[]).filter(({ spec }) => {
    const selector = labelSelectorOf(spec?.selector);
    return selector.requirements.length > 0 && selector.matches(pod.metadata.labels ?? {});
  });
}

function disallowed({ metadata, status }: PodDisruptionBudget, now: number): readonly Condition[] {
  const conditions = status?.conditions ?? [];
  const old = conditions.find(({ type }) => type === 'DisruptionAllowed');
  const condition: Condition = {
    type: 'DisruptionAllowed',
    status: 'False',
    ...(metadata.generation === undefined ? {} : { observedGeneration: status?.observedGeneration ?? metadata.generation }),
    lastTransitionTime: old?.status === 'False' ? (old.lastTransitionTime ?? formatTime(now)) : formatTime(now),
    reason: 'InsufficientPods',
    message: '',
  };
  return old ? conditions.map((each) => (each === old ? condition : each)) : [...conditions, condition];
}

/** The budget after one more disruption. Throws TooManyRequests or Forbidden where it allows none. */
function decremented(budget: PodDisruptionBudget, podName: string, now: number): PodDisruptionBudget {
  const { metadata, status = {} } = budget;
  const name = metadata.name ?? '';
  const { disruptionsAllowed = 0, disruptedPods = {}, desiredHealthy = 0, currentHealthy = 0 } = status;
  if ((status.observedGeneration ?? 0) < (metadata.generation ?? 0)) {
    throw tooManyRequests(`The disruption budget ${name} is still being processed by the server.`, 10);
  }
  const about = { group: 'policy', resource: 'poddisruptionbudget' };
  if (disruptionsAllowed < 0) throw forbidden(about, name, 'pdb disruptions allowed is negative');
  if (Object.keys(disruptedPods).length > MOST_DISRUPTED_PODS) {
    throw forbidden(about, name, 'DisruptedPods map too big - too many evictions not confirmed by PDB controller');
  }
  if (disruptionsAllowed === 0) {
    throw tooManyRequests(`The disruption budget ${name} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`, 0);
  }
  const allowed = disruptionsAllowed - 1;
  return {
    ...budget,
    status: {
      ...status,
      disruptedPods: { ...disruptedPods, [podName]: formatTime(now) },
      disruptionsAllowed: allowed,
      ...(allowed === 0 ? { conditions: disallowed(budget, now) } : {}),
    },
  };
}

/** The write that takes one disruption from the pod's budget; none where no budget is in the way. */
function budgetWrite(given: Case, pod: Pod): readonly PlannedWrite[] {
  const { read, context } = given;
  const namespace = namespaceOf(given);
  const budgets = budgetsOf(pod, read.list(PODDISRUPTIONBUDGETS, namespace));
  if (budgets.length > 1) throw new StatusError('InternalError', SEVERAL);
  const name = budgets[0]?.metadata.name;
  const stored = name === undefined ? undefined : read.object(PODDISRUPTIONBUDGETS, namespace, name);
  const definition = definitionOf(PODDISRUPTIONBUDGETS);
  if (!stored || !definition) return [];
  const budget = stored.object as PodDisruptionBudget;
  const { currentHealthy = 0, desiredHealthy = 0 } = budget.status ?? {};
  const counts = isPodReady(pod) || currentHealthy < desiredHealthy || desiredHealthy <= 0;
  const always = budget.spec?.unhealthyPodEvictionPolicy === 'AlwaysAllow' && !isPodReady(pod);
  if (!counts || always) return [];
  const object = decremented(budget, pod.metadata.name ?? '', context.now);
  return [{ type: 'Updated', definition, object, previous: stored.sequence }];
}

function evicted(given: Case, current: StoredObject): readonly PlannedWrite[] {
  const pod = current.object as Pod;
  const budget = isUnprotected(pod) ? [] : budgetWrite(given, pod);
  const { writes, withheld = writes } = deleteObject(given, current);
  return [...withheld, ...budget];
}

/** Decides a POST of `pods/eviction`: a deletion that the pod's disruption budget allows, counted in the same append. */
export function decideEviction(given: Case): Decided {
  const { request } = given;
  const name = request.name ?? '';
  const namespace = namespaceOf(given);
  const decoded = decodeBody<Eviction>(request.object, EVICTION, request.options, request.duplicates);
  if (decoded.object.metadata.name !== name) throw badRequest('name in URL does not match name in Eviction object');
  admitToNamespace(given, 'create', name);
  const current = currentOf(given, namespace, name);
  if (!current) throw notFound(PODS, name);
  const attributes = { operation: 'CREATE', subresource: 'eviction', name, namespace, object: decoded.object, old: undefined } as const;
  const object = (mutate(given, attributes) ?? decoded.object) as Eviction;
  const verdict = admit(given, { ...attributes, object });
  const eviction: Case = { ...given, request: { ...request, options: optionsOf(object, request.options) } };
  return {
    ...writesOf(eviction, evicted(eviction, current)),
    answer: SUCCESS,
    code: 201,
    warnings: [...decoded.warnings, ...verdict.warnings],
  };
}
