import { byteLength, invalidValue, isDns1123Subdomain, isQualifiedName, required, type FieldError } from '#libs/apimachinery';
import type { Event } from '../../generated/types.js';
import { judge, present, type Problems } from '../../problems.js';

function shorter(into: Problems, field: string, value: string | undefined, most: number): void {
  if (byteLength(value ?? '') > most) into.push(invalidValue(field, '', `can have at most ${most} characters`));
}

/** An event of the newer kind says who reports what was done. */
function reported(into: Problems, event: Event): void {
  const controller = event.reportingComponent ?? '';
  present(into, 'reportingController', controller);
  judge(into, 'reportingController', controller, isQualifiedName);
  present(into, 'reportingInstance', event.reportingInstance);
  shorter(into, 'reportingInstance', event.reportingInstance, 128);
  present(into, 'action', event.action);
  shorter(into, 'action', event.action, 128);
  present(into, 'reason', event.reason);
  shorter(into, 'reason', event.reason, 128);
  shorter(into, 'message', event.message, 1024);
}

/** Every problem of a Kubernetes Event, however it was sent. */
export function eventProblems(event: Event): readonly FieldError[] {
  const into: Problems = [];
  const namespace = event.metadata.namespace ?? '';
  const about = event.involvedObject.namespace ?? '';
  const elsewhere = invalidValue('involvedObject.namespace', about, 'does not match event.namespace');
  if (!event.eventTime) {
    if (about === '' ? namespace !== '' && namespace !== 'default' : about !== namespace) into.push(elsewhere);
  } else {
    if (about === '' && namespace !== 'default' && namespace !== 'kube-system') into.push(elsewhere);
    reported(into, event);
  }
  judge(into, 'namespace', namespace, isDns1123Subdomain);
  return into;
}

/** A series is of two at least, the last of them seen at some time. */
export function seriesProblems({ series }: Event): readonly FieldError[] {
  const into: Problems = [];
  if (!series) return into;
  if ((series.count ?? 0) < 2) into.push(invalidValue('series.count', '', 'should be at least 2'));
  if (!series.lastObservedTime) into.push(required('series.lastObservedTime'));
  return into;
}

/** The stricter rules of events.k8s.io, in the words of the core group. */
export function newEventProblems(event: Event): readonly FieldError[] {
  const into: Problems = [...eventProblems(event), ...seriesProblems(event)];
  if (!event.eventTime) into.push(required('eventTime'));
  if (event.type !== 'Normal' && event.type !== 'Warning') into.push(invalidValue('type', '', `has invalid value: ${event.type ?? ''}`));
  const unset = {
    firstTimestamp: !event.firstTimestamp,
    lastTimestamp: !event.lastTimestamp,
    count: !event.count,
    source: !event.source?.component && !event.source?.host,
  };
  for (const [field, holds] of Object.entries(unset)) if (!holds) into.push(invalidValue(field, '', 'needs to be unset'));
  return into;
}
