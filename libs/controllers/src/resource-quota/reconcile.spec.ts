import { CONFIGMAPS, PODS, SERVICES, type ResourceQuota } from '#libs/api';
import type { KubeObject } from '#libs/apimachinery';
import { reconcileQuota, type Counted } from './reconcile.js';

const NOW = Date.parse('2026-01-01T00:10:00Z');

const quota = (hard: Record<string, string>, status: ResourceQuota['status'] = {}, spec: object = {}): ResourceQuota => ({
  apiVersion: 'v1',
  kind: 'ResourceQuota',
  metadata: { name: 'q', namespace: 'default' },
  spec: { hard, ...spec },
  status,
});

const pod = (cpu: string, more: object = {}, metadata: object = {}): KubeObject =>
  ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'a', namespace: 'default', ...metadata },
    spec: { containers: [{ name: 'main', resources: { requests: { cpu } } }] },
    ...more,
  }) as KubeObject;

const pods = (...objects: readonly KubeObject[]): Counted => ({ resource: PODS, objects });
const usedOf = (of: ResourceQuota, ...counted: readonly Counted[]) => {
  const [change] = reconcileQuota({ quota: of, counted }, NOW).changes;
  return change?.verb === 'update' ? (change.object as ResourceQuota).status?.used : undefined;
};

describe('a quota', () => {
  it('says from the first what it limits, and that nothing is used', () => {
    expect(reconcileQuota({ quota: quota({ pods: '5', secrets: '1' }), counted: [] }, NOW).changes).toMatchObject([
      {
        verb: 'update',
        subresource: 'status',
        object: { status: { hard: { pods: '5', secrets: '1' }, used: { pods: '0', secrets: '0' } } },
      },
    ]);
  });

  it('that says so already is left alone', () => {
    expect(reconcileQuota({ quota: quota({ pods: '1' }, { hard: { pods: '1' }, used: { pods: '0' } }), counted: [] }, NOW)).toEqual({
      changes: [],
    });
  });

  it('counts what is there, and not what has ended or should be gone', () => {
    const gone = { deletionTimestamp: '2026-01-01T00:05:00Z', deletionGracePeriodSeconds: 30 };
    const all = [pod('100m'), pod('1'), pod('2', { status: { phase: 'Succeeded' } }), pod('4', {}, gone)];
    expect(usedOf(quota({ pods: '9', cpu: '9', 'count/pods': '9' }), pods(...all))).toEqual({ pods: '2', cpu: '1100m', 'count/pods': '4' });
  });

  it('looks again when a pod that is being deleted should be gone', () => {
    const going = pod('1', {}, { deletionTimestamp: '2026-01-01T00:10:05Z', deletionGracePeriodSeconds: 5 });
    expect(reconcileQuota({ quota: quota({ pods: '1' }), counted: [pods(going)] }, NOW).requeueAfterMs).toBe(10_001);
  });

  it('counts only what has its scopes', () => {
    const limited = { ...pod('1'), spec: { containers: [], activeDeadlineSeconds: 9 } } as KubeObject;
    const maps: Counted = { resource: CONFIGMAPS, objects: [pod('1')] };
    expect(usedOf(quota({ pods: '9', configmaps: '9' }, {}, { scopes: ['Terminating'] }), pods(pod('1'), limited), maps)).toEqual({
      pods: '1',
      configmaps: '0',
    });
  });

  it('counts the node ports and load balancers of services', () => {
    const service = (spec: object) => ({ apiVersion: 'v1', kind: 'Service', metadata: { name: 's' }, spec }) as KubeObject;
    const services: Counted = {
      resource: SERVICES,
      objects: [
        service({ type: 'NodePort', ports: [{ port: 1 }, { port: 2 }] }),
        service({ type: 'LoadBalancer', allocateLoadBalancerNodePorts: false, ports: [{ port: 1, nodePort: 30001 }, { port: 2 }] }),
        service({ type: 'ClusterIP', ports: [{ port: 1 }] }),
      ],
    };
    expect(usedOf(quota({ services: '9', 'services.nodeports': '9', 'services.loadbalancers': '9' }), services)).toEqual({
      services: '3',
      'services.nodeports': '3',
      'services.loadbalancers': '1',
    });
  });
});
