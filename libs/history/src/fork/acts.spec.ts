import type { KubeObject } from '#libs/apimachinery';
import type { EventMeta } from '#libs/log';
import { accountsOfPods, actsOf, freshCopy, type PastEvent } from './acts.js';

const object = (metadata: object = {}): KubeObject => ({ apiVersion: 'v1', kind: 'X', metadata: { name: 'x', ...metadata } });
const DECISION: EventMeta['decision'] = {
  controller: 'c',
  build: 'b',
  key: 'k',
  seen: { state: 1, lease: 0, event: 0 },
  decidedAt: 0,
  index: 0,
};

const event = (sequence: number, meta: Partial<EventMeta> = {}, more: Partial<PastEvent> = {}): PastEvent => ({
  group: '',
  resource: 'configmaps',
  namespace: 'default',
  name: `e${sequence}`,
  sequence,
  time: 0,
  type: 'Updated',
  meta: {
    type: 'Updated',
    verb: 'update',
    actor: { user: 'alice' },
    id: 'i',
    previous: 1,
    schema: 1,
    encoding: 'json',
    requestId: `r${sequence}`,
    ...meta,
  },
  object: object(),
  before: object(),
  ...more,
});
const INSIDE = new Set(['system:serviceaccount:shop:operator']);
const told = (events: readonly PastEvent[], excludeRoot?: number): readonly string[] =>
  actsOf(events, { inside: INSIDE, ...(excludeRoot === undefined ? {} : { excludeRoot }) }).acts.map(
    ({ event: { sequence }, kind, part }) => (part === 'status' ? `${sequence} ${kind} status` : `${sequence} ${kind}`),
  );

describe('an act', () => {
  it.each<[string, PastEvent, readonly string[]]>([
    ["is a person's change", event(5), ['5 change']],
    [
      "is a tool's, through a service account that no pod runs as",
      event(5, { actor: { user: 'system:serviceaccount:ci:deployer' } }),
      ['5 change'],
    ],
    ['is none of an operator that runs in a pod', event(5, { actor: { user: 'system:serviceaccount:shop:operator' } }), []],
    ['is none of a controller', event(5, { decision: DECISION, actor: { user: 'system:serviceaccount:kube-system:x' } }), []],
    ['is none of a node', event(5, { actor: { user: 'system:node:node-1' } }), []],
    ['is none that something else caused', event(5, { root: 'state:2', cause: 'state:4' }), []],
    ['is a creation', event(5, { verb: 'create' }, { type: 'Created', before: undefined as never }), ['5 create']],
    ['is a creation too where a name is used again by applying', event(5, { verb: 'patch' }, { type: 'Created' }), ['5 create']],
    ['is a deletion', event(5, { verb: 'delete' }, { type: 'Deleted' }), ['5 delete']],
    ['is a deletion that takes its time', event(5, { verb: 'delete' }), ['5 delete']],
    ['is none where the deletion had begun already', event(5, { verb: 'delete' }, { before: object({ deletionTimestamp: 'then' }) }), []],
    ['is an eviction, as a deletion', event(5, { verb: 'create', subresource: 'eviction' }), ['5 delete']],
    ['is a change of the scale', event(5, { verb: 'patch', subresource: 'scale' }), ['5 change']],
    ['is a change of the status', event(5, { verb: 'patch', subresource: 'status' }), ['5 change status']],
    ['is no binding: the scheduler decides again', event(5, { verb: 'create', subresource: 'binding' }), []],
  ])('%s', (_rule, one, wanted) => {
    expect(told([one])).toEqual(wanted);
  });

  it('is one of several writes of one request, but not what was derived from them', () => {
    const more = { requestId: 'r5', root: 'state:5', cause: 'state:5' };
    const events = [
      event(5),
      event(6, more),
      event(7, more, { group: 'networking.k8s.io', resource: 'ipaddresses' }),
      event(8, { ...more, cause: 'state:6' }),
      event(9, { ...more, requestId: 'other' }),
    ];
    expect(told(events)).toEqual(['5 change', '6 change']);
  });

  it('of the excluded root is left out, with what it caused', () => {
    const more = { requestId: 'r5', root: 'state:5', cause: 'state:5' };
    expect(told([event(4), event(5), event(6, more), event(7)], 5)).toEqual(['4 change', '7 change']);
  });

  it('that came from inside the cluster is counted', () => {
    const inside = { actor: { user: 'system:serviceaccount:shop:operator' } };
    expect([...actsOf([event(1, inside), event(2, inside)], { inside: INSIDE }).left]).toEqual([
      ['system:serviceaccount:shop:operator', 2],
    ]);
  });
});

describe('what acts are made of', () => {
  it('the accounts inside a cluster are those that pods run as', () => {
    const pod = (spec: object): never => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', namespace: 'shop' }, spec }) as never;
    expect([...accountsOfPods([pod({ serviceAccountName: 'operator', containers: [] }), pod({ containers: [] })])]).toEqual([
      'system:serviceaccount:shop:operator',
      'system:serviceaccount:shop:default',
    ]);
  });

  it('a copy has nothing that a server gave, and belongs to what its owner has become', () => {
    const made = { uid: 'u', resourceVersion: '5', creationTimestamp: 't', generation: 2, managedFields: [] };
    const owner = { apiVersion: 'v1', kind: 'X', name: 'o', uid: 'old' };
    const copy = freshCopy(
      { ...object({ ...made, labels: { a: 'b' }, ownerReferences: [owner] }), status: {} } as KubeObject,
      new Map([['old', 'new']]),
    );
    expect(copy).toEqual(object({ labels: { a: 'b' }, ownerReferences: [{ ...owner, uid: 'new' }] }));
  });
});
