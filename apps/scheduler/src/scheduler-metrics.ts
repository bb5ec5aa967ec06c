import { podCondition, PODS, type Pod } from '#libs/api';
import type { Change, Controller } from '#libs/apimachinery';
import { exponentialBuckets, type Metrics, type StateView } from '#libs/runtime';

/** Where a pod waits, in upstream's words. */
export type Queue = 'active' | 'unschedulable' | 'gated';

/** Upstream's name of the only profile. */
const PROFILE = 'default-scheduler';

/** Where a pod waits to be scheduled; undefined: it does not. */
export function queueOf({ spec, status }: Pod): Queue | undefined {
  if ((spec?.nodeName ?? '') !== '' || status?.phase === 'Succeeded' || status?.phase === 'Failed') return undefined;
  if ((spec?.schedulingGates ?? []).length > 0) return 'gated';
  return podCondition({ status } as Pod, 'PodScheduled')?.reason === 'Unschedulable' ? 'unschedulable' : 'active';
}

/** Has the pods that wait shown under upstream's name, counted when somebody looks. */
export const showPending = (metrics: Metrics, view: Pick<StateView, 'list'>): (() => void) =>
  metrics.ask(
    {
      name: 'scheduler_pending_pods',
      help: 'Number of pending pods, by the queue type.',
      labels: ['queue'],
      type: 'gauge',
    },
    () => {
      const counts: Record<Queue, number> = { active: 0, unschedulable: 0, gated: 0 };
      for (const pod of view.list(PODS)) {
        const queue = queueOf(pod as Pod);
        if (queue !== undefined) counts[queue] += 1;
      }
      return Object.entries(counts).map(([queue, value]) => ({ labels: [queue], value }));
    },
  );

const isPod = ({ resource }: Change): boolean => resource.group === PODS.group && resource.resource === PODS.resource;
const isBinding = (change: Change): boolean => change.verb === 'create' && change.subresource === 'binding' && isPod(change);
const isRefusal = (change: Change): boolean => change.verb === 'update' && change.subresource === 'status' && isPod(change);

/** A scheduler that counts what it decides and how long each pod took, under upstream's names. */
export function metered(scheduler: Controller, metrics: Metrics): Controller {
  const labels = ['result', 'profile'] as const;
  const attempts = metrics.counter({
    name: 'scheduler_schedule_attempts_total',
    help: "Number of attempts to schedule pods, by the result. 'unschedulable' means a pod could not be scheduled, while 'error' means an internal scheduler problem.",
    labels,
  });
  const seconds = metrics.histogram({
    name: 'scheduler_scheduling_attempt_duration_seconds',
    help: "Scheduling attempt latency in seconds (scheduling algorithm): a decision's time, divided among the pods it decided on.",
    labels,
    buckets: exponentialBuckets(0.001, 2, 15),
  });
  return {
    ...scheduler,
    reconcile: (snapshot, now) => {
      const begin = performance.now();
      try {
        const decided = scheduler.reconcile(snapshot, now);
        const [bound, refused] = [decided.changes.filter(isBinding).length, decided.changes.filter(isRefusal).length];
        const each = (performance.now() - begin) / 1_000 / Math.max(1, bound + refused);
        for (const [result, count] of [
          ['scheduled', bound],
          ['unschedulable', refused],
        ] as const) {
          attempts.of(result, PROFILE).add(count);
          for (let i = 0; i < count; i++) seconds.of(result, PROFILE).observe(each);
        }
        return decided;
      } catch (error) {
        attempts.of('error', PROFILE).add();
        throw error;
      }
    },
  };
}
