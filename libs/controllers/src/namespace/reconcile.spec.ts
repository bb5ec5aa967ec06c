import { CONFIGMAPS, PODS, type Namespace } from '#libs/api';
import type { KubeObject } from '#libs/apimachinery';
import { reconcileNamespace, refuseNamespace, type Content } from './reconcile.js';

const NOW = Date.parse('2026-01-01T01:00:00Z');

const namespace = (deleting: boolean): Namespace => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name: 'shop', uid: 'n', ...(deleting ? { deletionTimestamp: '2026-01-01T00:59:00Z' } : {}) },
  spec: { finalizers: ['kubernetes'] },
  status: { phase: deleting ? 'Terminating' : 'Active' },
});

const object = (kind: string, name: string, metadata: object = {}): KubeObject => ({
  apiVersion: 'v1',
  kind,
  metadata: { name, namespace: 'shop', uid: name, ...metadata },
});

const decide = (content: readonly Content[], of: Namespace | undefined = namespace(true)) =>
  reconcileNamespace({ name: 'shop', namespace: of, content }, NOW);

describe('a namespace', () => {
  it('of the system is created where it is missing', () => {
    expect(reconcileNamespace({ name: 'default', namespace: undefined, content: [] }, NOW).changes).toMatchObject([
      { verb: 'create', object: { metadata: { name: 'default' } } },
    ]);
    expect(reconcileNamespace({ name: 'shop', namespace: undefined, content: [] }, NOW)).toEqual({ changes: [] });
  });

  it('that lives is left alone', () => {
    expect(decide([], namespace(false))).toEqual({ changes: [] });
  });

  it('that is deleted loses its pods first, and everything else once they are gone', () => {
    const maps = { resource: CONFIGMAPS, objects: [object('ConfigMap', 'm')] };
    const names = (content: readonly Content[]) =>
      decide(content).changes.flatMap((change) => (change.verb === 'delete' ? [change.name] : []));
    expect(names([maps, { resource: PODS, objects: [object('Pod', 'p')] }])).toEqual(['p']);
    expect(names([maps, { resource: PODS, objects: [object('Pod', 'p', { deletionTimestamp: '2026-01-01T00:59:30Z' })] }])).toEqual([]);
    expect(names([maps])).toEqual(['m']);
  });

  it('says what is left in it and what holds it', () => {
    const held = { deletionTimestamp: '2026-01-01T00:59:30Z', finalizers: ['mine'] };
    const { changes } = decide([{ resource: CONFIGMAPS, objects: [object('ConfigMap', 'm', held)] }]);
    const [change] = changes;
    const conditions = change?.verb === 'update' ? (change.object as Namespace).status?.conditions : [];
    expect(conditions?.slice(-2)).toMatchObject([
      { reason: 'SomeResourcesRemain', message: 'Some resources are remaining: configmaps. has 1 resource instances' },
      { reason: 'SomeFinalizersRemain', message: 'Some content in the namespace has finalizers remaining: mine in 1 resource instances' },
    ]);
  });

  it('speaks of its pods alone while there are any', () => {
    const { changes } = decide([
      { resource: CONFIGMAPS, objects: [object('ConfigMap', 'm')] },
      { resource: PODS, objects: [object('Pod', 'p', { deletionTimestamp: '2026-01-01T00:59:30Z' })] },
    ]);
    const [change] = changes;
    const conditions = change?.verb === 'update' ? (change.object as Namespace).status?.conditions : [];
    expect(conditions).toContainEqual(expect.objectContaining({ message: 'Some resources are remaining: pods. has 1 resource instances' }));
  });

  it('says what refuses to go', () => {
    const content = [{ resource: CONFIGMAPS, objects: [object('ConfigMap', 'm')] }];
    const snapshot = { name: 'shop', namespace: namespace(true), content };
    const refusals = decide(content).changes.map((change) => ({ change, reason: 'Forbidden', message: 'configmaps "m" is forbidden: no' }));
    const [change] = refuseNamespace(snapshot, refusals, NOW);
    const conditions = change?.verb === 'update' ? (change.object as Namespace).status?.conditions : [];
    expect(conditions).toContainEqual(
      expect.objectContaining({
        type: 'NamespaceDeletionContentFailure',
        status: 'True',
        reason: 'ContentDeletionFailed',
        message: 'Failed to delete all resource types, 1 remaining: configmaps "m" is forbidden: no',
      }),
    );
  });

  it('that is empty is let go', () => {
    expect(decide([]).changes).toMatchObject([{ verb: 'update', subresource: 'finalize', object: { spec: {} } }]);
  });
});
