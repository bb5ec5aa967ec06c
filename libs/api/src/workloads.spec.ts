import { formatTime, type KubeObject } from '#libs/apimachinery';
import { definitionFor, MADE_AT, made, told, type Manifest } from '#libs/testing';
import { type HorizontalPodAutoscaler, type Job } from './index.js';

const problemsOf = (manifest: Manifest): readonly string[] => told(definitionFor(manifest).strategy.validate(made(manifest)));

const problemsOfUpdate = (next: Manifest, old: Manifest, status?: object): readonly string[] =>
  told(definitionFor(next).strategy.validateUpdate(made(next), { ...made(old), ...(status ? { status } : {}) } as KubeObject));

const problemsOfStatus = (manifest: Manifest, next: object, old: object = {}): readonly string[] => {
  const object = made(manifest);
  return told(
    definitionFor(manifest).strategy.validateStatusUpdate(
      { ...object, status: next } as KubeObject,
      { ...object, status: old } as KubeObject,
    ),
  );
};

const metadata = { name: 'a', namespace: 'default', uid: 'u' };
const labels = { app: 'a' };
const containers = [{ name: 'c', image: 'i:1' }];
const template = { metadata: { labels }, spec: { containers } };
const selector = { matchLabels: labels };
const once = { spec: { containers, restartPolicy: 'Never' } };

const statefulSet = (spec: object = {}): Manifest => ({
  apiVersion: 'apps/v1',
  kind: 'StatefulSet',
  metadata,
  spec: { serviceName: 'a', selector, template, ...spec },
});
const daemonSet = (spec: object = {}): Manifest => ({
  apiVersion: 'apps/v1',
  kind: 'DaemonSet',
  metadata,
  spec: { selector, template, ...spec },
});
const job = (spec: object = {}): Manifest => ({ apiVersion: 'batch/v1', kind: 'Job', metadata, spec: { template: once, ...spec } });
const indexed = (spec: object = {}): Manifest => job({ completionMode: 'Indexed', completions: 3, ...spec });
const cronJob = (spec: object = {}, name = 'a'): Manifest => ({
  apiVersion: 'batch/v1',
  kind: 'CronJob',
  metadata: { ...metadata, name },
  spec: { schedule: '*/5 * * * *', jobTemplate: { spec: { template: once } }, ...spec },
});
const autoscaler = (spec: object = {}): Manifest => ({
  apiVersion: 'autoscaling/v2',
  kind: 'HorizontalPodAutoscaler',
  metadata,
  spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }, maxReplicas: 3, ...spec },
});
const claim = { metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } };
const policy = (rule: object): object => ({ podFailurePolicy: { rules: [rule] } });
const utilization = (averageUtilization: number): object => ({
  type: 'Resource',
  resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization } },
});

