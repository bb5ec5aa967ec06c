import { isPodReady, podCondition, type Pod } from '#libs/api';
import { parseTime, type Instant } from '#libs/apimachinery';

/** How long until a ready pod counts as available, which no event will announce; undefined where none is awaited. */
export function nextAvailability(pods: readonly Pod[], minReadySeconds: number, now: Instant): number | undefined {
  const minReadyMs = minReadySeconds * 1000;
  if (minReadyMs === 0) return undefined;
  const waits = pods
    .filter(isPodReady)
    .map((pod) => (parseTime(podCondition(pod, 'Ready')?.lastTransitionTime) ?? now) + minReadyMs - now)
    .filter((wait) => wait > 0);
  return waits.length === 0 ? undefined : Math.min(...waits);
}
