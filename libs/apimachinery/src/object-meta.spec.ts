import type { FieldError } from './field-error.js';
import type { ObjectMeta } from './meta.js';
import { dnsSubdomainNames } from './name-rules.js';
import { validateImmutableField, validateObjectMeta, validateObjectMetaUpdate } from './object-meta.js';

const said = (errors: readonly FieldError[]): readonly string[] => errors.map(({ field, message }) => `${field}: ${message}`);
const created = (meta: ObjectMeta, namespaced = true): readonly string[] =>
  said(validateObjectMeta(meta, { namespaced, nameRule: dnsSubdomainNames }));
const GOOD: ObjectMeta = { name: 'a', namespace: 'n' };
const owner = { apiVersion: 'v1', kind: 'Pod', name: 'p', uid: 'u' };

describe('validateObjectMeta', () => {
  it.each<[string, ObjectMeta, readonly string[]]>([
    ['a name and namespace are enough', GOOD, []],
    ['a name is required', { namespace: 'n' }, ['metadata.name: Required value: name or generateName is required']],
    ['a namespace is required', { name: 'a' }, ['metadata.namespace: Required value']],
    [
      'a generation is not negative',
      { ...GOOD, generation: -1 },
      ['metadata.generation: Invalid value: -1: must be greater than or equal to 0'],
    ],
    [
      'annotations have a limit',
      { ...GOOD, annotations: { a: 'x'.repeat(256 * 1024) } },
      ['metadata.annotations: Too long: may not be more than 262144 bytes'],
    ],
    ['keys of annotations may be in capitals', { ...GOOD, annotations: { 'Example.COM/A': '' } }, []],
    [
      'finalizers exclude each other',
      { ...GOOD, finalizers: ['orphan', 'foregroundDeletion'] },
      ['metadata.finalizers: Invalid value: ["orphan","foregroundDeletion"]: finalizer orphan and foregroundDeletion cannot be both set'],
    ],
    [
      'owners are complete',
      { ...GOOD, ownerReferences: [{ ...owner, uid: '' }] },
      ['metadata.ownerReferences.uid: Invalid value: "": must not be empty'],
    ],
    [
      'one owner at most is the controller',
      {
        ...GOOD,
        ownerReferences: [
          { ...owner, controller: true },
          { ...owner, name: 'q', controller: true },
        ],
      },
      [
        'metadata.ownerReferences: Invalid value: [{"apiVersion":"v1","kind":"Pod","name":"p","uid":"u","controller":true},{"apiVersion":"v1","kind":"Pod","name":"q","uid":"u","controller":true}]: Only one reference can have Controller set to true. Found "true" in references for Pod/p and Pod/q',
      ],
    ],
    [
      'Events own nothing',
      { ...GOOD, ownerReferences: [{ ...owner, kind: 'Event' }] },
      [
        'metadata.ownerReferences: Invalid value: {"apiVersion":"v1","kind":"Event","name":"p","uid":"u"}: /v1, Kind=Event is disallowed from being an owner',
      ],
    ],
    [
      'managers say what they did',
      { ...GOOD, managedFields: [{ manager: 'a\n', operation: 'Burn' }] },
      [
        'metadata.managedFields[0].operation: Invalid value: "Burn": must be `Apply` or `Update`',
        'metadata.managedFields[0].manager: Invalid value: "a\\n": invalid character U+000A (at position 1)',
      ],
    ],
  ])('%s', (_title, meta, errors) => {
    expect(created(meta)).toEqual(errors);
  });

  it('refuses a namespace where there is none', () => {
    expect(created(GOOD, false)).toEqual(['metadata.namespace: Forbidden: not allowed on this type']);
  });

  it('reports a label that breaks a rule on the map, each rule once', () => {
    expect(created({ ...GOOD, labels: { '-a': 'b!' } })).toEqual([
      expect.stringContaining('metadata.labels: Invalid value: "-a": name part must consist'),
      expect.stringContaining('metadata.labels: Invalid value: "b!": a valid label must be'),
    ]);
  });
});

describe('validateObjectMetaUpdate', () => {
  const old: ObjectMeta = { ...GOOD, uid: 'u', resourceVersion: '1', generation: 2, creationTimestamp: '2026-01-01T00:00:00Z' };
  const updated = (next: ObjectMeta, before = old): readonly string[] => said(validateObjectMetaUpdate(next, before));
  it.each<[string, ObjectMeta, readonly string[]]>([
    ['the same is admitted', old, []],
    [
      'a resourceVersion is needed',
      { ...old, resourceVersion: '' },
      ['metadata.resourceVersion: Invalid value: "": must be specified for an update'],
    ],
    ['a generation does not fall', { ...old, generation: 1 }, ['metadata.generation: Invalid value: 1: must not be decremented']],
    ['a uid stays', { ...old, uid: 'v' }, ['metadata.uid: Invalid value: "v": field is immutable']],
    [
      'a deletion is not for clients to begin',
      { ...old, deletionTimestamp: '2026-01-01T00:00:00Z' },
      ['metadata.deletionTimestamp: Invalid value: "2026-01-01T00:00:00Z": field is immutable'],
    ],
  ])('%s', (_title, next, errors) => {
    expect(updated(next)).toEqual(errors);
  });

  it('adds no finalizer to what is being deleted', () => {
    const dying = { ...old, deletionTimestamp: '2026-01-01T00:00:00Z', finalizers: ['a'] };
    expect(updated({ ...dying, finalizers: ['a', 'c', 'b'] }, dying)).toEqual([
      'metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"b", "c"}',
    ]);
  });

  it('takes absent and undefined for the same', () => {
    expect(validateImmutableField({ a: undefined }, {}, 'spec')).toEqual([]);
    expect(validateImmutableField(undefined, 1, 'spec')).toEqual([
      { field: 'spec', reason: 'FieldValueInvalid', message: 'Invalid value: null: field is immutable' },
    ]);
  });
});
