import type { ContainerStatus, Job, Pod, PodFailurePolicyOnExitCodesRequirement, PodFailurePolicyRule } from '#libs/api';

/** What a Job's policy has to say of a pod that failed. */
export interface FailureVerdict {
  readonly action: 'Count' | 'Ignore' | 'FailJob' | 'FailIndex';
  /** Why the Job is to fail, in upstream's words; with FailJob. */
  readonly message?: string;
}

function matches({ operator, values }: PodFailurePolicyOnExitCodesRequirement, exitCode: number): boolean {
  return operator === 'In' ? values.includes(exitCode) : !values.includes(exitCode);
}

function failedContainer(pod: Pod, requirement: PodFailurePolicyOnExitCodesRequirement): ContainerStatus | undefined {
  const { containerStatuses = [], initContainerStatuses = [] } = pod.status ?? {};
  return [...containerStatuses, ...initContainerStatuses].find(({ name, state }) => {
    const { exitCode = 0 } = state?.terminated ?? {};
    if (!state?.terminated || exitCode === 0) return false;
    return (requirement.containerName === undefined || requirement.containerName === name) && matches(requirement, exitCode);
  });
}

/** What of the pod a rule is about, in upstream's words; undefined where it is not about it. */
function matched({ onExitCodes, onPodConditions = [], action }: PodFailurePolicyRule, index: number, pod: Pod): string | undefined {
  const { name = '', namespace = '' } = pod.metadata;
  const rule = `matching ${action} rule at index ${index}`;
  if (onExitCodes) {
    const container = failedContainer(pod, onExitCodes);
    if (!container) return undefined;
    const code = container.state?.terminated?.exitCode ?? 0;
    return `Container ${container.name} for pod ${namespace}/${name} failed with exit code ${code} ${rule}`;
  }
  const pattern = onPodConditions.find(({ type, status = 'True' }) =>
    pod.status?.conditions?.some((condition) => condition.type === type && condition.status === status),
  );
  return pattern && `Pod ${namespace}/${name} has condition ${pattern.type} ${rule}`;
}

/** What the first rule that is about a failed pod says; without one the failure counts. */
export function failureVerdict({ spec }: Job, pod: Pod): FailureVerdict {
  for (const [index, rule] of (spec?.podFailurePolicy?.rules ?? []).entries()) {
    const message = matched(rule, index, pod);
    if (message === undefined) continue;
    switch (rule.action) {
      case 'FailJob':
        return { action: 'FailJob', message };
      case 'Ignore':
      case 'FailIndex':
        return { action: rule.action };
      default:
        return { action: 'Count' };
    }
  }
  return { action: 'Count' };
}
