import type { Job, JobStatus } from '../../generated/types.js';

/** The label by which a Job finds its pods, unless it is told to select others: its uid. */
export const JOB_CONTROLLER_UID = 'batch.kubernetes.io/controller-uid';
/** The name of a pod's Job. */
export const JOB_NAME = 'batch.kubernetes.io/job-name';
/** Which of the completions of an Indexed Job a pod is to bring: a label and an annotation. */
export const JOB_COMPLETION_INDEX = 'batch.kubernetes.io/job-completion-index';
/** Holds a pod until its Job has counted it. */
export const JOB_TRACKING_FINALIZER = 'batch.kubernetes.io/job-tracking';

/** Whether a condition of a Job holds. */
export const hasJobCondition = (status: JobStatus | undefined, type: string): boolean =>
  status?.conditions?.some((condition) => condition.type === type && condition.status === 'True') ?? false;

/** Whether a Job has come to its end, one way or the other. */
export const isJobFinished = ({ status }: Job): boolean => hasJobCondition(status, 'Complete') || hasJobCondition(status, 'Failed');

/** Whether a Job's pods bring one numbered completion each. */
export const isIndexedJob = ({ spec }: Job): boolean => spec?.completionMode === 'Indexed';
