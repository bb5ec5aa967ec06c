import type { Job, JobStatus, Pod } from '#libs/api';
import type { Change, ReconcileResult } from '#libs/apimachinery';
import { reconcileJob, refuseJob } from './reconcile.js';

const NOW = Date.parse('2026-01-01T01:00:00Z');
const STARTED = '2026-01-01T00:00:00Z';
const LABELS = { 'batch.kubernetes.io/controller-uid': 'job' };
const TRACKING = 'batch.kubernetes.io/job-tracking';
const INDEX = 'batch.kubernetes.io/job-completion-index';

const job = (spec: Partial<Job['spec']> = {}, status: JobStatus = {}, metadata: object = {}): Job => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name: 'pi', namespace: 'default', uid: 'job', generation: 1, ...metadata },
  spec: {
    parallelism: 2,
    completions: 3,
    backoffLimit: 6,
    completionMode: 'NonIndexed',
    selector: { matchLabels: LABELS },
    template: { metadata: { labels: LABELS }, spec: { containers: [{ name: 'c', image: 'i' }], restartPolicy: 'Never' } },
    ...spec,
  },
  status: { startTime: STARTED, uncountedTerminatedPods: {}, terminating: 0, ready: 0, ...status },
});

interface PodWish {
  readonly phase?: string;
  readonly index?: number;
  readonly exitCode?: number;
  readonly held?: boolean;
  readonly deleted?: boolean;
  readonly ended?: string;
  readonly failures?: number;
  readonly conditions?: readonly { readonly type: string; readonly status: string }[];
}

const pod = (name: string, wish: PodWish = {}): Pod => {
  const { phase = 'Running', index, exitCode, held = true, deleted, ended = STARTED, failures, conditions = [] } = wish;
  const annotations = {
    ...(index === undefined ? {} : { [INDEX]: String(index) }),
    ...(failures === undefined ? {} : { 'batch.kubernetes.io/job-index-failure-count': String(failures) }),
  };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: 'default',
      uid: `uid-${name}`,
      labels: LABELS,
      annotations,
      creationTimestamp: STARTED,
      ...(held ? { finalizers: [TRACKING] } : {}),
      ...(deleted ? { deletionTimestamp: STARTED } : {}),
    },
    spec: { containers: [], nodeName: 'n' },
    status: {
      phase,
      conditions: [{ type: 'Ready', status: phase === 'Running' ? 'True' : 'False', lastTransitionTime: ended }, ...conditions],
      ...(exitCode === undefined
        ? {}
        : {
            containerStatuses: [
              { name: 'c', image: '', imageID: '', ready: false, restartCount: 0, state: { terminated: { exitCode, finishedAt: ended } } },
            ],
          }),
    },
  };
};
const done = (name: string, wish: PodWish = {}): Pod => pod(name, { phase: 'Succeeded', ...wish });
const failed = (name: string, wish: PodWish = {}): Pod => pod(name, { phase: 'Failed', exitCode: 1, ...wish });

const reconcile = (what: Job, pods: readonly Pod[] = []): ReconcileResult => reconcileJob({ job: what, owned: pods, orphans: [] }, NOW);

function said(change: Change): string {
  if (change.verb === 'delete') return `delete ${change.name}`;
  const { metadata } = change.object;
  if (change.verb === 'create') return `create ${metadata.generateName ?? ''}`;
  return change.subresource ? 'status' : `release ${metadata.name ?? ''}`;
}

const acts = ({ changes }: ReconcileResult): readonly string[] =>
  changes.filter(({ resource }) => resource.resource !== 'events').map(said);
const statusIn = ({ changes }: ReconcileResult): JobStatus | undefined =>
  changes.flatMap((change) => (change.verb === 'update' && change.subresource ? [(change.object as Job).status] : []))[0];
const toldIn = ({ changes }: ReconcileResult): readonly string[] =>
  changes.flatMap((change) =>
    change.verb === 'create' && change.resource.resource === 'events' ? [(change.object as unknown as { reason: string }).reason] : [],
  );
