import type { Comparison } from '#libs/history';
import { PLAIN } from '../history/text.js';
import { comparisonNames, comparisonText, type Compared } from './compare-text.js';

const load = (pods: number) => ({ pods, cpu: pods * 250, memory: pods * 64 * 1024 * 1024 });
const NOTHING: Comparison = { workloads: [], nodes: [], objects: [], counts: { source: 1, fork: 1 } };
const COMPARISON: Comparison = {
  workloads: [
    { kind: 'Deployment', namespace: 'shop', name: 'web', source: { pending: 3, ready: 4 }, fork: { ready: 5 } },
    { kind: 'DaemonSet', namespace: 'shop', name: 'log', source: { ready: 2 }, fork: { ready: 2 } },
  ],
  nodes: [
    { name: 'n1', source: load(1), fork: load(2) },
    { name: 'n2', source: load(1) },
  ],
  objects: [
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      namespace: 'shop',
      source: 'web',
      fork: 'web',
      fields: Array.from({ length: 8 }, (_, i) => ({ field: `spec.f${i}`, source: i, ...(i === 1 ? {} : { fork: `x${'y'.repeat(80)}` }) })),
    },
    { apiVersion: 'v1', kind: 'Pod', namespace: 'shop', source: 'web-a' },
    { apiVersion: 'v1', kind: 'Namespace', fork: 'new' },
  ],
  counts: { source: 10, fork: 9 },
};
const told = (comparison: Comparison, wide = false): string => {
  const compared: Compared = { source: 'prod', fork: 'whatif', at: '2026-05-01T10:00:00.000Z', from: 41, excludeRoot: 42, comparison };
  return comparisonText(compared, { paint: PLAIN, width: undefined, wide });
};

describe('a comparison, told', () => {
  it('begins with the pods of workloads and the load of nodes that differ', () => {
    expect(told(COMPARISON).split('\n').slice(0, 11)).toEqual([
      '"prod" and its fork "whatif" (from state:41 without state:42), both at 2026-05-01T10:00:00.000Z',
      '',
      'NAMESPACE   WORKLOAD         PROD                 WHATIF',
      'shop        Deployment/web   4 ready, 3 pending   5 ready',
      'and 1 more workload; -o wide shows all',
      '',
      'NODE   PROD                           WHATIF',
      'n1     1 pod, cpu 0.25, memory 64Mi   2 pods, cpu 0.5, memory 128Mi',
      'n2     1 pod, cpu 0.25, memory 64Mi   -',
      '',
      '1 object differs, 1 only in prod, 1 only in whatif:',
    ]);
  });

  it('goes on with the objects: how those that are in both differ, and which are in one alone', () => {
    const lines = told(COMPARISON).split('\n').slice(11);
    expect(lines).toEqual([
      '~ Deployment shop/web',
      `    spec.f0: 0 -> x${'y'.repeat(56)}...`,
      '    spec.f1: 1 -> -',
      ...[2, 3, 4, 5].map((i) => `    spec.f${i}: ${i} -> x${'y'.repeat(56)}...`),
      '    and 2 more fields',
      '- Pod shop/web-a only in prod',
      '+ Namespace new only in whatif',
      '',
    ]);
  });

  it('shows everything when it is asked to', () => {
    expect(told(COMPARISON, true)).toContain('DaemonSet/log');
    expect(told(COMPARISON, true)).toContain(`spec.f7: 7 -> x${'y'.repeat(80)}\n`);
    expect(told(COMPARISON, true)).not.toContain('more');
  });

  it('says where nothing differs', () => {
    expect(told(NOTHING).split('\n').slice(-2)).toEqual(['No object differs.', '']);
  });

  it('is a name a line for programs', () => {
    const compared: Compared = { source: 'prod', fork: 'whatif', at: '', from: 1, comparison: COMPARISON };
    expect(comparisonNames(compared)).toBe('deployment/web\npod/web-a\nnamespace/new\n');
  });
});
