import type { Node, Pod } from '#libs/api';
import type { Case } from '../case.js';
import { certificateApproval, certificateSigning, certificateSubjectRestriction } from './certificates.js';
import { escalation } from './escalation.js';
import { limitDefaults, limitRanges } from './limit-ranger.js';
import type { Attributes, MutatingPlugin, ValidatingPlugin } from './plugin.js';
import { admitNode } from './node-taint.js';
import { admitTolerations } from './default-toleration-seconds.js';
import { priority, priorityClasses } from './priority.js';
import { resourceQuota } from './resource-quota.js';
import { admitServiceAccount } from './service-account.js';

const isMain = ({ definition: { resource } }: Case, { subresource }: Attributes, group: string, name: string): boolean =>
  resource.group === group && resource.resource === name && subresource === '';

const serviceAccount: MutatingPlugin = {
  name: 'ServiceAccount',
  operations: ['CREATE'],
  mutate: (object, attributes, given) =>
    isMain(given, attributes, '', 'pods') ? admitServiceAccount(object as Pod, attributes.name, given) : object,
};

const taintNodesByCondition: MutatingPlugin = {
  name: 'TaintNodesByCondition',
  operations: ['CREATE'],
  mutate: (object, attributes, given) => (isMain(given, attributes, '', 'nodes') ? admitNode(object as Node) : object),
};

const defaultTolerationSeconds: MutatingPlugin = {
  name: 'DefaultTolerationSeconds',
  operations: ['CREATE', 'UPDATE'],
  mutate: (object, attributes, given) => (isMain(given, attributes, '', 'pods') ? admitTolerations(object as Pod) : object),
};

/** The mutating steps, in upstream's order (kubeapiserver `options/plugins.go`). */
export const MUTATING: readonly MutatingPlugin[] = [
  limitDefaults,
  serviceAccount,
  taintNodesByCondition,
  priority,
  defaultTolerationSeconds,
];

/** The validating steps, in upstream's order; quota comes last. */
export const VALIDATING: readonly ValidatingPlugin[] = [
  limitRanges,
  priorityClasses,
  certificateApproval,
  certificateSigning,
  certificateSubjectRestriction,
  escalation,
  resourceQuota,
];
