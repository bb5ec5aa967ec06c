import { isJobFinished, JOBS, PODS, type Job, type Pod } from '#libs/api';
import { controllerOf, labelSelectorOf, keyOf, type Controller, type Lister } from '#libs/apimachinery';
import { byName } from '../ordering.js';
import { controlledBy, orphansOf } from '../ownership.js';
import { controllersKey, ownKey, selectingOrphans, splitKey } from '../watching.js';
import { hasTrackingFinalizer, released } from './job-pods.js';
import { reconcileJob, refuseJob, type JobSnapshot } from './reconcile.js';

/** Runs the pods that Jobs ask for until they are done: kube-controller-manager's `job`. */
export const jobController: Controller<JobSnapshot> = {
  name: 'job-controller',
  actor: 'system:serviceaccount:kube-system:job-controller',
  watches: [ownKey(JOBS), controllersKey(PODS, 'batch', 'Job'), selectingOrphans(PODS, JOBS)],
  snapshot(key, lister) {
    const { namespace = '', name } = splitKey(key);
    const job = lister.get(JOBS, namespace, name) as Job | undefined;
    if (!job) return undefined;
    const selector = labelSelectorOf(job.spec?.selector);
    return {
      job,
      owned: [...(controlledBy(lister, job.metadata.uid ?? '', PODS) as readonly Pod[])].sort(byName),
      orphans: (orphansOf(lister, PODS, namespace) as readonly Pod[])
        .filter(({ metadata }) => selector.matches(metadata.labels))
        .sort(byName),
    };
  },
  reconcile: reconcileJob,
  refused: refuseJob,
};

/** Whether no Job will ever count the pod. */
function isForgotten(pod: Pod, lister: Lister): boolean {
  const owner = controllerOf(pod);
  if (owner?.kind !== 'Job') return true;
  const job = lister.get(JOBS, pod.metadata.namespace, owner.name) as Job | undefined;
  return !job || job.metadata.uid !== owner.uid || isJobFinished(job);
}

/** Lets go of pods whose Job is gone or has ended without them, as part of kube-controller-manager's `job`. */
export const orphanedJobPods: Controller<{ readonly pod: Pod }> = {
  name: 'job-controller-orphans',
  actor: 'system:serviceaccount:kube-system:job-controller',
  watches: [
    { resource: PODS, keys: (next) => (next && hasTrackingFinalizer(next as Pod) ? [keyOf(next)] : []) },
    {
      resource: JOBS,
      keys: (next, old, lister) =>
        next && !isJobFinished(next as Job) ? [] : controlledBy(lister, (next ?? old)?.metadata.uid ?? '', PODS).map(keyOf),
    },
  ],
  snapshot(key, lister) {
    const { namespace, name } = splitKey(key);
    const pod = lister.get(PODS, namespace, name) as Pod | undefined;
    return pod && hasTrackingFinalizer(pod) && isForgotten(pod, lister) ? { pod } : undefined;
  },
  reconcile: ({ pod }) => ({ changes: [{ verb: 'update', resource: PODS, object: released(pod) }] }),
};
