import { isJobFinished, JOBS, type Job } from '#libs/api';
import { parseTime, type Controller, type Reconcile } from '#libs/apimachinery';
import { ownKey, splitKey } from '../watching.js';

/** When a Job came to its end. */
const finishedAt = ({ status }: Job): number | undefined =>
  parseTime(
    status?.conditions?.find(({ type, status: state }) => (type === 'Complete' || type === 'Failed') && state === 'True')
      ?.lastTransitionTime,
  );

/** Deletes a Job so long after its end as it says, with its pods. */
export const reconcileFinished: Reconcile<{ readonly job: Job }> = ({ job }, now) => {
  const { name = '', namespace = '', uid, deletionTimestamp } = job.metadata;
  const ttl = job.spec?.ttlSecondsAfterFinished;
  const ended = finishedAt(job);
  if (ttl === undefined || deletionTimestamp !== undefined || !isJobFinished(job) || ended === undefined) return { changes: [] };
  const left = ended + ttl * 1000 - now;
  if (left > 0) return { changes: [], requeueAfterMs: left };
  return {
    changes: [
      {
        verb: 'delete',
        resource: JOBS,
        namespace,
        name,
        propagationPolicy: 'Foreground',
        ...(uid === undefined ? {} : { preconditions: { uid } }),
      },
    ],
  };
};

/** Deletes Jobs some time after their end: kube-controller-manager's `ttl-after-finished`. */
export const ttlAfterFinishedController: Controller<{ readonly job: Job }> = {
  name: 'ttl-after-finished-controller',
  actor: 'system:serviceaccount:kube-system:ttl-after-finished-controller',
  watches: [ownKey(JOBS)],
  snapshot(key, lister) {
    const { namespace, name } = splitKey(key);
    const job = lister.get(JOBS, namespace, name) as Job | undefined;
    return job && job.spec?.ttlSecondsAfterFinished !== undefined ? { job } : undefined;
  },
  reconcile: reconcileFinished,
};
