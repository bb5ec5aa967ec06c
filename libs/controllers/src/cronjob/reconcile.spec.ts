import type { CronJob, CronJobStatus, Job } from '#libs/api';
import type { Change, ReconcileResult } from '#libs/apimachinery';
import { reconcileCronJob, refuseCronJob } from './reconcile.js';

const NOW = Date.parse('2026-01-01T10:00:30Z');
const DUE = '2026-01-01T10:00:00Z';
const AT = `${Date.parse(DUE) / 60_000}`;

const cronJob = (spec: Partial<CronJob['spec']> = {}, status: CronJobStatus = {}, metadata: object = {}): CronJob => ({
  apiVersion: 'batch/v1',
  kind: 'CronJob',
  metadata: { name: 'tick', namespace: 'default', uid: 'cron', creationTimestamp: '2026-01-01T09:58:00Z', ...metadata },
  spec: {
    schedule: '*/5 * * * *',
    concurrencyPolicy: 'Allow',
    successfulJobsHistoryLimit: 3,
    failedJobsHistoryLimit: 1,
    jobTemplate: { metadata: { labels: { a: 'b' } }, spec: { template: {} } },
    ...spec,
  },
  status,
});

const job = (name: string, condition?: string, more: object = {}): Job => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name, namespace: 'default', uid: `uid-${name}`, creationTimestamp: DUE, ...more },
  status: condition
    ? {
        conditions: [{ type: condition, status: 'True' }],
        startTime: `2026-01-01T09:0${name.length % 10}:00Z`,
        ...(condition === 'Complete' ? { completionTime: '2026-01-01T09:30:00Z' } : {}),
      }
    : {},
});
const scheduled = (time: string): Job =>
  job(`tick-${Date.parse(time) / 60_000}`, undefined, { annotations: { 'batch.kubernetes.io/cronjob-scheduled-timestamp': time } });
const activeIn = (...jobs: readonly Job[]): CronJobStatus => ({
  active: jobs.map(({ metadata }) => ({ name: metadata.name ?? '', uid: metadata.uid ?? '' })),
});

const reconcile = (what: CronJob, jobs: readonly Job[] = [], now = NOW): ReconcileResult => reconcileCronJob({ cronJob: what, jobs }, now);

const acts = ({ changes }: ReconcileResult): readonly string[] =>
  changes
    .filter(({ resource }) => resource.resource !== 'events')
    .map((change) =>
      change.verb === 'delete'
        ? `delete ${change.name}`
        : change.verb === 'create'
          ? `create ${change.object.metadata.name ?? ''}`
          : 'status',
    );
const toldIn = ({ changes }: ReconcileResult): readonly string[] =>
  changes.flatMap((change) =>
    change.verb === 'create' && change.resource.resource === 'events' ? [(change.object as unknown as { reason: string }).reason] : [],
  );
const statusIn = ({ changes }: ReconcileResult): CronJobStatus | undefined =>
  changes.flatMap((change) => (change.verb === 'update' ? [(change.object as CronJob).status] : []))[0];

