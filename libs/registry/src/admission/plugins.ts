import { certificateApproval, certificateSigning, certificateSubjectRestriction } from './certificates.js';
import { defaultIngressClass } from './default-ingress-class.js';
import { defaultTolerationSeconds } from './default-toleration-seconds.js';
import { mutatingPolicies } from './dynamic/mutating-policies.js';
import { validatingPolicies } from './dynamic/validating-policies.js';
import { mutatingWebhooks, validatingWebhooks } from './dynamic/webhooks.js';
import { escalation } from './escalation.js';
import { limitDefaults, limitRanges } from './limit-ranger.js';
import { nodeRestriction } from './node-restriction.js';
import { taintNodesByCondition } from './node-taint.js';
import type { MutatingPlugin, ValidatingPlugin } from './plugin.js';
import { podSecurity } from './pod-security/index.js';
import { podTopologyLabels } from './pod-topology-labels.js';
import { priority, priorityClasses } from './priority.js';
import { resourceQuota } from './resource-quota.js';
import { runtimeClass, runtimeClassOverhead } from './runtime-class.js';
import { mountableSecrets, serviceAccount } from './service-account.js';
import { defaultStorageClass, persistentVolumeClaimResize, storageObjectInUseProtection } from './storage.js';

/** The mutating steps, in upstream's order (kubeapiserver `options/plugins.go`). */
export const MUTATING: readonly MutatingPlugin[] = [
  limitDefaults,
  serviceAccount,
  taintNodesByCondition,
  priority,
  defaultTolerationSeconds,
  defaultStorageClass,
  storageObjectInUseProtection,
  runtimeClass,
  defaultIngressClass,
  podTopologyLabels,
  mutatingPolicies,
  mutatingWebhooks,
];

/** The validating steps, in upstream's order; quota comes last. */
export const VALIDATING: readonly ValidatingPlugin[] = [
  limitRanges,
  mountableSecrets,
  nodeRestriction,
  podSecurity,
  priorityClasses,
  persistentVolumeClaimResize,
  runtimeClassOverhead,
  certificateApproval,
  certificateSigning,
  certificateSubjectRestriction,
  escalation,
  validatingPolicies,
  validatingWebhooks,
  resourceQuota,
];
