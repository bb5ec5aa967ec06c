import fc from 'fast-check';
import { StatusError } from '#libs/apimachinery';
import { strategicMergePatch } from './strategic-merge.js';

const POD = 'io.k8s.api.core.v1.Pod';
const DEPLOYMENT = 'io.k8s.api.apps.v1.Deployment';
const SERVICE = 'io.k8s.api.core.v1.Service';

const pod = (spec: object): object => ({ spec });
const containers = (...list: object[]): object => pod({ containers: list });
const finalizers = (...names: string[]): object => ({ metadata: { finalizers: names } });

describe('strategicMergePatch', () => {
  it.each<[string, string, object, object, object]>([
    ['members merge', POD, { a: { b: 1, c: 2 } }, { a: { c: 3 } }, { a: { b: 1, c: 3 } }],
    ['null deletes', POD, { a: { b: 1, c: 2 } }, { a: { b: null } }, { a: { c: 2 } }],
    ['null of what is not there does nothing', POD, { a: 1 }, { b: null, c: { d: null, e: 1 } }, { a: 1, c: { e: 1 } }],
    [
      'an element with a known key is merged',
      POD,
      containers({ name: 'a', image: '1' }, { name: 'b', image: '1' }),
      containers({ name: 'b', image: '2' }),
      containers({ name: 'a', image: '1' }, { name: 'b', image: '2' }),
    ],
    [
      'an element with a new key is put before those only the server has',
      POD,
      containers({ name: 'a' }),
      containers({ name: 'b' }),
      containers({ name: 'b' }, { name: 'a' }),
    ],
    [
      '$patch: delete removes the element',
      POD,
      containers({ name: 'a' }, { name: 'b' }),
      containers({ name: 'a', $patch: 'delete' }),
      containers({ name: 'b' }),
    ],
    [
      '$patch: delete of what is not there does nothing',
      POD,
      containers({ name: 'a' }),
      containers({ name: 'b', $patch: 'delete' }),
      containers({ name: 'a' }),
    ],
    [
      '$patch: replace replaces a list',
      POD,
      containers({ name: 'a' }),
      containers({ name: 'b' }, { $patch: 'replace' }),
      containers({ name: 'b' }),
    ],
    [
      '$patch: replace replaces an object',
      POD,
      pod({ nodeName: 'n', hostname: 'h' }),
      pod({ $patch: 'replace', hostname: 'i' }),
      pod({ hostname: 'i' }),
    ],
    [
      '$patch: delete empties an object',
      POD,
      pod({ securityContext: { runAsUser: 1 } }),
      pod({ securityContext: { $patch: 'delete' } }),
      pod({ securityContext: {} }),
    ],
    [
      'lists without a merge key are replaced',
      POD,
      containers({ name: 'a', args: ['1', '2'] }),
      containers({ name: 'a', args: ['3'] }),
      containers({ name: 'a', args: ['3'] }),
    ],
    [
      'tolerations have no merge key',
      POD,
      pod({ tolerations: [{ key: 'a' }] }),
      pod({ tolerations: [{ key: 'b' }] }),
      pod({ tolerations: [{ key: 'b' }] }),
    ],
    ['lists of primitives are sets', POD, finalizers('a', 'b'), finalizers('c', 'a'), finalizers('c', 'a', 'b')],
    [
      '$deleteFromPrimitiveList removes',
      POD,
      finalizers('a', 'b', 'c'),
      { metadata: { '$deleteFromPrimitiveList/finalizers': ['b'] } },
      finalizers('a', 'c'),
    ],
    [
      '$setElementOrder orders what is merged',
      POD,
      containers({ name: 'a' }, { name: 'b' }),
      pod({ '$setElementOrder/containers': [{ name: 'c' }, { name: 'b' }, { name: 'a' }], containers: [{ name: 'c', image: 'x' }] }),
      containers({ name: 'c', image: 'x' }, { name: 'b' }, { name: 'a' }),
    ],
    [
      '$setElementOrder alone reorders',
      POD,
      containers({ name: 'a' }, { name: 'b' }),
      pod({ '$setElementOrder/containers': [{ name: 'b' }, { name: 'a' }] }),
      containers({ name: 'b' }, { name: 'a' }),
    ],
    [
      '$setElementOrder leaves what only the server has in its place',
      POD,
      containers({ name: 'a' }, { name: 'sidecar' }, { name: 'b' }),
      pod({ '$setElementOrder/containers': [{ name: 'a' }, { name: 'b' }], containers: [{ name: 'b', image: '2' }] }),
      containers({ name: 'a' }, { name: 'sidecar' }, { name: 'b', image: '2' }),
    ],
    [
      '$setElementOrder of primitives',
      POD,
      finalizers('a', 'b'),
      { metadata: { '$setElementOrder/finalizers': ['c', 'a'], finalizers: ['c'] } },
      finalizers('c', 'a', 'b'),
    ],
    [
      '$retainKeys drops the rest',
      DEPLOYMENT,
      pod({ strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } } }),
      pod({ strategy: { $retainKeys: ['type'], type: 'Recreate' } }),
      pod({ strategy: { type: 'Recreate' } }),
    ],
    [
      'ports of a service merge by port',
      SERVICE,
      pod({ ports: [{ port: 80, name: 'a' }] }),
      pod({ ports: [{ port: 80, nodePort: 30000 }, { port: 81 }] }),
      pod({ ports: [{ port: 80, name: 'a', nodePort: 30000 }, { port: 81 }] }),
    ],
    [
      'directives inside what is new are left out',
      POD,
      {},
      containers({ name: 'a', $patch: 'delete' }, { name: 'b' }),
      containers({ name: 'b' }),
    ],
    ['a value of another type replaces', POD, { a: 1 }, { a: { b: 1 } }, { a: { b: 1 } }],
    [
      'maps of strings merge',
      POD,
      { metadata: { labels: { a: '1', b: '2' } } },
      { metadata: { labels: { b: null, c: '3' } } },
      { metadata: { labels: { a: '1', c: '3' } } },
    ],
    [
      'conditions merge by type',
      POD,
      { status: { conditions: [{ type: 'Ready', status: 'False' }] } },
      { status: { '$setElementOrder/conditions': [{ type: 'Ready' }], conditions: [{ type: 'Ready', status: 'True' }] } },
      { status: { conditions: [{ type: 'Ready', status: 'True' }] } },
    ],
  ])('%s', (_title, model, original, patch, wanted) => {
    const before = JSON.stringify([original, patch]);
    expect(strategicMergePatch(model, original, patch)).toEqual(wanted);
    expect(JSON.stringify([original, patch])).toBe(before);
  });

  it.each<[object, object, string]>([
    [containers({ name: 'a' }), containers({ image: 'x' }), 'map: map[image:x] does not contain declared merge key: name'],
    [containers({ name: 'a' }), containers({ name: 'a', $patch: 'burn' }), 'unknown patch type: burn in map: map[$patch:burn name:a]'],
    [
      containers({ name: 'a' }),
      pod({ '$setElementOrder/containers': [{ name: 'a' }], containers: [{ name: 'b' }] }),
      "The order in patch list:\n[map[name:b]]\n doesn't match $setElementOrder list:\n[map[name:a]]\n",
    ],
    [pod({}), pod({ $retainKeys: ['a'], b: 1 }), 'invalid patch format of retainKeys'],
    [pod({}), pod({ $retainKeys: 'a' }), 'invalid patch format of retainKeys'],
    [pod({}), pod({ '$setElementOrder/containers': 1 }), 'expected a []interface {}, but received a int64'],
  ])('%j patched with %j is refused', (original, patch, message) => {
    expect(() => strategicMergePatch(POD, original, patch)).toThrow(new StatusError('BadRequest', message));
  });

  const names = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e'));
  const lists = names.map((list) => containers(...list.map((name) => ({ name, image: `${name}:1` }))));

  it('changes nothing when an object is merged into itself', () => {
    fc.assert(fc.property(lists, (object) => expect(strategicMergePatch(POD, object, object)).toEqual(object)));
  });

  it('puts each element into a given order, once', () => {
    fc.assert(
      fc.property(lists, names, (object, order) => {
        const patch = pod({
          '$setElementOrder/containers': order.map((name) => ({ name })),
          containers: order.map((name) => ({ name, image: 'x' })),
        });
        const { spec } = strategicMergePatch(POD, object, patch) as { spec: { containers: { name: string }[] } };
        const found = spec.containers.map(({ name }) => name);
        expect(new Set(found).size).toBe(found.length);
        expect(found.filter((name) => order.some((wanted) => wanted === name))).toEqual(order);
      }),
    );
  });
});