const conditions = (status: JobStatus | undefined): readonly string[] =>
  (status?.conditions ?? []).map(({ type, status: holds, reason = '' }) => `${type}=${holds} ${reason}`);

describe('a Job makes pods', () => {
  it('as many at a time as it may, and says when it started', () => {
    const result = reconcile({ ...job(), status: {} });
    expect(acts(result)).toEqual(['status', 'create pi-', 'create pi-']);
    expect(statusIn(result)).toEqual({ startTime: '2026-01-01T01:00:00Z', uncountedTerminatedPods: {}, terminating: 0, ready: 0 });
    expect(toldIn(result)).toEqual(['SuccessfulCreate', 'SuccessfulCreate']);
  });

  it('which it holds until it has counted them', () => {
    const [create] = reconcile(job({ completions: 1 })).changes;
    expect(create).toMatchObject({
      object: { metadata: { finalizers: [TRACKING], labels: LABELS, ownerReferences: [{ uid: 'job', controller: true }] } },
    });
  });

  it.each<[string, Job, readonly Pod[], readonly string[]]>([
    ['no more than are still to succeed', job({ completions: 2 }, { succeeded: 1, active: 1, ready: 1 }), [pod('a')], []],
    ['none beside enough that run', job({}, { active: 2, ready: 2 }), [pod('a'), pod('b')], []],
    [
      'fewer where it may have fewer',
      job({ parallelism: 1 }, { active: 2, ready: 2 }),
      [pod('a'), pod('b', { phase: 'Pending' })],
      ['status', 'delete b'],
    ],
    [
      'none once one succeeded, where it does not matter how many do',
      job({ completions: undefined as never }, { succeeded: 1, active: 1, ready: 1 }),
      [pod('a')],
      [],
    ],
    ['none while it is suspended', job({ suspend: true }, { active: 1, ready: 1 }), [pod('a')], ['status', 'delete a']],
    ['none while it is being deleted', job({}, {}, { deletionTimestamp: STARTED }), [], []],
    [
      'in place of one that is deleted at once',
      job({ completions: 1 }, { terminating: 1, uncountedTerminatedPods: { failed: ['uid-a'] } }),
      [pod('a', { deleted: true })],
      ['release a', 'create pi-'],
    ],
    [
      'in place of one that is deleted only when it has ended, where the Job says so',
      job({ completions: 1, podReplacementPolicy: 'Failed' }, { terminating: 1 }),
      [pod('a', { deleted: true })],
      [],
    ],
  ])('%s', (_rule, what, pods, expected) => {
    expect(acts(reconcile(what, pods))).toEqual(expected);
  });

  it.each([
    ['ten seconds after a failure', [failed('a', { ended: '2026-01-01T00:59:55Z' })], 5000],
    ['twenty after two in a row', [failed('a'), failed('b', { ended: '2026-01-01T00:59:55Z' })], 15_000],
    [
      'and at once where the last ones succeeded',
      [failed('a', { ended: '2026-01-01T00:59:55Z' }), done('b', { ended: '2026-01-01T00:59:58Z', exitCode: 0 })],
      undefined,
    ],
  ])('%s', (_rule, pods, wait) => {
    const result = reconcile(job(), pods);
    expect(result.requeueAfterMs).toBe(wait);
    expect(acts(result).includes('create pi-')).toBe(wait === undefined);
  });

  it('leaves a Job alone that somebody else manages, or that has ended', () => {
    expect(reconcile(job({ managedBy: 'example.com/other' }))).toEqual({ changes: [] });
    expect(reconcile(job({}, { conditions: [{ type: 'Failed', status: 'True' }] }), [failed('a')])).toEqual({ changes: [] });
  });

  it('says that its pods can not be created', () => {
    const change: Change = { verb: 'create', resource: { group: '', version: 'v1', resource: 'pods' }, object: pod('x') };
    const changes = refuseJob({ job: job(), owned: [], orphans: [] }, [{ change, reason: 'Forbidden', message: 'no' }], NOW);
    expect(changes).toMatchObject([{ object: { reason: 'FailedCreate', message: 'Error creating: no', type: 'Warning' } }]);
  });
});

