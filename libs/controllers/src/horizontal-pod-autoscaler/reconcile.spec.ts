import { DEPLOYMENTS, type HorizontalPodAutoscaler, type HorizontalPodAutoscalerStatus } from '#libs/api';
import type { Change } from '#libs/apimachinery';
import { reconcileAutoscaler, refuseAutoscaler, type AutoscalerSnapshot } from './reconcile.js';

const NOW = Date.parse('2026-01-01T01:00:00Z');
const CPU = { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } };

const autoscaler = (spec: object = {}, status?: object): HorizontalPodAutoscaler =>
  ({
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name: 'web', namespace: 'default', uid: 'hpa' },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
      minReplicas: 2,
      maxReplicas: 4,
      metrics: [CPU],
      ...spec,
    },
    ...(status ? { status } : {}),
  }) as HorizontalPodAutoscaler;

const snapshot = (what: HorizontalPodAutoscaler, replicas: number | undefined): AutoscalerSnapshot => ({
  autoscaler: what,
  target:
    replicas === undefined
      ? undefined
      : {
          resource: DEPLOYMENTS,
          object: {
            apiVersion: 'apps/v1',
            kind: 'Deployment',
            metadata: { name: 'web', namespace: 'default', resourceVersion: '7' },
            spec: { replicas },
          },
        },
  missing: 'deployments.apps "web" not found',
});

const decide = (what: HorizontalPodAutoscaler, replicas?: number): readonly Change[] =>
  reconcileAutoscaler(snapshot(what, replicas), NOW).changes;
const statusIn = (changes: readonly Change[]): HorizontalPodAutoscalerStatus | undefined =>
  changes.flatMap((change) =>
    change.verb === 'update' && change.subresource === 'status' ? [(change.object as HorizontalPodAutoscaler).status] : [],
  )[0];
const conditionsIn = (changes: readonly Change[]): readonly string[] =>
  (statusIn(changes)?.conditions ?? []).map(({ type, status, reason = '' }) => `${type}=${status} ${reason}`);
const sizeIn = (changes: readonly Change[]): unknown =>
  changes.find((change) => change.verb === 'update' && change.subresource === 'scale');
const toldIn = (changes: readonly Change[]): readonly string[] =>
  changes.flatMap((change) =>
    change.verb === 'create' && change.resource.resource === 'events' ? [(change.object as unknown as { reason: string }).reason] : [],
  );

describe('an autoscaler without a metrics API', () => {
  it('says so, and leaves its target alone', () => {
    const changes = decide(autoscaler(), 3);
    expect(conditionsIn(changes)).toEqual(['AbleToScale=True SucceededGetScale', 'ScalingActive=False FailedGetResourceMetric']);
    expect(statusIn(changes)).toMatchObject({ currentReplicas: 3, desiredReplicas: 0, currentMetrics: null });
    expect(statusIn(changes)?.conditions?.[1]?.message).toBe(
      'the HPA was unable to compute the replica count: failed to get cpu utilization: unable to get metrics for resource cpu: unable to fetch metrics from resource metrics API: the server could not find the requested resource (get pods.metrics.k8s.io)',
    );
    expect(sizeIn(changes)).toBeUndefined();
    expect(toldIn(changes)).toEqual(['FailedGetResourceMetric', 'FailedComputeMetricsReplicas']);
  });

  it('says it once', () => {
    expect(decide(autoscaler({}, statusIn(decide(autoscaler(), 3))), 3)).toEqual([]);
  });

  it.each([
    [
      'of containers',
      {
        type: 'ContainerResource',
        containerResource: { name: 'cpu', container: 'c', target: { type: 'AverageValue', averageValue: '1' } },
      },
      'FailedGetContainerResourceMetric',
    ],
    [
      'of pods',
      { type: 'Pods', pods: { metric: { name: 'rate' }, target: { type: 'AverageValue', averageValue: '1' } } },
      'FailedGetPodsMetric',
    ],
    [
      'of an object',
      {
        type: 'Object',
        object: { metric: { name: 'hits' }, describedObject: { kind: 'Service', name: 's' }, target: { type: 'Value', value: '1' } },
      },
      'FailedGetObjectMetric',
    ],
    [
      'from elsewhere',
      { type: 'External', external: { metric: { name: 'queue' }, target: { type: 'Value', value: '1' } } },
      'FailedGetExternalMetric',
    ],
  ])('names what it lacks for metrics %s', (_what, metric, reason) => {
    expect(conditionsIn(decide(autoscaler({ metrics: [metric, CPU] }), 3))[1]).toBe(`ScalingActive=False ${reason}`);
  });
});

describe('an autoscaler', () => {
  it.each([
    ['brings its target up to the least it may have', 1, 2, 'below Spec.MinReplicas'],
    ['brings its target down to the most it may have', 9, 4, 'above Spec.MaxReplicas'],
  ])('%s', (_rule, replicas, wanted, why) => {
    const changes = decide(autoscaler(), replicas);
    expect(sizeIn(changes)).toMatchObject({
      resource: DEPLOYMENTS,
      object: { metadata: { resourceVersion: '7' }, spec: { replicas: wanted } },
    });
    expect(statusIn(changes)).toMatchObject({ desiredReplicas: wanted, currentReplicas: replicas, lastScaleTime: '2026-01-01T01:00:00Z' });
    expect(conditionsIn(changes)).toEqual(['AbleToScale=True SucceededRescale']);
    expect(changes.find(({ resource }) => resource.resource === 'events')).toMatchObject({
      object: { reason: 'SuccessfulRescale', message: `New size: ${wanted}; reason: Current number of replicas ${why}` },
    });
  });

  it('rests while its target is to have no pods', () => {
    const changes = decide(autoscaler(), 0);
    expect(conditionsIn(changes)).toEqual(['AbleToScale=True SucceededGetScale', 'ScalingActive=False ScalingDisabled']);
    expect(sizeIn(changes)).toBeUndefined();
  });

  it('says that its target is not there', () => {
    const changes = decide(autoscaler());
    expect(conditionsIn(changes)).toEqual(['AbleToScale=False FailedGetScale']);
    expect(statusIn(changes)?.conditions?.[0]?.message).toBe(
      'the HPA controller was unable to get the target\'s current scale: deployments.apps "web" not found',
    );
  });

  it('says that its target can not be scaled', () => {
    const [change] = decide(autoscaler(), 1);
    const refusals = change ? [{ change, reason: 'Forbidden', message: 'no' }] : [];
    expect(refuseAutoscaler(snapshot(autoscaler(), 1), refusals, NOW)).toMatchObject([
      { object: { reason: 'FailedRescale', message: 'no' } },
    ]);
  });
});