describe('a workload is given what it leaves out', () => {
  it.each<[string, Manifest, object]>([
    [
      'a StatefulSet',
      statefulSet({ volumeClaimTemplates: [claim] }),
      {
        metadata: { generation: 1 },
        spec: {
          replicas: 1,
          podManagementPolicy: 'OrderedReady',
          revisionHistoryLimit: 10,
          updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0, maxUnavailable: 1 } },
          persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain' },
          volumeClaimTemplates: [
            { apiVersion: 'v1', kind: 'PersistentVolumeClaim', spec: { volumeMode: 'Filesystem' }, status: { phase: 'Pending' } },
          ],
        },
        status: { replicas: 0, availableReplicas: 0 },
      },
    ],
    [
      'a DaemonSet',
      daemonSet(),
      {
        metadata: { generation: 1, annotations: { 'deprecated.daemonset.template.generation': '1' } },
        spec: { revisionHistoryLimit: 10, updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } } },
        status: { currentNumberScheduled: 0, numberMisscheduled: 0, desiredNumberScheduled: 0, numberReady: 0 },
      },
    ],
    [
      'a Job',
      job(),
      {
        spec: {
          parallelism: 1,
          completions: 1,
          backoffLimit: 6,
          completionMode: 'NonIndexed',
          suspend: false,
          manualSelector: false,
          podReplacementPolicy: 'TerminatingOrFailed',
          selector: { matchLabels: { 'batch.kubernetes.io/controller-uid': 'u' } },
          template: {
            metadata: {
              labels: {
                'batch.kubernetes.io/controller-uid': 'u',
                'batch.kubernetes.io/job-name': 'a',
                'controller-uid': 'u',
                'job-name': 'a',
              },
            },
          },
        },
      },
    ],
    [
      'a Job that ends with any pod',
      job({ parallelism: 2, ...policy({ action: 'FailJob', onPodConditions: [{ type: 'DisruptionTarget' }] }) }),
      {
        spec: {
          parallelism: 2,
          podReplacementPolicy: 'Failed',
          podFailurePolicy: { rules: [{ onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] }] },
        },
      },
    ],
    ['a Job that counts failures by index', indexed({ backoffLimitPerIndex: 1 }), { spec: { backoffLimit: 2147483647 } }],
    [
      'a CronJob',
      cronJob(),
      { spec: { concurrencyPolicy: 'Allow', suspend: false, successfulJobsHistoryLimit: 3, failedJobsHistoryLimit: 1 } },
    ],
    [
      'an autoscaler',
      autoscaler({ behavior: { scaleDown: { stabilizationWindowSeconds: 60 } } }),
      {
        spec: {
          minReplicas: 1,
          metrics: [utilization(80)],
          behavior: {
            scaleUp: {
              stabilizationWindowSeconds: 0,
              selectPolicy: 'Max',
              policies: [
                { type: 'Pods', value: 4, periodSeconds: 15 },
                { type: 'Percent', value: 100, periodSeconds: 15 },
              ],
            },
            scaleDown: {
              stabilizationWindowSeconds: 60,
              selectPolicy: 'Max',
              policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }],
            },
          },
        },
        status: { desiredReplicas: 0, currentMetrics: null },
      },
    ],
  ])('%s', (_, manifest, wanted) => {
    expect(made(manifest)).toMatchObject(wanted);
    expect(problemsOf(manifest)).toEqual([]);
  });

  it('a Job takes its labels from its template, the generated ones where it has no others', () => {
    expect(made(job({ template: { ...once, metadata: { labels } } })).metadata.labels).toEqual(labels);
    expect(made(job()).metadata.labels).toMatchObject({ 'job-name': 'a', 'batch.kubernetes.io/controller-uid': 'u' });
  });

  it('a Job with a selector of the user’s is left as it is', () => {
    const manual = job({ manualSelector: true, selector, template: { ...once, metadata: { labels } } });
    expect(made(manual)).toMatchObject({ spec: { selector, template: { metadata: { labels } } } });
    expect(problemsOf(manual)).toEqual([]);
  });
});

