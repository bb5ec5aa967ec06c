import { negotiate } from './negotiate.js';

const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io';

describe('what a client accepts', () => {
  it.each<[accept: string | undefined, answer: string]>([
    [undefined, 'json'],
    ['*/*', 'json'],
    ['application/json', 'json'],
    ['application/yaml', 'yaml'],
    ['application/vnd.kubernetes.protobuf,application/json', 'json'],
    ['application/json;q=0.5,application/yaml', 'yaml'],
    ['text/html, */*;q=0.1', 'json'],
    [`${TABLE},application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json`, 'json Table v1'],
    ['application/json;as=Table;v=v1beta1;g=meta.k8s.io', 'json Table v1beta1'],
    ['application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io', 'json PartialObjectMetadataList v1'],
    ['application/json;as=Table;v=v9;g=meta.k8s.io, application/json', 'json'],
  ])('answers %s with %s', (accept, answer) => {
    const { format, transform } = negotiate(accept);
    expect([format, ...(transform ? [transform.kind, transform.version] : [])].join(' ')).toBe(answer);
  });

  it.each([
    ['application/vnd.kubernetes.protobuf', false],
    ['application/json;as=Table;v=v9;g=meta.k8s.io', false],
    ['application/json;q=0', false],
    ['application/yaml', true],
  ])('refuses %s', (accept, watch) => {
    expect(() => negotiate(accept, watch)).toThrow('only the following media types are accepted: application/json');
  });

  it('streams a watch that asks for it', () => {
    expect(negotiate('application/json;stream=watch', true).format).toBe('json');
  });
});
