import { fieldsOf, merge } from '#libs/structured-merge';
import { mergeTypeOf } from './merge-schema.js';

const POD = 'io.k8s.api.core.v1.Pod';

describe('how built-in objects merge', () => {
  test('containers are told apart by name, ports by number and protocol, arguments belong together', () => {
    const spec = { containers: [{ name: 'web', args: ['a', 'b'], ports: [{ containerPort: 80 }] }] };
    expect(fieldsOf(mergeTypeOf(POD), { spec })).toEqual({
      'f:spec': {
        'f:containers': {
          'k:{"name":"web"}': {
            '.': {},
            'f:args': {},
            'f:name': {},
            'f:ports': { 'k:{"containerPort":80,"protocol":"TCP"}': { '.': {}, 'f:containerPort': {} } },
          },
        },
      },
    });
  });

  test('labels have an owner each, a selector has one as a whole', () => {
    const object = { metadata: { labels: { a: '1' } }, spec: { selector: { matchLabels: { a: '1' } } } };
    expect(fieldsOf(mergeTypeOf('io.k8s.api.apps.v1.Deployment'), object)).toEqual({
      'f:metadata': { 'f:labels': { 'f:a': {} } },
      'f:spec': { 'f:selector': {} },
    });
  });

  test('finalizers are a set', () => {
    const live = { metadata: { finalizers: ['a', 'b'] } };
    expect(merge(mergeTypeOf(POD), live, { metadata: { finalizers: ['c', 'b'] } })).toEqual({ metadata: { finalizers: ['a', 'c', 'b'] } });
  });

  test('a model that is not known is a mistake of the caller', () => {
    expect(() => mergeTypeOf('io.example.Nothing')).toThrow('no facts');
  });
});
