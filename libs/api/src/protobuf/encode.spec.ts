import fc from 'fast-check';
import { decode } from '../schema/index.js';
import { decodeProtobuf } from './decode.js';
import { encodeProtobuf, encodeWatchEvent, hasProtobuf, NoProtobuf } from './encode.js';
import { ProtobufWriter } from './writer.js';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
/** What lies between the magic and type of a kind and the end of the envelope. */
const inner = (bytes: Uint8Array): string =>
  hex(bytes)
    .replace(/^6b387300/, '')
    .slice(0, -8);

describe('encodeProtobuf', () => {
  it('wraps an object in magic, its type and two empty strings', () => {
    expect(hex(encodeProtobuf({ apiVersion: 'v1', kind: 'APIVersions' }))).toBe(
      ['6b387300', '0a11', '0a027631', `120b${Buffer.from('APIVersions').toString('hex')}`, '1200', '1a00', '2200'].join(''),
    );
  });

  const configMap = (rest: object): string => inner(encodeProtobuf({ apiVersion: 'v1', kind: 'ConfigMap', ...rest }));
  /** The envelope of a config map whose message has so many bytes. */
  const head = (length: string): string => `0a0f0a0276311209${Buffer.from('ConfigMap').toString('hex')}12${length}`;
  /** Metadata without anything: empty strings, the number 0, and times that are no pointers as empty messages. */
  const metadata = `0a10${'0a001200' + '1a002200' + '2a003200' + '3800' + '4200'}`;

  it.each<[string, object, string]>([
    ['writes the zeros of metadata, and no pointer that is absent', {}, head('12') + metadata],
    ['writes maps sorted', { data: { b: '2', a: '1' } }, `${head('22')}${metadata}12060a0161120131` + '12060a0162120132'],
    ['writes bytes, not their base64', { binaryData: { k: 'AQID' } }, `${head('1c')}${metadata}1a080a016b1203010203`],
    ['writes a pointer to false', { immutable: false }, `${head('14')}${metadata}2000`],
  ])('%s', (_, rest, wanted) => {
    expect(configMap(rest)).toBe(wanted);
  });

  it.each<[string, unknown]>([
    ['a port that is a number', 80],
    ['a port that is a name', 'web'],
    ['a negative number', -1],
  ])('gives back %s', (_, targetPort) => {
    const service = { apiVersion: 'v1', kind: 'Service', spec: { ports: [{ port: 80, targetPort }] } };
    const read = decodeProtobuf(encodeProtobuf(service)) as { spec: { ports: { targetPort: unknown }[] } };
    expect(read.spec.ports[0]?.targetPort).toBe(targetPort);
  });

  it('encodes lists, whose items have no type of their own', () => {
    const list = { apiVersion: 'v1', kind: 'ConfigMapList', metadata: { resourceVersion: '7' }, items: [{ data: { a: '1' } }, {}] };
    const read = decodeProtobuf(encodeProtobuf(list)) as { metadata: object; items: object[] };
    expect(read.metadata).toMatchObject({ resourceVersion: '7' });
    expect(read.items).toMatchObject([{ data: { a: '1' } }, { metadata: {} }]);
  });

  it('frames nothing of a watch event but its type and the object', () => {
    expect(hex(encodeWatchEvent('ADDED', Uint8Array.of(1, 2)))).toBe('0a0541444445441204' + '0a020102');
  });

  it.each([
    ['a custom resource', { apiVersion: 'example.com/v1', kind: 'Thing' }],
    ['a table', { apiVersion: 'meta.k8s.io/v1', kind: 'Table' }],
    ['a list of what has no form', { apiVersion: 'example.com/v1', kind: 'ThingList', items: [] }],
  ])('has no form for %s', (_, object) => {
    expect(() => encodeProtobuf(object)).toThrow(NoProtobuf);
    expect(hasProtobuf(object.apiVersion, object.kind)).toBe(false);
  });

  it('says of metadata in all its versions that it has a form', () => {
    expect(['v1', 'v1beta1'].map((version) => hasProtobuf(`meta.k8s.io/${version}`, 'PartialObjectMetadata'))).toEqual([true, true]);
  });

  it('loses nothing of what it can say', () => {
    const text = fc.string({ unit: 'binary' });
    const configMaps = fc.record({
      apiVersion: fc.constant('v1'),
      kind: fc.constant('ConfigMap'),
      metadata: fc.record({
        name: text,
        labels: fc.dictionary(
          text.filter((key) => key !== '__proto__'),
          text,
        ),
        generation: fc.integer({ min: -(2 ** 53) + 1, max: 2 ** 53 - 1 }),
        deletionTimestamp: fc
          .date({ min: new Date(0), max: new Date('9999-01-01'), noInvalidDate: true })
          .map((date) => date.toISOString()),
        finalizers: fc.array(text),
      }),
      binaryData: fc.dictionary(
        text,
        fc.uint8Array().map((bytes) => Buffer.from(bytes).toString('base64')),
      ),
    });
    fc.assert(
      fc.property(configMaps, (given) => {
        const model = 'io.k8s.api.core.v1.ConfigMap';
        const { object } = decode(model, given, { strict: false });
        expect(decode(model, decodeProtobuf(encodeProtobuf(object)), { strict: true })).toEqual({ object, unknown: [] });
      }),
    );
  });
});

describe('ProtobufWriter', () => {
  it.each<[number | bigint, string]>([
    [0, '00'],
    [127, '7f'],
    [128, '8001'],
    [300, 'ac02'],
    [2 ** 31 - 1, 'ffffffff07'],
    [2 ** 31, '8080808008'],
    [2n ** 63n - 1n, 'ffffffffffffffff7f'],
    [-1, 'ffffffffffffffffff01'],
  ])('writes %s as %s', (value, wanted) => {
    const out = new ProtobufWriter();
    out.varint(value);
    expect(hex(out.finish())).toBe(wanted);
  });

  it('grows as far as it must', () => {
    const out = new ProtobufWriter();
    out.string('x'.repeat(5_000));
    out.string('ä');
    expect(Buffer.from(out.finish()).toString()).toBe(`ä${'x'.repeat(5_000)}`);
  });
});
