import type { Node, Pod } from '#libs/api';
import { allocatableOf, NodeUse, type NodeInfo } from './node-info.js';
import { podInfo } from './pod-info.js';
import { schedule, scheduleAll, type SchedulingProfile } from './schedule.js';

const pod = (name: string, cpu: string, memory = '1Gi'): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name,
    namespace: 'default',
    uid: name,
    ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'r', uid: 'r', controller: true }],
  },
  spec: { containers: [{ name: 'c', image: 'i', resources: { requests: { cpu, memory } } }] },
});

const node = (name: string, holds: readonly Pod[] = [], metadata: Node['metadata'] = { name }): NodeInfo => {
  const object: Node = { apiVersion: 'v1', kind: 'Node', metadata, status: { allocatable: { cpu: '4', memory: '8Gi', pods: '110' } } };
  const use = new NodeUse();
  for (const one of holds) use.add(podInfo(one));
  return { name, node: object, allocatable: allocatableOf(object), use };
};

describe('a scheduling profile', () => {
  it.each<[string, SchedulingProfile, string]>([
    ['spreading prefers the node with the most left', 'spreading', 'empty'],
    ['bin-packing prefers the fullest node that still has room', 'bin-packing', 'fuller'],
  ])('%s', (_rule, profile, wanted) => {
    const nodes = [node('empty'), node('full', [pod('a', '4')]), node('fuller', [pod('b', '2', '2Gi')]), node('begun', [pod('c', '1')])];
    expect(schedule(podInfo(pod('p', '1')), nodes, profile)).toEqual({ node: wanted });
  });

  it.each<[string, SchedulingProfile, readonly number[]]>([
    ['spreading gives each node as many replicas as the others', 'spreading', [2, 2, 2]],
    ['bin-packing fills one node before it begins another, replicas of one controller too', 'bin-packing', [4, 2]],
  ])('%s', (_rule, profile, wanted) => {
    const pods = Array.from({ length: 6 }, (_, i) => podInfo(pod(`p${i}`, '1')));
    const placements = [...scheduleAll(pods, [node('x'), node('y'), node('z')], 10, profile).values()];
    const counts = ['x', 'y', 'z'].map((name) => placements.filter((placement) => 'node' in placement && placement.node === name).length);
    expect(counts.filter((count) => count > 0).sort((a, b) => b - a)).toEqual(wanted);
  });
});