describe('what is wrong with a new workload is named', () => {
  it.each<[string, Manifest, readonly string[]]>([
    [
      'a policy of management that is none',
      statefulSet({ podManagementPolicy: 'Any' }),
      ["spec.podManagementPolicy: Invalid value: \"Any\": must be 'OrderedReady' or 'Parallel'"],
    ],
    [
      'a rolling update that is not',
      statefulSet({ updateStrategy: { type: 'OnDelete', rollingUpdate: { partition: 1 } } }),
      ['spec.updateStrategy.rollingUpdate: Invalid value: {"partition":1}: only allowed for updateStrategy \'RollingUpdate\''],
    ],
    [
      'an update that may take away nothing',
      statefulSet({ updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '0%' } } }),
      ['spec.updateStrategy.rollingUpdate.maxUnavailable: Invalid value: "0%": cannot be 0'],
    ],
    [
      'a selector for others',
      statefulSet({ selector: { matchLabels: { app: 'b' } } }),
      ['spec.template.metadata.labels: Invalid value: {"app":"a"}: `selector` does not match template `labels`'],
    ],
    [
      'a policy for claims that is none',
      statefulSet({ persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Keep' } }),
      ['spec.persistentVolumeClaimRetentionPolicy.whenDeleted: Unsupported value: "Keep": supported values: "Retain", "Delete"'],
    ],
    [
      'a template of claims without a size',
      statefulSet({ volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'] } }] }),
      ['spec.volumeClaimTemplates[0].spec.resources[storage]: Required value'],
    ],
    [
      'a negative ordinal',
      statefulSet({ ordinals: { start: -1 } }),
      ['spec.ordinals.start: Invalid value: -1: must be greater than or equal to 0'],
    ],
    [
      'surge and unavailability at once',
      daemonSet({ updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1, maxSurge: 1 } } }),
      ['spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: 1: may not be set when maxUnavailable is non-zero'],
    ],
    [
      'neither of them',
      daemonSet({ updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0 } } }),
      ['spec.updateStrategy.rollingUpdate.maxUnavailable: Required value: cannot be 0 when maxSurge is 0'],
    ],
    [
      'a deadline of pods that are to run for ever',
      daemonSet({ template: { ...template, spec: { containers, activeDeadlineSeconds: 5 } } }),
      ['spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in DaemonSet is not Supported'],
    ],
    [
      'a Job whose pods never end',
      job({ template: { spec: { containers } } }),
      ['spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"'],
    ],
    [
      'a Job that takes another’s uid',
      job({ template: { ...once, metadata: { labels: { 'controller-uid': 'x' } } } }),
      [
        'spec.template.metadata.labels[controller-uid]: Invalid value: {"batch.kubernetes.io/controller-uid":"u","batch.kubernetes.io/job-name":"a","controller-uid":"x","job-name":"a"}: must be "u"',
      ],
    ],
    [
      'a Job that selects others without saying so',
      job({ selector: { matchLabels: { app: 'b' } } }),
      [
        'spec.selector: Invalid value: {"matchLabels":{"app":"b","batch.kubernetes.io/controller-uid":"u"}}: `selector` not auto-generated',
        'spec.template.metadata.labels: Invalid value: {"batch.kubernetes.io/controller-uid":"u","batch.kubernetes.io/job-name":"a","controller-uid":"u","job-name":"a"}: `selector` does not match template `labels`',
      ],
    ],
    [
      'an Indexed Job of unknown length',
      job({ completionMode: 'Indexed', parallelism: 1 }),
      ['spec.completions: Required value: when completion mode is Indexed'],
    ],
    [
      'limits by index without indexes',
      job({ backoffLimitPerIndex: 1 }),
      ['spec.backoffLimitPerIndex: Invalid value: 1: requires indexed completion mode'],
    ],
    [
      'a limit of failed indexes alone',
      indexed({ maxFailedIndexes: 1 }),
      ['spec.backoffLimitPerIndex: Required value: when maxFailedIndexes is specified'],
    ],
    [
      'more failed indexes than there are',
      indexed({ maxFailedIndexes: 4, backoffLimitPerIndex: 1 }),
      ['spec.maxFailedIndexes: Invalid value: 4: must be less than or equal to completions'],
    ],
    [
      'a failure policy of pods that restart',
      job({
        ...policy({ action: 'Ignore', onExitCodes: { operator: 'In', values: [1] } }),
        template: { spec: { containers, restartPolicy: 'OnFailure' } },
      }),
      ['spec.template.spec.restartPolicy: Invalid value: "OnFailure": only "Never" is supported when podFailurePolicy is specified'],
    ],
    [
      'a failure policy that looks at nothing',
      job(policy({ action: 'FailJob' })),
      ['spec.podFailurePolicy.rules[0]: Invalid value: specifying one of OnExitCodes and OnPodConditions is required'],
    ],
    [
      'exit codes out of order, one of them success',
      job(policy({ action: 'FailJob', onExitCodes: { containerName: 'x', operator: 'In', values: [3, 0, 3] } })),
      [
        'spec.podFailurePolicy.rules[0].onExitCodes.containerName: Invalid value: "x": must be one of the container or initContainer names in the pod template',
        'spec.podFailurePolicy.rules[0].onExitCodes.values[1]: Invalid value: 0: must not be 0 for the In operator',
        'spec.podFailurePolicy.rules[0].onExitCodes.values[2]: Duplicate value: 3',
        'spec.podFailurePolicy.rules[0].onExitCodes.values: Invalid value: [3,0,3]: must be ordered',
      ],
    ],
    [
      'a failing index without a limit by index',
      job(policy({ action: 'FailIndex', onExitCodes: { operator: 'In', values: [1] } })),
      ['spec.podFailurePolicy.rules[0].action: Invalid value: "FailIndex": requires the backoffLimitPerIndex to be set'],
    ],
    [
      'a success policy without rules',
      indexed({ successPolicy: { rules: [] } }),
      ['spec.successPolicy.rules: Required value: at least one rules must be specified when the successPolicy is specified'],
    ],
    [
      'a success policy of indexes that are not there',
      indexed({ successPolicy: { rules: [{ succeededIndexes: '0,5' }, { succeededIndexes: '0-1', succeededCount: 3 }] } }),
      [
        'spec.successPolicy.rules[0].succeededIndexes: Invalid value: "0,5": error parsing succeededIndexes: too large index: "5"',
        'spec.successPolicy.rules[1].succeededCount: Invalid value: 3: must be less than or equal to 2 (the number of indexes in the specified succeededIndexes field)',
      ],
    ],
    [
      'a manager without a domain',
      job({ managedBy: 'me' }),
      ['spec.managedBy: Invalid value: "me": must be a domain-prefixed path (such as "acme.io/foo")'],
    ],
    [
      'pods that have no name to be called by',
      { ...indexed(), metadata: { ...metadata, name: 'a.b' } },
      ['metadata.name: Invalid value: "a.b": will not able to create pod with invalid DNS label: a.b-2'],
    ],
    [
      'a schedule that is none',
      cronJob({ schedule: 'error' }),
      ['spec.schedule: Invalid value: "error": expected exactly 5 fields, found 1: [error]'],
    ],
    ['no schedule', cronJob({ schedule: '' }), ['spec.schedule: Required value']],
    [
      'a zone in a schedule',
      cronJob({ schedule: 'TZ=UTC 0 * * * *' }),
      ['spec.schedule: Invalid value: "TZ=UTC 0 * * * *": cannot use TZ or CRON_TZ in schedule, use timeZone field instead'],
    ],
    ['a zone that is none', cronJob({ timeZone: 'Mars/Base' }), ['spec.timeZone: Invalid value: "Mars/Base": unknown time zone Mars/Base']],
    [
      'a zone that nobody can know',
      cronJob({ timeZone: 'Local' }),
      ['spec.timeZone: Invalid value: "Local": timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones'],
    ],
    [
      'a policy of concurrency that is none',
      cronJob({ concurrencyPolicy: 'Never' }),
      ['spec.concurrencyPolicy: Unsupported value: "Never": supported values: "Allow", "Forbid", "Replace"'],
    ],
    [
      'a name too long for its jobs',
      cronJob({}, 'x'.repeat(53)),
      [`metadata.name: Invalid value: "${'x'.repeat(53)}": must be no more than 52 bytes`],
    ],
    [
      'a selector in a template of jobs',
      cronJob({ jobTemplate: { spec: { template: once, selector } } }),
      ['spec.jobTemplate.spec.selector: Invalid value: {"matchLabels":{"app":"a"}}: `selector` will be auto-generated'],
    ],
    [
      'fewer at most than at least',
      autoscaler({ minReplicas: 5 }),
      ['spec.maxReplicas: Invalid value: 3: must be greater than or equal to `minReplicas`'],
    ],
    [
      'nothing to scale, and to nothing',
      autoscaler({ scaleTargetRef: { kind: '', name: '' }, minReplicas: 0, maxReplicas: 0 }),
      [
        'spec.minReplicas: Invalid value: 0: must be greater than or equal to 1',
        'spec.maxReplicas: Invalid value: 0: must be greater than 0',
        'spec.scaleTargetRef.kind: Required value',
        'spec.scaleTargetRef.name: Required value',
        'spec.metrics: Forbidden: must specify at least one Object or External metric to support scaling to zero replicas',
      ],
    ],
    [
      'a metric of another type than it says',
      autoscaler({ metrics: [{ ...utilization(50), type: 'Pods' }] }),
      ['spec.metrics[0].pods: Required value: must populate information for the given metric source'],
    ],
    [
      'a policy of scaling that looks back for too long',
      autoscaler({
        behavior: { scaleUp: { policies: [{ type: 'Pods', value: 0, periodSeconds: 1801 }], stabilizationWindowSeconds: 3601 } },
      }),
      [
        'spec.behavior.scaleUp.stabilizationWindowSeconds: Invalid value: 3601: must be less than or equal to 3600',
        'spec.behavior.scaleUp.policies[0].value: Invalid value: 0: must be greater than zero',
        'spec.behavior.scaleUp.policies[0].periodSeconds: Invalid value: 1801: must be less than or equal to 1800',
      ],
    ],
  ])('%s', (_, manifest, problems) => {
    expect(problemsOf(manifest)).toEqual(problems);
  });
});