describe('a Job counts its pods', () => {
  it('lists those that ended before it lets them go', () => {
    const result = reconcile(job({ completions: 5 }, { active: 1, ready: 1 }), [done('a'), pod('b'), failed('c')]);
    expect(acts(result)).toEqual(['status', 'create pi-']);
    expect(statusIn(result)).toMatchObject({ active: 1, uncountedTerminatedPods: { succeeded: ['uid-a'], failed: ['uid-c'] } });
  });

  it('lists no more than five hundred at a time, and counts all of them', () => {
    const pods = Array.from({ length: 600 }, (_, index) => done(`p${index}`));
    const status = statusIn(
      reconcile(job({ completions: 600, parallelism: 600 }, { uncountedTerminatedPods: { succeeded: ['uid-p599'] } }), pods),
    );
    expect(status?.uncountedTerminatedPods?.succeeded).toHaveLength(500);
    expect(status?.uncountedTerminatedPods?.succeeded?.[0]).toBe('uid-p599');
    expect(conditions(status)).toEqual(['SuccessCriteriaMet=True CompletionsReached']);
  });

  it('lets go of those that are listed', () => {
    const listed = job({}, { active: 2, ready: 2, uncountedTerminatedPods: { succeeded: ['uid-a'] } });
    expect(acts(reconcile(listed, [done('a'), pod('b'), pod('c')]))).toEqual(['release a']);
  });

  it('moves into its counters those that are gone or let go', () => {
    const listed = job({}, { active: 2, ready: 2, uncountedTerminatedPods: { succeeded: ['uid-a'], failed: ['uid-x'] } });
    const result = reconcile(listed, [done('a', { held: false }), pod('b'), pod('c')]);
    expect(statusIn(result)).toMatchObject({ succeeded: 1, failed: 1, uncountedTerminatedPods: {} });
  });

  it('says that it has ended only when all is counted', () => {
    const all = [done('a'), done('b', { held: false }), done('c', { held: false })];
    const before = job({}, { succeeded: 2, uncountedTerminatedPods: { succeeded: ['uid-a'] } });
    const target = reconcile(before, all);
    expect(conditions(statusIn(target))).toEqual(['SuccessCriteriaMet=True CompletionsReached']);
    const after = { ...before, status: { ...statusIn(target) } };
    const end = reconcile(after, [done('a', { held: false }), ...all.slice(1)]);
    expect(conditions(statusIn(end))).toEqual(['SuccessCriteriaMet=True CompletionsReached', 'Complete=True CompletionsReached']);
    expect(statusIn(end)).toMatchObject({ succeeded: 3, completionTime: '2026-01-01T01:00:00Z' });
    expect(toldIn(end)).toEqual(['Completed']);
  });

  it('that is being deleted lets all of them go', () => {
    const listed = job({}, { active: 1, ready: 1, uncountedTerminatedPods: { failed: ['uid-a'] } }, { deletionTimestamp: STARTED });
    expect(acts(reconcile(listed, [pod('a')]))).toEqual(['release a']);
  });
});

