import type { Job, Pod } from '#libs/api';
import type { Instant } from '#libs/apimachinery';
import { finishedAt, isPodFailed, isPodSucceeded } from './job-pods.js';

/** Upstream's DefaultJobPodFailureBackOff and MaxJobPodFailureBackOff. */
const FIRST_DELAY = 10_000;
const LONGEST_DELAY = 600_000;

/** How long to wait after so many failures in a row, the last of which was at an instant. */
export function delayAfter(failures: number, last: Instant, now: Instant): number {
  if (failures <= 0) return 0;
  const delay = Math.min(FIRST_DELAY * 2 ** Math.min(failures - 1, 20), LONGEST_DELAY);
  return Math.max(0, last + delay - now);
}

/** How long a Job waits before it makes more pods: it is slower after each failure since the last success. */
export function creationDelay(job: Job, pods: readonly Pod[], now: Instant): number {
  const succeeded = pods.filter(isPodSucceeded).map((pod) => finishedAt(pod, now));
  const since = Math.max(0, ...succeeded);
  const failed = pods
    .filter((pod) => isPodFailed(pod, job))
    .map((pod) => finishedAt(pod, now))
    .filter((at) => at >= since);
  return delayAfter(failed.length, Math.max(0, ...failed), now);
}
