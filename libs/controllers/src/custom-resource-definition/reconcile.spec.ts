import type { CustomResourceDefinition, CustomResourceDefinitionCondition, CustomResourceDefinitionNames } from '#libs/api';
import { reconcileDefinition, type DefinitionSnapshot } from './reconcile.js';

const NOW = Date.parse('2026-01-01T00:00:00Z');
const RESOURCE = { group: 'example.com', version: 'v1', resource: 'tabs' };
const NAMES: CustomResourceDefinitionNames = { plural: 'tabs', singular: 'tab', kind: 'Tab', listKind: 'TabList', shortNames: ['t'] };

interface Given {
  readonly names?: Partial<CustomResourceDefinitionNames>;
  readonly held?: CustomResourceDefinitionNames;
  readonly conditions?: readonly CustomResourceDefinitionCondition[];
  readonly metadata?: object;
  readonly group?: string;
}

const definition = ({ names = {}, held, conditions = [], metadata = {}, group = 'example.com' }: Given): CustomResourceDefinition => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `tabs.${group}`, ...metadata },
  spec: {
    group,
    scope: 'Namespaced',
    names: { ...NAMES, ...names },
    versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
  },
  status: { acceptedNames: held ?? { plural: '', kind: '' }, storedVersions: ['v1'], conditions },
});

const other = (names: CustomResourceDefinitionNames): CustomResourceDefinition => ({
  ...definition({ held: names }),
  metadata: { name: 'other' },
});

const reconcile = (given: Given, more: Partial<DefinitionSnapshot> = {}): ReturnType<typeof reconcileDefinition>['changes'] =>
  reconcileDefinition({ crd: definition(given), others: [], resource: RESOURCE, instances: [], ...more }, NOW).changes;

/** The status that a decision writes, conditions by type and reason. */
function written(changes: ReturnType<typeof reconcile>): { readonly conditions: readonly string[]; readonly names: unknown } {
  const [change] = changes;
  if (change === undefined || change.verb === 'delete') throw new Error('no status is written');
  const { status } = change.object as CustomResourceDefinition;
  return {
    conditions: (status?.conditions ?? []).map(({ type, status: holds, reason = '' }) => `${type}=${holds} ${reason}`),
    names: status?.acceptedNames,
  };
}

const FINE = ['NamesAccepted=True NoConflicts', 'Established=True InitialNamesAccepted'];

describe('a definition', () => {
  it('gets its names and is established', () => {
    expect(written(reconcile({}))).toEqual({ conditions: FINE, names: NAMES });
  });

  it('is left alone once that is so', () => {
    const conditions = [
      { type: 'NamesAccepted', status: 'True', reason: 'NoConflicts', message: 'no conflicts found', lastTransitionTime: 'x' },
      { type: 'Established', status: 'True', reason: 'InitialNamesAccepted', message: 'the initial names have been accepted' },
    ];
    expect(reconcile({ held: NAMES, conditions })).toEqual([]);
  });

  it.each<[string, Partial<CustomResourceDefinitionNames>, string]>([
    ['its plural', { plural: 'tabs', singular: 'x', kind: 'X', listKind: 'XList' }, 'PluralConflict'],
    ['its singular', { plural: 'x', singular: 'tab', kind: 'X', listKind: 'XList' }, 'SingularConflict'],
    ['a short name', { plural: 'x', singular: 'y', kind: 'X', listKind: 'XList', shortNames: ['t'] }, 'ShortNamesConflict'],
    ['its kind', { plural: 'x', singular: 'y', kind: 'Tab', listKind: 'XList' }, 'KindConflict'],
    ['its list kind', { plural: 'x', singular: 'y', kind: 'X', listKind: 'TabList' }, 'ListKindConflict'],
  ])('is not established where another one of its group has %s', (_what, taken, reason) => {
    const changes = reconcile({}, { others: [other(taken as CustomResourceDefinitionNames)] });
    expect(written(changes).conditions).toEqual([`NamesAccepted=False ${reason}`, 'Established=False NotAccepted']);
  });

  it('stays established where a name that it wants later is taken, and keeps the name that it has', () => {
    const conditions = [
      { type: 'Established', status: 'True', reason: 'InitialNamesAccepted', message: 'the initial names have been accepted' },
    ];
    const changes = reconcile(
      { names: { singular: 'taken' }, held: NAMES, conditions },
      { others: [other({ plural: 'x', singular: 'taken', kind: 'X', listKind: 'XList' })] },
    );
    expect(written(changes).names).toEqual(NAMES);
    expect(written(changes).conditions).toEqual(['Established=True InitialNamesAccepted', 'NamesAccepted=False SingularConflict']);
  });

  it.each([
    [{}, 'False MissingAnnotation'],
    [{ 'api-approved.kubernetes.io': 'https://github.com/kubernetes/kubernetes/pull/1' }, 'True ApprovedAnnotation'],
    [{ 'api-approved.kubernetes.io': 'unapproved, a test' }, 'False UnapprovedAnnotation'],
    [{ 'api-approved.kubernetes.io': 'yes' }, 'False InvalidAnnotation'],
  ])('of the community says whether it is approved: %j', (annotations, said) => {
    const changes = reconcile({ group: 'x.k8s.io', metadata: { annotations } });
    expect(written(changes).conditions).toEqual([...FINE, `KubernetesAPIApprovalPolicyConformant=${said}`]);
  });
});

describe('a definition that is being deleted', () => {
  const metadata = {
    deletionTimestamp: '2026-01-01T00:00:00Z',
    finalizers: ['customresourcecleanup.apiextensions.k8s.io', 'example.com/other'],
  };
  const instance = (name: string, deleting = false): DefinitionSnapshot['instances'][number] => ({
    apiVersion: 'example.com/v1',
    kind: 'Tab',
    metadata: { name, namespace: 'n', uid: name, ...(deleting ? { deletionTimestamp: 'x' } : {}) },
  });

  it('deletes its objects first, each once', () => {
    const changes = reconcile({ metadata, held: NAMES }, { instances: [instance('a'), instance('b', true)] });
    expect(changes[0]).toEqual({ verb: 'delete', resource: RESOURCE, namespace: 'n', name: 'a', preconditions: { uid: 'a' } });
    expect(written(changes.slice(1)).conditions).toEqual(['Terminating=True InstanceDeletionInProgress']);
    expect(changes).toHaveLength(2);
  });

  it('goes when none is left', () => {
    const changes = reconcile({ metadata, held: NAMES });
    expect(written(changes).conditions).toEqual(['Terminating=False InstanceDeletionCompleted']);
    expect(changes).toMatchObject([{ verb: 'update', subresource: 'status', object: { metadata: { finalizers: ['example.com/other'] } } }]);
  });

  it('is no business of this controller without its finalizer', () => {
    expect(reconcile({ metadata: { ...metadata, finalizers: ['example.com/other'] } }, { instances: [instance('a')] })).toEqual([]);
  });
});