describe('a Job fails', () => {
  const rule = (action: string, values: readonly number[]): Partial<Job['spec']> => ({
    podFailurePolicy: { rules: [{ action, onExitCodes: { operator: 'In', values } }] },
  });

  it.each<[string, Job, readonly Pod[], string, string]>([
    [
      'after too many failures',
      job({ backoffLimit: 1 }, { failed: 1 }),
      [failed('a')],
      'BackoffLimitExceeded',
      'Job has reached the specified backoff limit',
    ],
    [
      'past its deadline',
      job({ activeDeadlineSeconds: 60 }),
      [pod('a')],
      'DeadlineExceeded',
      'Job was active longer than specified deadline',
    ],
    [
      'where its policy says so',
      job(rule('FailJob', [42])),
      [failed('a', { exitCode: 42 })],
      'PodFailurePolicy',
      'Container c for pod default/a failed with exit code 42 matching FailJob rule at index 0',
    ],
    [
      'where its policy says so of a condition',
      job({ podFailurePolicy: { rules: [{ action: 'FailJob', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] }] } }),
      [failed('a', { conditions: [{ type: 'DisruptionTarget', status: 'True' }] })],
      'PodFailurePolicy',
      'Pod default/a has condition DisruptionTarget matching FailJob rule at index 0',
    ],
    [
      'when all indexes have ended and one has failed',
      job({ completionMode: 'Indexed', backoffLimitPerIndex: 0, backoffLimit: 2147483647, completions: 2 }, { completedIndexes: '0' }),
      [failed('a', { index: 1 })],
      'FailedIndexes',
      'Job has failed indexes',
    ],
    [
      'with more failed indexes than it may have',
      job({ completionMode: 'Indexed', backoffLimitPerIndex: 0, maxFailedIndexes: 0, backoffLimit: 2147483647 }),
      [failed('a', { index: 1 })],
      'MaxFailedIndexesExceeded',
      'Job has exceeded the specified maximal number of failed indexes',
    ],
  ])('%s', (_rule, what, pods, reason, message) => {
    const status = statusIn(reconcile(what, pods));
    expect(status?.conditions?.[0]).toMatchObject({ type: 'FailureTarget', status: 'True', reason, message });
  });

  it('deletes what still runs, and says so at the end', () => {
    const failing = job(
      {},
      { conditions: [{ type: 'FailureTarget', status: 'True', reason: 'DeadlineExceeded', message: 'm' }], active: 1, ready: 1 },
    );
    expect(acts(reconcile(failing, [pod('a')]))).toEqual(['delete a']);
    const end = reconcile({ ...failing, status: { ...failing.status, failed: 1 } }, []);
    expect(conditions(statusIn(end))).toEqual(['FailureTarget=True DeadlineExceeded', 'Failed=True DeadlineExceeded']);
    expect(toldIn(end)).toEqual(['DeadlineExceeded']);
    expect(statusIn(end)).not.toHaveProperty('completionTime');
  });

  it('not by failures that its policy ignores', () => {
    const result = reconcile(job({ backoffLimit: 0, ...rule('Ignore', [5]) }), [failed('a', { exitCode: 5 })]);
    expect(conditions(statusIn(result))).toEqual([]);
    expect(acts(result)).toEqual(['release a', 'create pi-', 'create pi-']);
  });

  it('looks again when its deadline has come', () => {
    expect(reconcile(job({ activeDeadlineSeconds: 3700 }, { active: 2, ready: 2 }), [pod('a'), pod('b')]).requeueAfterMs).toBe(100_000);
  });
});

