import { acceptClauses, ANY_FORMAT, BUILT_IN_OBJECTS, CUSTOM_OBJECTS, formatOfFailure, negotiate, negotiateStream } from './negotiate.js';

const JSON_TYPE = 'application/json';
const PROTOBUF = 'application/vnd.kubernetes.protobuf';
const META = 'g=meta.k8s.io';
const TABLE = `${JSON_TYPE};as=Table;v=v1;${META}`;
const ALL = 'application/json, application/yaml, application/vnd.kubernetes.protobuf';

describe('what a client accepts', () => {
  it.each<[accept: string | undefined, answer: string]>([
    [undefined, 'json'],
    ['*/*', 'json'],
    ['*', 'json'],
    ['application/*', 'json'],
    ['application/json', 'json'],
    ['application/yaml', 'yaml'],
    [PROTOBUF, 'protobuf'],
    [`${PROTOBUF},application/json`, 'protobuf'],
    [`application/json, ${PROTOBUF}`, 'json'],
    ['application/json;q=0.5,application/yaml', 'yaml'],
    [`application/json;q=0.5,application/yaml;q=0.7,${PROTOBUF};q=0.9`, 'protobuf'],
    ['text/html, */*;q=0.1', 'json'],
    // What is named stands before what a wildcard allows, whatever their qualities (goautoneg).
    ['*/*, application/yaml;q=0.1', 'yaml'],
    ['application/json;q=0', 'json'],
    [`${TABLE},application/json;as=Table;v=v1beta1;${META},application/json`, 'json Table v1'],
    [`application/json;as=Table;v=v1beta1;${META}`, 'json Table v1beta1'],
    [`application/yaml;as=Table;v=v1;${META}`, 'yaml Table v1'],
    // A table has no Protocol Buffers: the next clause counts.
    [`${PROTOBUF};as=Table;v=v1;${META},${TABLE}`, 'json Table v1'],
    [`application/json;as=PartialObjectMetadataList;v=v1;${META}`, 'json PartialObjectMetadataList v1'],
    [`${PROTOBUF};as=PartialObjectMetadata;v=v1;${META}`, 'protobuf PartialObjectMetadata v1'],
    [`application/json;as=Table;v=v9;${META}, application/json`, 'json'],
    ['application/json;stream=watch', 'json'],
  ])('answers %s with %s', (accept, answer) => {
    const { format, transform } = negotiate(accept, BUILT_IN_OBJECTS);
    expect([format, ...(transform ? [transform.kind, transform.version] : [])].join(' ')).toBe(answer);
  });

  it.each<[accept: string]>([
    ['text/html'],
    ['application/cbor'],
    ['text/yaml'],
    [`application/json;as=Table;v=v9;${META}`],
    [`application/json;as=Pod;v=v1;${META}`],
    ['application/json;as=Table;v=v1;g=apps'],
    [`${PROTOBUF};as=Table;v=v1;${META}`],
    ['application/yaml;stream=watch'],
    ['application/json;stream=other'],
    ['application/json;sv=v2'],
    [''.padEnd(3_000, 'text/html,')],
  ])('refuses %s and says what there is', (accept) => {
    expect(() => negotiate(accept, BUILT_IN_OBJECTS)).toThrow(`only the following media types are accepted: ${ALL}`);
  });

  it('has no Protocol Buffers for custom resources, but for their metadata alone', () => {
    expect(() => negotiate(PROTOBUF, CUSTOM_OBJECTS)).toThrow(`only the following media types are accepted: ${ALL}`);
    expect(negotiate(`${PROTOBUF}, application/json`, CUSTOM_OBJECTS).format).toBe('json');
    expect(negotiate(`${PROTOBUF};as=PartialObjectMetadata;v=v1;${META}`, CUSTOM_OBJECTS).format).toBe('protobuf');
  });

  it('indents where the media type asks for it', () => {
    expect(negotiate('application/json;pretty=1').pretty).toBe(true);
  });

  it('turns nothing into a table where an endpoint has nothing but itself', () => {
    expect(() => negotiate(TABLE, ANY_FORMAT)).toThrow('only the following media types are accepted');
  });
});

describe('a watch', () => {
  it.each([
    ['application/json;stream=watch', 'json'],
    [`${PROTOBUF};stream=watch`, 'protobuf'],
    [PROTOBUF, 'protobuf'],
    [undefined, 'json'],
  ])('that accepts %s is streamed as %s', (accept, format) => {
    expect(negotiateStream(accept, BUILT_IN_OBJECTS).format).toBe(format);
  });

  it('is not streamed as YAML', () => {
    expect(() => negotiateStream('application/yaml', BUILT_IN_OBJECTS)).toThrow(
      'only the following media types are accepted: application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch',
    );
  });
});

describe('a failure', () => {
  it.each([
    [undefined, 'json'],
    [PROTOBUF, 'protobuf'],
    ['application/yaml', 'yaml'],
    ['text/html', 'json'],
    [TABLE, 'json'],
    [`${PROTOBUF};as=Table;v=v1;${META},application/yaml`, 'yaml'],
  ])('is answered to whoever accepts %s as %s', (accept, format) => {
    expect(formatOfFailure(accept)).toBe(format);
  });
});

it('reads a clause as goautoneg does', () => {
  expect(acceptClauses('a/b;x=1;y;z=1=2; q=0.5 , c')).toEqual([{ type: 'a', subtype: 'b', params: { x: '1' }, quality: 0.5 }]);
});
