import {
  DEPLOYMENTS,
  PODDISRUPTIONBUDGETS,
  PODS,
  REPLICASETS,
  REPLICATIONCONTROLLERS,
  STATEFULSETS,
  type PodDisruptionBudget,
} from '#libs/api';
import type { GroupVersionResource, KubeObject, Lister } from '#libs/apimachinery';
import { disruptionController } from './controller.js';

const LABELS = { app: 'x' };
const owned = (kind: string, name: string): object => ({
  ownerReferences: [{ apiVersion: 'v1', kind, name, uid: `uid-${name}`, controller: true }],
});
const object = (kind: string, name: string, more: object = {}, metadata: object = {}): KubeObject => ({
  apiVersion: 'v1',
  kind,
  metadata: { name, namespace: 'default', uid: `uid-${name}`, ...metadata },
  ...more,
});
const sized = (kind: string, name: string, replicas: number, metadata: object = {}): KubeObject =>
  object(kind, name, { spec: { replicas } }, metadata);
const pod = (name: string, metadata: object): KubeObject => object('Pod', name, {}, { labels: LABELS, ...metadata });
const budget = object('PodDisruptionBudget', 'pdb', {
  spec: { selector: { matchLabels: LABELS }, maxUnavailable: 1 },
}) as PodDisruptionBudget;

type World = readonly (readonly [GroupVersionResource, KubeObject])[];

function lister(world: World): Lister {
  const of = ({ resource }: GroupVersionResource): readonly KubeObject[] =>
    world.filter(([each]) => each.resource === resource).map(([, one]) => one);
  return {
    get: (resource, _namespace, name) => of(resource).find(({ metadata }) => metadata.name === name),
    list: of,
    ownedBy: () => [],
  };
}

describe('a budget expects as many pods as', () => {
  it.each<[string, World, number]>([
    [
      'a ReplicaSet',
      [
        [PODS, pod('a', owned('ReplicaSet', 'rs'))],
        [REPLICASETS, sized('ReplicaSet', 'rs', 3)],
      ],
      3,
    ],
    [
      'the Deployment above it',
      [
        [PODS, pod('a', owned('ReplicaSet', 'rs'))],
        [REPLICASETS, sized('ReplicaSet', 'rs', 3, owned('Deployment', 'web'))],
        [DEPLOYMENTS, sized('Deployment', 'web', 5)],
      ],
      5,
    ],
    [
      'a StatefulSet and a ReplicationController together',
      [
        [PODS, pod('a', owned('StatefulSet', 'db'))],
        [PODS, pod('b', owned('StatefulSet', 'db'))],
        [PODS, pod('c', owned('ReplicationController', 'rc'))],
        [STATEFULSETS, sized('StatefulSet', 'db', 2)],
        [REPLICATIONCONTROLLERS, sized('ReplicationController', 'rc', 4)],
      ],
      6,
    ],
    [
      'nobody, where the owner is another of the same name',
      [
        [PODS, pod('a', owned('StatefulSet', 'db'))],
        [STATEFULSETS, sized('StatefulSet', 'db', 2, { uid: 'other' })],
      ],
      0,
    ],
  ])('%s', (_who, world, scale) => {
    expect(disruptionController.snapshot('default/pdb', lister([[PODDISRUPTIONBUDGETS, budget], ...world]))?.scale).toBe(scale);
  });

  it('is told when one of them is scaled', () => {
    const [before, after] = [sized('StatefulSet', 'db', 1), sized('StatefulSet', 'db', 2)];
    const rule = disruptionController.watches.find(({ resource }) => resource === STATEFULSETS);
    const world = lister([[PODDISRUPTIONBUDGETS, budget]]);
    expect(rule?.keys(after, before, world)).toEqual(['default/pdb']);
    expect(rule?.keys(after, after, world)).toEqual([]);
  });
});
