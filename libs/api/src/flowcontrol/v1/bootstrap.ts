import type {
  FlowcontrolSubject,
  FlowSchema,
  NonResourcePolicyRule,
  PolicyRulesWithSubjects,
  PriorityLevelConfiguration,
  PriorityLevelConfigurationSpec,
  ResourcePolicyRule,
} from '../../generated/types.js';

const APIVERSION = 'flowcontrol.apiserver.k8s.io/v1';
/** Says whether the server keeps an object of the defaults up to date: `true` unless somebody has changed it. */
export const AUTOUPDATE_SPEC = 'apf.kubernetes.io/autoupdate-spec';

const metadataOf = (name: string) => ({ name, annotations: { [AUTOUPDATE_SPEC]: 'true' } });

const level = (name: string, spec: PriorityLevelConfigurationSpec): PriorityLevelConfiguration => ({
  apiVersion: APIVERSION,
  kind: 'PriorityLevelConfiguration',
  metadata: metadataOf(name),
  spec,
});

/** Queue length limit of every level that upstream suggests. */
const QUEUE_LENGTH = 50;

const queued = (name: string, shares: number, lendablePercent: number, queues: number, handSize: number): PriorityLevelConfiguration =>
  level(name, {
    type: 'Limited',
    limited: {
      nominalConcurrencyShares: shares,
      lendablePercent,
      limitResponse: { type: 'Queue', queuing: { queues, handSize, queueLengthLimit: QUEUE_LENGTH } },
    },
  });

type Method = 'ByUser' | 'ByNamespace' | undefined;

function schema(name: string, to: string, precedence: number, method: Method, rules: PolicyRulesWithSubjects): FlowSchema {
  return {
    apiVersion: APIVERSION,
    kind: 'FlowSchema',
    metadata: metadataOf(name),
    spec: {
      priorityLevelConfiguration: { name: to },
      matchingPrecedence: precedence,
      ...(method === undefined ? {} : { distinguisherMethod: { type: method } }),
      rules: [rules],
    },
  };
}

const groups = (...names: readonly string[]): readonly FlowcontrolSubject[] => names.map((name) => ({ kind: 'Group', group: { name } }));
const users = (...names: readonly string[]): readonly FlowcontrolSubject[] => names.map((name) => ({ kind: 'User', user: { name } }));
const systemAccounts = (...names: readonly string[]): readonly FlowcontrolSubject[] =>
  names.map((name) => ({ kind: 'ServiceAccount', serviceAccount: { name, namespace: 'kube-system' } }));

const on = (verbs: readonly string[], group: string, resources: readonly string[], clusterScope = false): ResourcePolicyRule => ({
  verbs,
  apiGroups: [group],
  resources,
  ...(clusterScope ? { clusterScope } : {}),
  namespaces: ['*'],
});

const ANY_RESOURCE: readonly ResourcePolicyRule[] = [on(['*'], '*', ['*'], true)];
const ANY_PATH: readonly NonResourcePolicyRule[] = [{ verbs: ['*'], nonResourceURLs: ['*'] }];
const anything = (subjects: readonly FlowcontrolSubject[]): PolicyRulesWithSubjects => ({
  subjects,
  resourceRules: ANY_RESOURCE,
  nonResourceRules: ANY_PATH,
});

const EVERYBODY = groups('system:unauthenticated', 'system:authenticated');
const NODES = groups('system:nodes');
const COORDINATION = 'coordination.k8s.io';
const LEASES = on(['get', 'create', 'update'], COORDINATION, ['leases']);

/** Levels that every cluster has, as upstream fixes them (apiserver `flowcontrol/bootstrap`). */
export const MANDATORY_LEVELS: readonly PriorityLevelConfiguration[] = [
  level('catch-all', {
    type: 'Limited',
    limited: { nominalConcurrencyShares: 5, lendablePercent: 0, limitResponse: { type: 'Reject' } },
  }),
  level('exempt', { type: 'Exempt', exempt: { nominalConcurrencyShares: 0, lendablePercent: 0 } }),
];

/** Schemas that every cluster has: administrators first, and what nothing else matches last. */
export const MANDATORY_SCHEMAS: readonly FlowSchema[] = [
  schema('exempt', 'exempt', 1, undefined, anything(groups('system:masters'))),
  schema('catch-all', 'catch-all', 10_000, 'ByUser', anything(EVERYBODY)),
];

/** Levels that a cluster starts with and whoever runs it may change. */
export const SUGGESTED_LEVELS: readonly PriorityLevelConfiguration[] = [
  queued('system', 30, 33, 64, 6),
  queued('node-high', 40, 25, 64, 6),
  queued('leader-election', 10, 0, 16, 4),
  queued('workload-high', 40, 50, 128, 6),
  queued('workload-low', 100, 90, 128, 6),
  queued('global-default', 20, 50, 128, 6),
];

/** Schemas that a cluster starts with and whoever runs it may change. */
export const SUGGESTED_SCHEMAS: readonly FlowSchema[] = [
  schema('system-nodes', 'system', 500, 'ByUser', anything(NODES)),
  schema('system-node-high', 'node-high', 400, 'ByUser', {
    subjects: NODES,
    resourceRules: [on(['*'], '', ['nodes', 'nodes/status'], true), on(['*'], COORDINATION, ['leases'])],
  }),
  schema('probes', 'exempt', 2, undefined, {
    subjects: EVERYBODY,
    nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['/healthz', '/readyz', '/livez'] }],
  }),
  schema('system-leader-election', 'leader-election', 100, 'ByUser', {
    subjects: [...users('system:kube-controller-manager', 'system:kube-scheduler'), ...systemAccounts('*')],
    resourceRules: [LEASES],
  }),
  schema('workload-leader-election', 'leader-election', 200, 'ByUser', {
    subjects: systemAccounts('*'),
    resourceRules: [on(['get', 'create', 'update'], '', ['endpoints', 'configmaps']), LEASES],
  }),
  schema('endpoint-controller', 'workload-high', 150, 'ByUser', {
    subjects: [...users('system:kube-controller-manager'), ...systemAccounts('endpoint-controller', 'endpointslicemirroring-controller')],
    resourceRules: [on(['get', 'create', 'update'], '', ['endpoints'])],
  }),
  schema('kube-controller-manager', 'workload-high', 800, 'ByNamespace', anything(users('system:kube-controller-manager'))),
  schema('kube-scheduler', 'workload-high', 800, 'ByNamespace', anything(users('system:kube-scheduler'))),
  schema('kube-system-service-accounts', 'workload-high', 900, 'ByNamespace', anything(systemAccounts('*'))),
  schema('service-accounts', 'workload-low', 9000, 'ByUser', anything(groups('system:serviceaccounts'))),
  schema('global-default', 'global-default', 9900, 'ByUser', anything(EVERYBODY)),
];
