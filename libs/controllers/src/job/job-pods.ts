import { isPodReady, JOB_COMPLETION_INDEX, JOB_TRACKING_FINALIZER, type Job, type Pod } from '#libs/api';
import { parseTime, type Instant } from '#libs/apimachinery';

export const hasTrackingFinalizer = ({ metadata }: Pod): boolean => metadata.finalizers?.includes(JOB_TRACKING_FINALIZER) ?? false;

/** The pod without the finalizer by which its Job holds it. */
export function released(pod: Pod): Pod {
  const { finalizers = [], ...metadata } = pod.metadata;
  const left = finalizers.filter((name) => name !== JOB_TRACKING_FINALIZER);
  return { ...pod, metadata: left.length === 0 ? metadata : { ...metadata, finalizers: left } };
}

/** Which of the completions of an Indexed Job a pod is to bring; undefined for a pod that says none. */
export function completionIndexOf({ metadata }: Pod): number | undefined {
  const text = metadata.annotations?.[JOB_COMPLETION_INDEX];
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}

/** Whether only pods that have failed are replaced, and not those that are still on their way out. */
export const replacesOnlyFailed = ({ spec }: Job): boolean => spec?.podReplacementPolicy === 'Failed';

/** Whether a pod counts as failed. One that is deleted does at once, unless the Job waits for its end. */
export function isPodFailed(pod: Pod, job: Job): boolean {
  const { phase } = pod.status ?? {};
  if (phase === 'Failed') return true;
  if (replacesOnlyFailed(job)) return false;
  return pod.metadata.deletionTimestamp !== undefined && phase !== 'Succeeded';
}

export const isPodSucceeded = ({ status }: Pod): boolean => status?.phase === 'Succeeded';

/** When a pod came to its end, as far as can be told. */
export function finishedAt({ status, metadata }: Pod, now: Instant): Instant {
  const ends = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])]
    .map(({ state }) => parseTime(state?.terminated?.finishedAt))
    .filter((end) => end !== undefined);
  if (ends.length > 0) return Math.max(...ends);
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  const stopped = ready?.status === 'False' ? parseTime(ready.lastTransitionTime) : undefined;
  return stopped ?? parseTime(metadata.deletionTimestamp) ?? now;
}

export const countReady = (pods: readonly Pod[]): number => pods.filter(isPodReady).length;