describe('what may not move', () => {
  const FORBIDDEN =
    "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";
  const suspended = job({ suspend: true });
  const elsewhere = { template: { spec: { ...once.spec, nodeSelector: { disk: 'ssd' } } } };

  it.each<[string, Manifest, Manifest, readonly string[]]>([
    ['the service of a StatefulSet', statefulSet({ serviceName: 'b' }), statefulSet(), [FORBIDDEN]],
    ['the claims of a StatefulSet', statefulSet({ volumeClaimTemplates: [claim] }), statefulSet(), [FORBIDDEN]],
    [
      'the selector of a DaemonSet',
      daemonSet({ selector: { matchLabels: { app: 'b' } }, template: { ...template, metadata: { labels: { app: 'b' } } } }),
      daemonSet(),
      ['spec.selector: Invalid value: {"matchLabels":{"app":"b"}}: field is immutable'],
    ],
    ['how often a Job is to succeed', job({ completions: 3 }), job(), ['spec.completions: Invalid value: 3: field is immutable']],
    [
      'the completions of an Indexed Job alone',
      indexed({ completions: 5, parallelism: 2 }),
      indexed(),
      ['spec.completions: Invalid value: 5: can only be modified in tandem with spec.parallelism'],
    ],
    ['who manages a Job', job({ managedBy: 'a.io/b' }), job(), ['spec.managedBy: Invalid value: "a.io/b": field is immutable']],
  ])('%s', (_, next, old, problems) => {
    expect(problemsOfUpdate(next, old)).toEqual(problems);
  });

  it.each<[string, Manifest, Manifest]>([
    [
      'how many pods a StatefulSet has, and what they are',
      statefulSet({ replicas: 5, minReadySeconds: 3, ordinals: { start: 2 } }),
      statefulSet(),
    ],
    [
      'a StatefulSet whose service never had a good name',
      statefulSet({ serviceName: 'A_B', replicas: 2 }),
      statefulSet({ serviceName: 'A_B' }),
    ],
    ['completions of an Indexed Job with its parallelism', indexed({ completions: 5, parallelism: 5 }), indexed()],
    ['where the pods of a suspended Job go', job({ suspend: true, ...elsewhere }), suspended],
    [
      'what the pods of a suspended Job ask for',
      job({ template: { spec: { ...once.spec, containers: [{ ...containers[0], resources: { limits: { cpu: '1' } } }] } } }),
      suspended,
    ],
    [
      'a CronJob that always had a zone in its schedule',
      cronJob({ schedule: 'TZ=UTC 1 * * * *' }),
      cronJob({ schedule: 'TZ=UTC 0 * * * *' }),
    ],
  ])('is not %s', (_, next, old) => {
    expect(problemsOfUpdate(next, old)).toEqual([]);
  });

  it('is the template of a Job that runs, or has pods', () => {
    const [running] = problemsOfUpdate(job(elsewhere), job());
    expect(running).toMatch(/^spec\.template: Invalid value: .*: field is immutable$/);
    expect(problemsOfUpdate(job(elsewhere), suspended, { startTime: formatTime(MADE_AT) })).toHaveLength(1);
  });

  it('the generation of a DaemonSet’s template follows its template', () => {
    const { strategy } = definitionFor(daemonSet());
    const old = made(daemonSet());
    const moved = made(daemonSet({ template: { ...template, spec: { containers: [{ name: 'c', image: 'i:2' }] } } }));
    const generation = 'deprecated.daemonset.template.generation';
    expect(strategy.prepareForUpdate(moved, old, { now: MADE_AT }).metadata.annotations).toEqual({ [generation]: '2' });
    expect(strategy.prepareForUpdate(made(daemonSet({ minReadySeconds: 5 })), old, { now: MADE_AT }).metadata).toMatchObject({
      generation: 2,
      annotations: { [generation]: '1' },
    });
  });
});

