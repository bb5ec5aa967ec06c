import type { KubeObject } from '#libs/apimachinery';
import { changedAlike } from './merge.js';

const object = (fields: object, metadata: object = {}): KubeObject =>
  ({ apiVersion: 'v1', kind: 'X', metadata: { name: 'x', ...metadata }, ...fields }) as KubeObject;

describe('a change that is made once more elsewhere', () => {
  it.each<[string, object, object, object, object]>([
    [
      'sets the field that it set',
      { spec: { replicas: 3 } },
      { spec: { replicas: 5 } },
      { spec: { replicas: 3 } },
      { spec: { replicas: 5 } },
    ],
    [
      'leaves a field alone that it did not touch',
      { spec: { replicas: 3, paused: false } },
      { spec: { replicas: 5, paused: false } },
      { spec: { replicas: 3, paused: true } },
      { spec: { replicas: 5, paused: true } },
    ],
    [
      'wins where the field has yet another value',
      { spec: { replicas: 3 } },
      { spec: { replicas: 5 } },
      { spec: { replicas: 9 } },
      { spec: { replicas: 5 } },
    ],
    [
      'takes away what it took away',
      { data: { a: '1', b: '2' } },
      { data: { a: '1' } },
      { data: { a: '1', b: '2', c: '3' } },
      { data: { a: '1', c: '3' } },
    ],
    ['adds what it added', { data: { a: '1' } }, { data: { a: '1', b: '2' } }, { data: { c: '3' } }, { data: { c: '3', b: '2' } }],
    [
      'finds the item of a list by its name',
      {
        spec: {
          c: [
            { name: 'a', image: '1' },
            { name: 'b', image: '1' },
          ],
        },
      },
      {
        spec: {
          c: [
            { name: 'a', image: '2' },
            { name: 'b', image: '1' },
          ],
        },
      },
      {
        spec: {
          c: [
            { name: 'b', image: '7' },
            { name: 'a', image: '1', tty: true },
          ],
        },
      },
      {
        spec: {
          c: [
            { name: 'b', image: '7' },
            { name: 'a', image: '2', tty: true },
          ],
        },
      },
    ],
    [
      'adds and removes items of such a list',
      { spec: { c: [{ name: 'a' }, { name: 'b' }] } },
      { spec: { c: [{ name: 'a' }, { name: 'n' }] } },
      { spec: { c: [{ name: 'a' }, { name: 'b' }, { name: 'z' }] } },
      { spec: { c: [{ name: 'a' }, { name: 'z' }, { name: 'n' }] } },
    ],
    [
      'adds and removes values of a list without names',
      { spec: { l: ['a', 'b'] } },
      { spec: { l: ['a', 'n'] } },
      { spec: { l: ['b', 'z', 'a'] } },
      { spec: { l: ['z', 'a', 'n'] } },
    ],
    [
      'replaces a list of things without names',
      { spec: { r: [{ q: 1 }] } },
      { spec: { r: [{ q: 2 }] } },
      { spec: { r: [{ q: 1 }, { q: 9 }] } },
      { spec: { r: [{ q: 2 }] } },
    ],
    [
      'does nothing to what is so already',
      { spec: { replicas: 3 } },
      { spec: { replicas: 5 } },
      { spec: { replicas: 5 } },
      { spec: { replicas: 5 } },
    ],
    [
      'leaves the status to whoever writes it',
      { spec: {}, status: { a: 1 } },
      { spec: { x: 1 }, status: { a: 2 } },
      { spec: {}, status: { a: 3 } },
      { spec: { x: 1 }, status: { a: 3 } },
    ],
  ])('%s', (_rule, before, after, current, wanted) => {
    expect(changedAlike(object(before), object(after), object(current), 'rest')).toEqual(object(wanted));
  });

  it('touches of the metadata what people write, and keeps the identity of the object it is made to', () => {
    const before = object({}, { uid: 'old', resourceVersion: '4', generation: 1, labels: { a: '1' } });
    const after = object({}, { uid: 'old', resourceVersion: '5', generation: 2, labels: { a: '2' }, annotations: { n: 'x' } });
    const current = object({}, { uid: 'new', resourceVersion: '90', generation: 7, labels: { a: '1', b: '1' } });
    expect(changedAlike(before, after, current, 'rest')).toEqual(
      object({}, { uid: 'new', resourceVersion: '90', generation: 7, labels: { a: '2', b: '1' }, annotations: { n: 'x' } }),
    );
  });

  it('of a status changes nothing else', () => {
    const [before, after] = [object({ spec: { a: 1 }, status: { s: 1 } }), object({ spec: { a: 2 }, status: { s: 2 } })];
    expect(changedAlike(before, after, object({ spec: { a: 9 }, status: { s: 1, t: 1 } }), 'status')).toEqual(
      object({ spec: { a: 9 }, status: { s: 2, t: 1 } }),
    );
  });
});
