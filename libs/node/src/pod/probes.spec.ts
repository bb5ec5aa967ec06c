import fc from 'fast-check';
import { backoffUntil, goDuration, nextBackoff, type Backoff } from './backoff.js';
import { afterProbe, initialProbeState, type ProbeOutcome } from './probes.js';
import { cgroupOf, qosClassOf } from './resources.js';

const outcome = (result: ProbeOutcome['result']): ProbeOutcome => ({ result, output: '' });

describe('a probe', () => {
  it('changes its verdict only when its threshold is reached', () => {
    const probe = { failureThreshold: 3, successThreshold: 2 };
    const after = (...results: ProbeOutcome['result'][]) =>
      results.reduce((state, result) => afterProbe(state, outcome(result), probe), initialProbeState('liveness')).verdict;
    expect(after('failure', 'failure')).toBe('success');
    expect(after('failure', 'failure', 'failure')).toBe('failure');
    expect(after('failure', 'failure', 'success', 'failure')).toBe('success');
    expect(after('failure', 'failure', 'failure', 'success')).toBe('failure');
    expect(after('failure', 'failure', 'failure', 'success', 'success')).toBe('success');
    expect(after('failure', 'error', 'failure', 'failure')).toBe('failure');
  });
});

describe('backing off', () => {
  it('doubles from ten seconds to five minutes', () => {
    const delays: number[] = [];
    let backoff: Backoff | undefined;
    for (let now = 0; delays.length < 7; now += 1000) {
      backoff = nextBackoff(backoff, now, now);
      delays.push(backoff.delayMs / 1000);
    }
    expect(delays).toEqual([10, 20, 40, 80, 160, 300, 300]);
  });

  it('never waits longer than its delay', () => {
    fc.assert(
      fc.property(fc.nat(300_000), fc.nat(1_000_000), fc.nat(1_000_000), (delayMs, failedAt, later) => {
        const until = backoffUntil({ delayMs, updatedAt: failedAt }, failedAt, failedAt + later);
        expect(until === undefined || until - failedAt === delayMs).toBe(true);
      }),
    );
  });

  it.each([
    [10_000, '10s'],
    [80_000, '1m20s'],
    [300_000, '5m0s'],
    [1_500, '1.5s'],
    [250, '250ms'],
    [3_600_000, '1h0m0s'],
  ])('prints %d ms as Go does: %s', (ms, text) => {
    expect(goDuration(ms)).toBe(text);
  });
});

describe('resources', () => {
  const pod = (resources: object) => ({ apiVersion: 'v1', kind: 'Pod', metadata: {}, spec: { containers: [{ name: 'a', resources }] } });

  it.each([
    [{}, 'BestEffort'],
    [{ requests: { cpu: '1' } }, 'Burstable'],
    [{ limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '1000m', memory: '1024Mi' } }, 'Guaranteed'],
  ])('of %j make a pod %s', (resources, qos) => {
    expect(qosClassOf(pod(resources))).toBe(qos);
  });

  it('become shares, quota and bytes', () => {
    const resources = { requests: { cpu: '250m' }, limits: { cpu: '500m', memory: '64Mi' } };
    expect(cgroupOf(pod(resources), { name: 'a', resources }, 1e9)).toMatchObject({
      cpuShares: 256,
      cpuQuotaUs: 50_000,
      cpuPeriodUs: 100_000,
      memoryBytes: 67_108_864,
    });
  });
});
