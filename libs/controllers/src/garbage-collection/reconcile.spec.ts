import { PODS, REPLICASETS } from '#libs/api';
import type { KubeObject, OwnedObject } from '#libs/apimachinery';
import { reconcileGarbage, type GarbageSnapshot, type OwnerState } from './reconcile.js';

const NOW = Date.parse('2026-01-01T01:00:00Z');

const object = (metadata: object = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'a', namespace: 'default', uid: 'a', creationTimestamp: '2026-01-01T00:00:00Z', ...metadata },
});

const owner = (state: OwnerState, uid: string = state, doubtful = false) => ({
  reference: { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: uid, uid, controller: true, blockOwnerDeletion: true },
  state,
  doubtful,
});

const dependent = (uid: string, blockOwnerDeletion: boolean, metadata: object = {}): OwnedObject => ({
  resource: PODS,
  object: object({ name: uid, uid, ownerReferences: [{ ...owner('there', 'a').reference, blockOwnerDeletion }], ...metadata }),
});

const decide = (snapshot: Partial<GarbageSnapshot>) =>
  reconcileGarbage({ resource: PODS, object: object(), owners: [], dependents: [], ...snapshot }, NOW);

const DELETING = { deletionTimestamp: '2026-01-01T00:30:00Z' };

describe('garbage collection', () => {
  it('leaves alone what has no owner, and what has all of them', () => {
    expect(decide({})).toEqual({ changes: [] });
    expect(decide({ owners: [owner('there')] })).toEqual({ changes: [] });
  });

  it('deletes what has lost all its owners, if it is still the same object', () => {
    expect(decide({ owners: [owner('absent')] }).changes).toEqual([
      { verb: 'delete', resource: PODS, namespace: 'default', name: 'a', preconditions: { uid: 'a' }, propagationPolicy: 'Background' },
    ]);
  });

  it('says of an owner in another namespace that it owns nothing here', () => {
    expect(decide({ owners: [{ ...owner('absent'), elsewhere: true }] }).changes).toMatchObject([
      { verb: 'delete' },
      {
        verb: 'create',
        object: {
          reason: 'OwnerRefInvalidNamespace',
          message: 'ownerRef [apps/v1/ReplicaSet, namespace: default, name: absent, uid: absent] does not exist in namespace "default"',
        },
      },
    ]);
  });

  it('keeps to the policy that an object’s own finalizers ask for', () => {
    expect(decide({ object: object({ finalizers: ['orphan'] }), owners: [owner('absent')] }).changes).toMatchObject([
      { propagationPolicy: 'Orphan' },
    ]);
  });

  it('takes only the reference away where one owner is left', () => {
    const both = [owner('there'), owner('absent')];
    const result = decide({ object: object({ ownerReferences: both.map(({ reference }) => reference) }), owners: both });
    expect(result.changes).toMatchObject([{ verb: 'update', object: { metadata: { ownerReferences: [{ uid: 'there' }] } } }]);
  });

  it('waits before it believes that an owner of another stream is absent', () => {
    const young = object({ creationTimestamp: '2026-01-01T00:59:50Z' });
    expect(decide({ object: young, owners: [owner('absent', 'n', true)] })).toEqual({ changes: [], requeueAfterMs: 20_000 });
    expect(decide({ owners: [owner('absent', 'n', true)] }).changes).toHaveLength(1);
  });

  it('goes on with a foreground deletion below a dependent that has dependents itself', () => {
    expect(decide({ owners: [owner('waiting')], dependents: [dependent('b', true)] }).changes).toMatchObject([
      { verb: 'delete', propagationPolicy: 'Foreground' },
    ]);
  });

  it('lets an owner go once nothing that blocks it is left', () => {
    const waiting = object({ ...DELETING, finalizers: ['foregroundDeletion', 'mine'] });
    expect(decide({ object: waiting, dependents: [dependent('b', true)] })).toEqual({ changes: [] });
    expect(decide({ object: waiting, dependents: [dependent('b', false)] }).changes).toMatchObject([
      { verb: 'update', object: { metadata: { finalizers: ['mine'] } } },
    ]);
  });

  it('orphans the dependents before the owner goes', () => {
    const result = decide({
      resource: REPLICASETS,
      object: object({ ...DELETING, finalizers: ['orphan'] }),
      dependents: [dependent('b', true), dependent('c', true)],
    });
    expect(result.changes.map((change) => (change.verb === 'update' ? change.object.metadata.name : change.verb))).toEqual(['b', 'c', 'a']);
    expect(result.changes[0]).toMatchObject({ object: { metadata: expect.not.objectContaining({ ownerReferences: expect.anything() }) } });
  });

  it('touches nothing that is being deleted already', () => {
    expect(decide({ object: object(DELETING), owners: [owner('absent')] })).toEqual({ changes: [] });
  });
});
