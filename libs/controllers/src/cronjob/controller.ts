import { CRONJOBS, JOBS, type CronJob, type Job } from '#libs/api';
import type { Controller } from '#libs/apimachinery';
import { byName } from '../ordering.js';
import { controlledBy } from '../ownership.js';
import { controllersKey, ownKey, splitKey } from '../watching.js';
import { reconcileCronJob, refuseCronJob, type CronJobSnapshot } from './reconcile.js';

/** Starts Jobs when their time has come: kube-controller-manager's `cronjob`. */
export const cronJobController: Controller<CronJobSnapshot> = {
  name: 'cronjob-controller',
  actor: 'system:serviceaccount:kube-system:cronjob-controller',
  watches: [ownKey(CRONJOBS), controllersKey(JOBS, 'batch', 'CronJob')],
  snapshot(key, lister) {
    const { namespace, name } = splitKey(key);
    const cronJob = lister.get(CRONJOBS, namespace, name) as CronJob | undefined;
    if (!cronJob) return undefined;
    return { cronJob, jobs: [...(controlledBy(lister, cronJob.metadata.uid ?? '', JOBS) as readonly Job[])].sort(byName) };
  },
  reconcile: reconcileCronJob,
  refused: refuseCronJob,
};
