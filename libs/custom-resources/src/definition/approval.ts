import { invalidValue, required, type FieldError, type ObjectMeta } from '#libs/apimachinery';

const ANNOTATION = 'api-approved.kubernetes.io';
const SEE = 'see https://github.com/kubernetes/enhancements/pull/1111';

/** What became of the approval that groups of the Kubernetes community need. */
export interface Approval {
  readonly state: 'Approved' | 'Bypassed' | 'Invalid' | 'Missing';
  readonly reason: string;
}

/** Whether a group is the Kubernetes community's. */
export const isProtectedGroup = (group: string): boolean => /(^|\.)(k8s|kubernetes)\.io$/.test(group);

/** How a definition's annotation stands. */
export function approvalOf({ annotations }: ObjectMeta): Approval {
  const value = annotations?.[ANNOTATION] ?? '';
  if (value === '') return { state: 'Missing', reason: `protected groups must have approval annotation "${ANNOTATION}", ${SEE}` };
  if (value.startsWith('unapproved')) return { state: 'Bypassed', reason: `not approved: ${JSON.stringify(value)}` };
  if (/^[a-zA-Z][a-zA-Z0-9+.-]*:\/\/[^/\s]+/.test(value)) return { state: 'Approved', reason: `approved in ${value}` };
  const reason = `protected groups must have approval annotation "${ANNOTATION}" with either a URL or a reason starting with "unapproved", ${SEE}`;
  return { state: 'Invalid', reason };
}

/** The approval that a definition of a protected group lacks; an old one may go on lacking it. */
export function validateApproval(group: string, metadata: ObjectMeta, old: ObjectMeta | undefined): readonly FieldError[] {
  if (!isProtectedGroup(group)) return [];
  const { state, reason } = approvalOf(metadata);
  if (old !== undefined && approvalOf(old).state === state) return [];
  const field = `metadata.annotations[${ANNOTATION}]`;
  if (state === 'Invalid') return [invalidValue(field, metadata.annotations?.[ANNOTATION] ?? '', reason)];
  return state === 'Missing' ? [required(field, reason)] : [];
}
