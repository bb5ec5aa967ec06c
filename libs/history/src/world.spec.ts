import type { KubeObject } from '#libs/apimachinery';

import { differencesBetween, type Difference } from './world.js';

const object = (name: string, more: object = {}, metadata: object = {}): KubeObject =>
  ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: 'prod', uid: `u-${name}`, ...metadata },
    ...more,
  }) as KubeObject;
const secret = (data: object): KubeObject => ({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 's', uid: 'u' }, data }) as KubeObject;
const reference = (name: string) => ({ apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'prod', name });

describe('two moments differ in', () => {
  it.each<[string, readonly KubeObject[], readonly KubeObject[], readonly Difference[]]>([
    ['nothing', [object('a', { spec: { x: 1 } })], [object('a', { spec: { x: 1 } })], []],
    [
      'what came and what went',
      [object('b')],
      [object('a')],
      [
        { object: reference('a'), difference: 'created' },
        { object: reference('b'), difference: 'deleted' },
      ],
    ],
    [
      'what somebody wanted otherwise',
      [object('a', { spec: { replicas: 1 }, status: { replicas: 1 } }, { resourceVersion: '1', generation: 1, managedFields: [1] })],
      [object('a', { spec: { replicas: 2 }, status: { replicas: 2 } }, { resourceVersion: '2', generation: 2 })],
      [
        {
          object: reference('a'),
          difference: 'changed',
          changes: [{ op: 'replace', path: '/spec/replicas', field: 'spec.replicas', old: 1, value: 2 }],
        },
      ],
    ],
    [
      'another object of the same name',
      [object('a')],
      [object('a', {}, { uid: 'u2' })],
      [{ object: reference('a'), difference: 'replaced', changes: [] }],
    ],
    [
      'no bookkeeping of kubectl',
      [object('a')],
      [object('a', {}, { annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '{}' } })],
      [],
    ],
  ])('%s', (_, before, after, expected) => {
    expect(differencesBetween(before, after)).toEqual(expected);
  });

  it('what was found out, where that is asked for, but no sign of life', () => {
    const node = (ready: string, time: string) => [
      object('n', { status: { conditions: [{ type: 'Ready', status: ready, lastHeartbeatTime: time }] } }),
    ];
    expect(differencesBetween(node('True', '1'), node('True', '2'), { status: true })).toEqual([]);
    expect(differencesBetween(node('True', '1'), node('False', '2'), { status: true })[0]?.changes).toMatchObject([
      { field: 'status.conditions[Ready].status' },
    ]);
  });

  it('a Secret’s values without showing any', () => {
    const found = differencesBetween([secret({ a: 'x', b: 'y', c: 'z' })], [secret({ a: 'x2', b: 'y', d: 'w' })]);
    expect(JSON.stringify(found)).not.toMatch(/"[xyzw]2?"/);
    expect(found[0]?.changes?.map(({ op, field }) => `${op} ${field ?? ''}`)).toEqual(['replace data.a', 'remove data.c', 'add data.d']);
  });
});
