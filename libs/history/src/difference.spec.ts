import fc from 'fast-check';
import { jsonPatch } from '#libs/apimachinery';

import { changesBetween, fieldsOf, leavesOf, touchesField } from './difference.js';
import type { PatchOperation } from './wire.js';

const container = (name: string, image: string): object => ({ name, image });

describe('what changed between two objects', () => {
  it.each<[string, unknown, unknown, readonly PatchOperation[]]>([
    ['nothing', { a: [1, { b: 2 }] }, { a: [1, { b: 2 }] }, []],
    [
      'a value',
      { spec: { replicas: 1 } },
      { spec: { replicas: 3 } },
      [{ op: 'replace', path: '/spec/replicas', field: 'spec.replicas', old: 1, value: 3 }],
    ],
    [
      'a member that came and one that went',
      { metadata: { labels: { a: '1' } } },
      { metadata: { labels: { 'x.io/b': '2' } } },
      [
        { op: 'remove', path: '/metadata/labels/a', field: 'metadata.labels.a', old: '1' },
        { op: 'add', path: '/metadata/labels/x.io~1b', field: 'metadata.labels[x.io/b]', value: '2' },
      ],
    ],
    [
      'an entry, by its name',
      { c: [container('app', 'a'), container('side', 's')] },
      { c: [container('app', 'b'), container('side', 's')] },
      [{ op: 'replace', path: '/c/0/image', field: 'c[app].image', old: 'a', value: 'b' }],
    ],
    [
      'an entry put in front, one taken away, and one that stays and changes',
      { c: [container('gone', 'g'), container('app', 'a')] },
      { c: [container('new', 'n'), container('app', 'b')] },
      [
        { op: 'remove', path: '/c/0', field: 'c[gone]', old: container('gone', 'g') },
        { op: 'replace', path: '/c/0/image', field: 'c[app].image', old: 'a', value: 'b' },
        { op: 'add', path: '/c/0', field: 'c[new]', value: container('new', 'n') },
      ],
    ],
    [
      'plain entries, as they are',
      { finalizers: ['a', 'b'] },
      { finalizers: ['b', 'c'] },
      [
        { op: 'remove', path: '/finalizers/0', field: 'finalizers[a]', old: 'a' },
        { op: 'add', path: '/finalizers/1', field: 'finalizers[c]', value: 'c' },
      ],
    ],
    [
      'the order, as a whole',
      { l: ['a', 'b'] },
      { l: ['b', 'a'] },
      [{ op: 'replace', path: '/l', field: 'l', old: ['a', 'b'], value: ['b', 'a'] }],
    ],
    [
      'entries without a name by their place where their number stays',
      { rules: [{ x: 1 }, { x: 1 }] },
      { rules: [{ x: 1 }, { x: 2 }] },
      [{ op: 'replace', path: '/rules/1/x', field: 'rules[1].x', old: 1, value: 2 }],
    ],
    [
      'entries without a name as a whole where it does not',
      { rules: [{ x: 1 }, { x: 1 }] },
      { rules: [{ x: 1 }] },
      [{ op: 'replace', path: '/rules', field: 'rules', old: [{ x: 1 }, { x: 1 }], value: [{ x: 1 }] }],
    ],
    ['another kind of value', { a: 1 }, { a: [1] }, [{ op: 'replace', path: '/a', field: 'a', old: 1, value: [1] }]],
    ['null, which is a value', { a: null }, {}, [{ op: 'remove', path: '/a', field: 'a', old: null }]],
    [
      'never the bookkeeping',
      { metadata: { managedFields: [1], resourceVersion: '1' } },
      { metadata: { managedFields: [2], resourceVersion: '2' } },
      [],
    ],
    ['everything, where there was nothing', undefined, { a: 1 }, [{ op: 'add', path: '', field: '', value: { a: 1 } }]],
  ])('is %s', (_, before, after, expected) => {
    expect(changesBetween(before, after)).toEqual(expected);
  });

  it('turns the one into the other when it is carried out', () => {
    const named = fc.uniqueArray(fc.record({ name: fc.constantFrom('a', 'b', 'c', 'd', 'e'), v: fc.nat(2) }), {
      selector: (one) => one.name,
    });
    const value = fc.oneof(fc.nat(3), fc.string({ maxLength: 2 }), fc.constant(null), fc.array(fc.nat(3), { maxLength: 4 }), named);
    const object = fc.dictionary(
      fc.constantFrom('a', 'b/c', '~d', 'e.f'),
      fc.oneof(value, fc.dictionary(fc.constantFrom('x', 'y'), value)),
    );
    fc.assert(
      fc.property(object, object, (before, after) => {
        expect(jsonPatch(before, changesBetween(before, after))).toEqual(after);
      }),
    );
  });
});

describe('fields', () => {
  const image: PatchOperation = { op: 'replace', path: '', field: 'spec.containers[app].image', old: 'a', value: 'b' };
  const labels: PatchOperation = { op: 'add', path: '', field: 'metadata.labels', value: { app: 'web', 'x.io/a': '1' } };

  it.each<[PatchOperation, string, boolean]>([
    [image, 'spec.containers[app].image', true],
    [image, 'spec.containers', true],
    [image, 'spec', true],
    [image, 'spec.containers[ap]', false],
    [image, 'spec.con', false],
    [image, 'spec.containers[app].image.x', false],
    [labels, 'metadata.labels.app', true],
    [labels, 'metadata.labels[x.io/a]', true],
    [labels, 'metadata.labels.other', false],
  ])('%j touches %s: %s', (change, asked, expected) => {
    expect(touchesField(change, asked)).toBe(expected);
  });

  it('are told once each, and what is added within its plain values', () => {
    expect(fieldsOf([image, labels, image])).toEqual(['spec.containers[app].image', 'metadata.labels']);
    expect(leavesOf({ c: [{ name: 'a', env: [] }], d: 1 }, 'spec')).toEqual([
      ['spec.c[a].name', 'a'],
      ['spec.c[a].env', []],
      ['spec.d', 1],
    ]);
  });
});
