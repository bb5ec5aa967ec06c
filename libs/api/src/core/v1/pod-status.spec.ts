import type { Pod } from '../../index.js';
import { isPodActive, isPodAvailable, isPodReady, isPodTerminal } from './pod-status.js';

const NOW = Date.parse('2026-01-02T12:00:00Z');
const pod = (status: Pod['status'], deletionTimestamp?: string): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'a', ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }) },
  ...(status === undefined ? {} : { status }),
});
const readySince = (lastTransitionTime: string): Pod => pod({ conditions: [{ type: 'Ready', status: 'True', lastTransitionTime }] });

describe('a pod', () => {
  it('is ready by its condition', () => {
    expect(isPodReady(readySince('2026-01-02T12:00:00Z'))).toBe(true);
    expect(isPodReady(pod({ conditions: [{ type: 'Ready', status: 'False' }] }))).toBe(false);
    expect(isPodReady(pod(undefined))).toBe(false);
  });

  it('is available once it has been ready long enough', () => {
    expect(isPodAvailable(readySince('2026-01-02T11:59:50Z'), 10, NOW)).toBe(true);
    expect(isPodAvailable(readySince('2026-01-02T11:59:51Z'), 10, NOW)).toBe(false);
    expect(isPodAvailable(readySince('2026-01-02T12:00:00Z'), 0, NOW)).toBe(true);
    expect(isPodAvailable(pod({}), 0, NOW)).toBe(false);
  });

  it('is active until it ends or is deleted', () => {
    expect(isPodActive(pod({ phase: 'Running' }))).toBe(true);
    expect(isPodActive(pod({ phase: 'Running' }, '2026-01-02T12:00:00Z'))).toBe(false);
    expect(['Succeeded', 'Failed', 'Pending'].map((phase) => isPodTerminal(pod({ phase })))).toEqual([true, true, false]);
  });
});