describe('the status of a Job', () => {
  const conditions = (...types: readonly string[]): object => ({ conditions: types.map((type) => ({ type, status: 'True' })) });
  const startTime = formatTime(MADE_AT);
  const completionTime = formatTime(MADE_AT + 1000);
  const done = { ...conditions('SuccessCriteriaMet', 'Complete'), startTime, completionTime, succeeded: 1 };

  it.each<[string, object, object, readonly string[]]>([
    ['may end in success', done, { startTime }, []],
    ['may end in failure', { ...conditions('FailureTarget', 'Failed'), startTime, failed: 1 }, { startTime }, []],
    [
      'ends one way',
      { ...done, ...conditions('SuccessCriteriaMet', 'Complete', 'FailureTarget', 'Failed') },
      {},
      [
        'status.conditions: Invalid value: cannot set Complete=True and Failed=true conditions',
        'status.conditions: Invalid value: cannot set Complete=True and FailureTarget=true conditions',
        'status.conditions: Invalid value: cannot set SuccessCriteriaMet=True and Failed=true conditions',
        'status.conditions: Invalid value: cannot set SuccessCriteriaMet=True and FailureTarget=true conditions',
      ],
    ],
    [
      'says when it ended',
      { ...conditions('SuccessCriteriaMet', 'Complete'), startTime },
      {},
      ['status.completionTime: Required value: completionTime is required for Complete jobs'],
    ],
    [
      'has no pods that still run when it has ended',
      { ...done, active: 1 },
      {},
      ['status.active: Invalid value: 1: active>0 is invalid for finished job'],
    ],
    [
      'does not begin again',
      { startTime: formatTime(MADE_AT + 5000) },
      { startTime },
      ['status.startTime: Required value: startTime cannot be removed for unsuspended job'],
    ],
    [
      'does not count backwards',
      { failed: 1 },
      { failed: 2, succeeded: 1 },
      [
        'status.failed: Invalid value: 1: cannot decrease the failed counter',
        'status.succeeded: Invalid value: 0: cannot decrease the succeeded counter',
      ],
    ],
    [
      'does not take back its end',
      { startTime },
      { ...conditions('FailureTarget'), startTime },
      ['status.conditions: Invalid value: cannot disable the terminal FailureTarget=True condition'],
    ],
    [
      'has no indexes where there are none',
      { completedIndexes: '0' },
      {},
      ['status.completedIndexes: Invalid value: "0": cannot set non-empty completedIndexes when non-indexed completion mode'],
    ],
    [
      'has no more ready pods than active ones',
      { ready: 1 },
      {},
      ['status.ready: Invalid value: 1: cannot set more ready pods than active'],
    ],
    [
      'names each pod once',
      { uncountedTerminatedPods: { succeeded: ['a'], failed: ['a', ''] } },
      {},
      [
        'status.uncountedTerminatedPods.failed[0]: Duplicate value: "a"',
        'status.uncountedTerminatedPods.failed[1]: Invalid value: "": must not be empty',
      ],
    ],
  ])('%s', (_, next, old, problems) => {
    expect(problemsOfStatus(job(), next, old)).toEqual(problems);
  });

  it('has no index that both succeeded and failed', () => {
    expect(problemsOfStatus(indexed({ backoffLimitPerIndex: 1 }), { completedIndexes: '0-1', failedIndexes: '1' })).toEqual([
      'status.failedIndexes: Invalid value: "1": failedIndexes and completedIndexes overlap at index: 1',
    ]);
  });
});

