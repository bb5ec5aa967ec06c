import type { Pod, PodDisruptionBudget } from '#libs/api';
import { reconcileBudget } from './reconcile.js';

const NOW = Date.parse('2026-01-01T01:00:00Z');

const pod = (i: number, ready = true): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: `p${i}`, namespace: 'default' },
  status: { conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
});

const budget = (spec: PodDisruptionBudget['spec'], status?: PodDisruptionBudget['status']): PodDisruptionBudget => ({
  apiVersion: 'policy/v1',
  kind: 'PodDisruptionBudget',
  metadata: { name: 'b', namespace: 'default', uid: 'b', generation: 1 },
  spec: { selector: { matchLabels: { app: 'web' } }, ...spec },
  ...(status ? { status } : {}),
});

const statusOf = (spec: PodDisruptionBudget['spec'], pods: readonly Pod[], status?: PodDisruptionBudget['status']) => {
  const result = reconcileBudget({ budget: budget(spec, status), pods, scale: 5, unmanaged: [] }, NOW);
  const [change] = result.changes;
  return change?.verb === 'update' ? (change.object as PodDisruptionBudget).status : undefined;
};

const FIVE = [1, 2, 3, 4, 5].map((i) => pod(i));

describe('a disruption budget', () => {
  it.each<[string, PodDisruptionBudget['spec'], readonly Pod[], readonly [number, number, number, number]]>([
    ['keeps a number of pods', { minAvailable: 3 }, FIVE, [5, 3, 5, 2]],
    ['keeps a share of what is wanted, rounded up', { minAvailable: '50%' }, FIVE, [5, 3, 5, 2]],
    ['lets a number be missing of what is wanted', { maxUnavailable: 1 }, FIVE, [5, 4, 5, 1]],
    ['lets a share be missing, rounded up', { maxUnavailable: '30%' }, FIVE, [5, 3, 5, 2]],
    ['does not count pods that are not ready', { maxUnavailable: 1 }, [...FIVE.slice(1), pod(1, false)], [5, 4, 4, 0]],
  ])('%s', (_what, spec, pods, [expectedPods, desiredHealthy, currentHealthy, disruptionsAllowed]) => {
    expect(statusOf(spec, pods)).toMatchObject({
      expectedPods,
      desiredHealthy,
      currentHealthy,
      disruptionsAllowed,
      observedGeneration: 1,
      conditions: [
        {
          type: 'DisruptionAllowed',
          status: disruptionsAllowed > 0 ? 'True' : 'False',
          reason: disruptionsAllowed > 0 ? 'SufficientPods' : 'InsufficientPods',
        },
      ],
    });
  });

  it('counts a pod that was evicted as lost until it is gone, for two minutes at most', () => {
    const status = { disruptedPods: { p1: '2026-01-01T00:59:00Z', p2: '2026-01-01T00:50:00Z', p9: '2026-01-01T00:59:00Z' } };
    expect(statusOf({ minAvailable: 3 }, FIVE, status)).toMatchObject({ currentHealthy: 4, disruptedPods: { p1: '2026-01-01T00:59:00Z' } });
    expect(reconcileBudget({ budget: budget({ minAvailable: 3 }, status), pods: FIVE, scale: 5, unmanaged: [] }, NOW).requeueAfterMs).toBe(
      60_000,
    );
  });

  it('writes nothing where nothing has changed', () => {
    expect(statusOf({ minAvailable: 3 }, FIVE, statusOf({ minAvailable: 3 }, FIVE))).toBeUndefined();
  });
});