describe('an Indexed Job', () => {
  const indexed = (spec: Partial<Job['spec']> = {}, status: JobStatus = {}): Job => job({ completionMode: 'Indexed', ...spec }, status);

  it('makes one pod for each of the first indexes that nobody works on', () => {
    const creates = reconcile(indexed({ parallelism: 3, completions: 4 }, { completedIndexes: '0', active: 1, ready: 1, succeeded: 1 }), [
      pod('a', { index: 1 }),
    ]).changes.filter(({ verb, resource }) => verb === 'create' && resource.resource === 'pods');
    expect(creates).toMatchObject([
      {
        object: {
          metadata: { generateName: 'pi-2-', annotations: { [INDEX]: '2' }, labels: { [INDEX]: '2' } },
          spec: { hostname: 'pi-2', containers: [{ env: [{ name: 'JOB_COMPLETION_INDEX' }] }] },
        },
      },
      { object: { metadata: { generateName: 'pi-3-' } } },
    ]);
  });

  it('keeps the indexes that have succeeded before it lets their pods go', () => {
    const first = reconcile(indexed({}, { active: 1, ready: 1 }), [done('a', { index: 0 }), pod('b', { index: 1 })]);
    expect(statusIn(first)).toMatchObject({ completedIndexes: '0', succeeded: 1 });
    expect(acts(first)).toEqual(['status', 'create pi-2-']);
    const second = reconcile(indexed({}, { active: 2, ready: 2, ...statusIn(first) }), [
      done('a', { index: 0 }),
      pod('b', { index: 1 }),
      pod('c', { index: 2 }),
    ]);
    expect(acts(second)).toContain('release a');
  });

  it('deletes a second pod of an index, and one of an index that is not wanted', () => {
    const result = reconcile(indexed({ completions: 2 }, { active: 3, ready: 3 }), [
      pod('a', { index: 0 }),
      pod('b', { index: 0 }),
      pod('c', { index: 2 }),
    ]);
    expect(acts(result)).toEqual(['delete b', 'delete c']);
  });

  it('tells the successor of a failed pod how often its index has failed', () => {
    const what = indexed({ backoffLimitPerIndex: 2, backoffLimit: 2147483647, completions: 1 });
    const result = reconcile(what, [failed('a', { index: 0, failures: 1 })]);
    expect(result.changes.find(({ verb, resource }) => verb === 'create' && resource.resource === 'pods')).toMatchObject({
      object: { metadata: { annotations: { 'batch.kubernetes.io/job-index-failure-count': '2' } } },
    });
    expect(acts(result)).not.toContain('release a');
  });

  it('gives up an index that has failed too often, alone', () => {
    const what = indexed({ backoffLimitPerIndex: 1, backoffLimit: 2147483647 }, { failedIndexes: '' });
    const result = reconcile(what, [failed('a', { index: 0, failures: 1 })]);
    expect(statusIn(result)).toMatchObject({ failedIndexes: '0', uncountedTerminatedPods: { failed: ['uid-a'] } });
    expect(acts(result)).toEqual(['status', 'create pi-1-', 'create pi-2-']);
  });

  it('is done when its success policy is met, and deletes the rest', () => {
    const what = indexed({ successPolicy: { rules: [{ succeededIndexes: '0-1', succeededCount: 1 }] } }, { active: 1, ready: 1 });
    const result = reconcile(what, [done('a', { index: 1 }), pod('b', { index: 0 })]);
    expect(conditions(statusIn(result))).toEqual(['SuccessCriteriaMet=True SuccessPolicy']);
    expect(statusIn(result)?.conditions?.[0]?.message).toBe('Matched rules at index 0');
    expect(acts(result)).toEqual(['status', 'delete b']);
  });

  it('forgets indexes above those it is to have', () => {
    expect(statusIn(reconcile(indexed({ completions: 2, parallelism: 2 }, { completedIndexes: '0,1-3', succeeded: 4 })))).toMatchObject({
      completedIndexes: '0,1',
      succeeded: 2,
    });
  });
});

describe('a suspended Job', () => {
  it('has not started, and says so', () => {
    const result = reconcile({ ...job({ suspend: true }), status: {} });
    expect(statusIn(result)).toEqual({
      conditions: [expect.objectContaining({ type: 'Suspended', status: 'True', reason: 'JobSuspended', message: 'Job suspended' })],
      uncountedTerminatedPods: {},
      terminating: 0,
      ready: 0,
    });
    expect(toldIn(result)).toEqual(['Suspended']);
  });

  it('starts anew when it is resumed', () => {
    const result = reconcile(job({}, { conditions: [{ type: 'Suspended', status: 'True' }] }));
    expect(conditions(statusIn(result))).toEqual(['Suspended=False JobResumed']);
    expect(statusIn(result)?.startTime).toBe('2026-01-01T01:00:00Z');
    expect(toldIn(result)).toEqual(['Resumed', 'SuccessfulCreate', 'SuccessfulCreate']);
  });
});