describe('an autoscaler in both versions', () => {
  const stored = made(
    autoscaler({
      metrics: [
        { type: 'Resource', resource: { name: 'memory', target: { type: 'AverageValue', averageValue: '1Gi' } } },
        { type: 'Pods', pods: { metric: { name: 'rate', selector }, target: { type: 'AverageValue', averageValue: '5' } } },
        {
          type: 'Object',
          object: {
            metric: { name: 'hits' },
            describedObject: { apiVersion: 'v1', kind: 'Service', name: 's' },
            target: { type: 'Value', value: '10' },
          },
        },
        { type: 'External', external: { metric: { name: 'queue', selector }, target: { type: 'Value', value: '30' } } },
        {
          type: 'ContainerResource',
          containerResource: { name: 'cpu', container: 'c', target: { type: 'Utilization', averageUtilization: 70 } },
        },
        utilization(50),
      ],
      behavior: { scaleUp: { stabilizationWindowSeconds: 5, tolerance: '100m' } },
    }),
  ) as HorizontalPodAutoscaler;
  const v1 = definitionFor({ apiVersion: 'autoscaling/v1', kind: 'HorizontalPodAutoscaler' });
  const full = {
    ...stored,
    metadata: { ...stored.metadata, annotations: { mine: 'x' } },
    status: {
      currentReplicas: 2,
      desiredReplicas: 3,
      currentMetrics: [{ type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 40, averageValue: '4m' } } }],
      conditions: [{ type: 'AbleToScale', status: 'True', lastTransitionTime: formatTime(MADE_AT), reason: 'R', message: 'm' }],
    },
  };

  it('says in annotations what v1 has no members for', () => {
    const old = v1.storage?.fromStored(full);
    expect(old).toMatchObject({
      apiVersion: 'autoscaling/v1',
      spec: { targetCPUUtilizationPercentage: 50, minReplicas: 1, maxReplicas: 3 },
      status: { currentReplicas: 2, desiredReplicas: 3, currentCPUUtilizationPercentage: 40 },
    });
    const annotations = old?.metadata.annotations ?? {};
    expect(JSON.parse(annotations['autoscaling.alpha.kubernetes.io/metrics'] ?? '')).toEqual([
      { type: 'Resource', resource: { name: 'memory', targetAverageValue: '1Gi' } },
      { type: 'Pods', pods: { metricName: 'rate', selector, targetAverageValue: '5' } },
      { type: 'Object', object: { target: { apiVersion: 'v1', kind: 'Service', name: 's' }, metricName: 'hits', targetValue: '10' } },
      { type: 'External', external: { metricName: 'queue', metricSelector: selector, targetValue: '30' } },
      { type: 'ContainerResource', containerResource: { name: 'cpu', container: 'c', targetAverageUtilization: 70 } },
    ]);
    expect(JSON.parse(annotations['autoscaling.alpha.kubernetes.io/behavior'] ?? '')).toMatchObject({
      ScaleUp: { StabilizationWindowSeconds: 5, SelectPolicy: 'Max', Tolerance: '100m' },
    });
  });

  it('loses nothing on the way through v1', () => {
    const old = v1.storage?.fromStored(full);
    expect(old && v1.storage?.toStored(old)).toEqual(full);
  });

  it('is given a target by v1 as by v2', () => {
    const { spec } = autoscaler();
    const old = made({ apiVersion: 'autoscaling/v1', kind: 'HorizontalPodAutoscaler', metadata, spec });
    expect(old).toMatchObject({ spec: { targetCPUUtilizationPercentage: 80 } });
    expect(v1.strategy.validate(old)).toEqual([]);
  });

  it('ignores annotations that say nothing', () => {
    const annotations = { 'autoscaling.alpha.kubernetes.io/metrics': '{', 'autoscaling.alpha.kubernetes.io/behavior': '7' };
    const old = { apiVersion: 'autoscaling/v1', kind: 'HorizontalPodAutoscaler', metadata: { ...metadata, annotations } } as KubeObject;
    expect(v1.storage?.toStored(old)).toEqual({ apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler', metadata });
  });
});