describe('a CronJob', () => {
  it('starts a Job when its time has come, and looks again at the next', () => {
    const result = reconcile(cronJob());
    expect(acts(result)).toEqual([`create tick-${AT}`, 'status']);
    expect(result.changes[0]).toMatchObject({
      object: {
        metadata: {
          labels: { a: 'b' },
          annotations: { 'batch.kubernetes.io/cronjob-scheduled-timestamp': DUE },
          ownerReferences: [{ kind: 'CronJob', uid: 'cron', controller: true }],
        },
      },
    });
    expect(statusIn(result)).toEqual({ lastScheduleTime: DUE });
    expect(toldIn(result)).toEqual(['SuccessfulCreate']);
    expect(result.requeueAfterMs).toBe(270_100);
  });

  it.each<[string, CronJob, readonly Job[], readonly string[], readonly string[]]>([
    ['whose time has not come', cronJob({ schedule: '0 12 * * *' }), [], [], []],
    ['that has run for this time', cronJob({}, { lastScheduleTime: DUE }), [], [], []],
    ['whose Job is there', cronJob({}, activeIn(scheduled(DUE))), [scheduled(DUE)], [], []],
    ['that is suspended', cronJob({ suspend: true }), [], [], []],
    ['that is being deleted', cronJob({}, {}, { deletionTimestamp: DUE }), [], [], []],
    [
      'that is too late',
      cronJob({ schedule: '@every 1m', startingDeadlineSeconds: 0 }, { lastScheduleTime: '2026-01-01T09:59:00Z' }),
      [],
      [],
      [],
    ],
    ['that forbids two at a time', cronJob({ concurrencyPolicy: 'Forbid' }, activeIn(job('x'))), [job('x')], [], ['JobAlreadyActive']],
    ['in a zone that nobody knows', cronJob({ timeZone: 'Mars/Base' }), [], [], ['UnknownTimeZone']],
  ])('%s starts none', (_rule, what, jobs, expected, told) => {
    const result = reconcile(what, jobs);
    expect(acts(result)).toEqual(expected);
    expect(toldIn(result)).toEqual(told);
  });

  it('ends what runs before it starts the next, where it is to be replaced', () => {
    const result = reconcile(cronJob({ concurrencyPolicy: 'Replace' }, activeIn(job('x'))), [job('x')]);
    expect(acts(result)).toEqual(['delete x', `create tick-${AT}`, 'status']);
    expect(result.changes[0]).toMatchObject({ propagationPolicy: 'Background', preconditions: { uid: 'uid-x' } });
  });

  it('runs once for all the times it has missed, and tells of many', () => {
    const result = reconcile(cronJob({ schedule: '* * * * *' }, { lastScheduleTime: '2026-01-01T07:00:00Z' }));
    expect(acts(result)).toEqual([`create tick-${AT}`, 'status']);
    expect(toldIn(result)).toEqual(['TooManyMissedTimes', 'SuccessfulCreate']);
  });

  it('forgets the times that lie before its deadline', () => {
    const what = cronJob({ schedule: '0 * * * *', startingDeadlineSeconds: 20 }, { lastScheduleTime: '2026-01-01T07:00:00Z' });
    expect(acts(reconcile(what))).toEqual([]);
  });

  it('goes by the clocks of its zone, and writes so', () => {
    const [create] = reconcile(cronJob({ schedule: '0 11 * * *', timeZone: 'Europe/Berlin' })).changes;
    expect(create).toMatchObject({
      object: { metadata: { annotations: { 'batch.kubernetes.io/cronjob-scheduled-timestamp': '2026-01-01T11:00:00+01:00' } } },
    });
  });

  it('lists the Jobs that it started and that run', () => {
    const result = reconcile(cronJob({}, { lastScheduleTime: DUE }), [scheduled(DUE)]);
    expect(statusIn(result)).toEqual({
      active: [{ kind: 'Job', namespace: 'default', name: `tick-${AT}`, uid: `uid-tick-${AT}`, apiVersion: 'batch/v1' }],
      lastScheduleTime: DUE,
    });
  });

  it('drops from its list what has ended or is gone, and says when one last succeeded', () => {
    const before = { ...activeIn(job('a'), job('b')), lastScheduleTime: DUE };
    const result = reconcile(cronJob({}, before), [job('a', 'Complete')]);
    expect(statusIn(result)).toEqual({ lastScheduleTime: DUE, lastSuccessfulTime: '2026-01-01T09:30:00Z' });
    expect(toldIn(result)).toEqual(['SawCompletedJob', 'MissingJob']);
  });

  it('tells of a Job that it did not start', () => {
    expect(toldIn(reconcile(cronJob({}, { lastScheduleTime: DUE }), [job('manual')]))).toEqual(['UnexpectedJob']);
  });

  it('keeps so many of those that ended as it is to, the newest', () => {
    const jobs = [job('a', 'Complete'), job('bb', 'Complete'), job('ccc', 'Failed'), job('dddd', 'Failed')];
    const what = cronJob({ successfulJobsHistoryLimit: 0 }, { lastScheduleTime: DUE, lastSuccessfulTime: '2026-01-01T09:30:00Z' });
    expect(acts(reconcile(what, jobs))).toEqual(['delete a', 'delete bb', 'delete ccc']);
  });

  it('says that its Job can not be made', () => {
    const change: Change = { verb: 'create', resource: { group: 'batch', version: 'v1', resource: 'jobs' }, object: job('x') };
    const changes = refuseCronJob({ cronJob: cronJob(), jobs: [] }, [{ change, reason: 'Forbidden', message: 'no' }], NOW);
    expect(changes).toMatchObject([{ object: { reason: 'FailedCreate', message: 'Error creating job: no', type: 'Warning' } }]);
  });
});