describe('the columns of workloads', () => {
  const cells = (manifest: Manifest, status: object): string => {
    const object = { ...made(manifest), status } as KubeObject;
    return definitionFor(manifest)
      .columns.filter(({ name }) => name !== 'Age')
      .map(({ cell }) => cell(object, MADE_AT))
      .join(' | ');
  };

  it.each<[string, Manifest, object, string]>([
    ['a StatefulSet', statefulSet({ replicas: 3 }), { readyReplicas: 2 }, 'a | 2/3 | c | i:1'],
    ['a DaemonSet', daemonSet(), { desiredNumberScheduled: 2, numberReady: 1 }, 'a | 2 | 0 | 1 | 0 | 0 | <none> | c | i:1 | app=a'],
    ['a Job', job(), { startTime: '2026-01-02T03:04:00Z' }, 'a | Running | 0/1 | 5s | c | i:1 | batch.kubernetes.io/controller-uid=u'],
    [
      'a Job that has ended',
      job({ parallelism: 2 }),
      {
        startTime: '2026-01-02T03:00:00Z',
        completionTime: '2026-01-02T03:01:00Z',
        succeeded: 1,
        conditions: [{ type: 'Complete', status: 'True' }],
      },
      'a | Complete | 1/1 of 2 | 60s | c | i:1 | batch.kubernetes.io/controller-uid=u',
    ],
    [
      'a CronJob',
      cronJob({ timeZone: 'Europe/Berlin' }),
      { active: [{}], lastScheduleTime: '2026-01-02T03:00:05Z' },
      'a | */5 * * * * | Europe/Berlin | False | 1 | 4m | c | i:1 | <none>',
    ],
    ['a CronJob that has not run', cronJob(), {}, 'a | */5 * * * * | <none> | False | 0 | <none> | c | i:1 | <none>'],
    ['an autoscaler', autoscaler(), { desiredReplicas: 0 }, 'a | Deployment/web | cpu: <unknown>/80% | 1 | 3 | 0'],
    [
      'an autoscaler of many metrics',
      autoscaler({
        metrics: [
          utilization(50),
          { type: 'External', external: { metric: { name: 'q' }, target: { type: 'AverageValue', averageValue: '3' } } },
          utilization(60),
        ],
      }),
      { currentMetrics: [{ type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 7 } } }] },
      'a | Deployment/web | cpu: 7%/50%, <unknown>/3 (avg) + 1 more... | 1 | 3 | 0',
    ],
  ])('%s', (_, manifest, status, expected) => {
    expect(cells(manifest, status)).toBe(expected);
  });

  it('a Job is found by how many of its pods succeeded', () => {
    const found = definitionFor(job()).fields['status.successful']?.({ ...(made(job()) as Job), status: { succeeded: 2 } } as KubeObject);
    expect(found).toBe('2');
  });
});

describe('what a client is told of a workload', () => {
  it.each<[string, Manifest, readonly string[]]>([
    [
      'a name that is no label',
      { ...job(), metadata: { ...metadata, name: 'a.b' } },
      [expect.stringContaining('metadata.name: this is used in Pod names and hostnames') as unknown as string],
    ],
    [
      'a history without an end',
      statefulSet({ revisionHistoryLimit: -1 }),
      ['spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended'],
    ],
    [
      'a zone in a schedule',
      cronJob({ schedule: 'TZ=UTC 0 * * * *' }),
      ['cannot use TZ or CRON_TZ in spec.schedule, use timeZone instead'],
    ],
    ['nothing where nothing is strange', daemonSet(), []],
  ])('%s', (_, manifest, expected) => {
    expect(definitionFor(manifest).strategy.warnings(made(manifest), undefined)).toEqual(expected);
  });
});
