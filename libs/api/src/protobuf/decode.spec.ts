import { decodeProtobuf } from './decode.js';
import { MalformedProtobuf } from './wire.js';

/** A field of bytes: its number, its length, what is in it. */
const field = (number: number, ...content: (number | string | Uint8Array)[]): Uint8Array => {
  const inner = content.flatMap((part) =>
    typeof part === 'number' ? [part] : [...(typeof part === 'string' ? new TextEncoder().encode(part) : part)],
  );
  return new Uint8Array([(number << 3) | 2, inner.length, ...inner]);
};
const number = (at: number, value: number): Uint8Array => new Uint8Array([at << 3, value]);
const message = (apiVersion: string, kind: string, ...fields: Uint8Array[]): Uint8Array =>
  new Uint8Array([0x6b, 0x38, 0x73, 0, ...field(1, field(1, apiVersion), field(2, kind)), ...field(2, ...fields)]);

describe('decodeProtobuf', () => {
  it.each<[string, Uint8Array, unknown]>([
    [
      'reads metadata and maps',
      message('v1', 'ConfigMap', field(1, field(1, 'a'), field(11, field(1, 'k'), field(2, 'v'))), field(2, field(1, 'x'), field(2, 'y'))),
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', labels: { k: 'v' } }, data: { x: 'y' } },
    ],
    [
      'reads bytes as base64',
      message('v1', 'Secret', field(2, field(1, 'key'), field(2, new Uint8Array([1, 2, 3])))),
      { apiVersion: 'v1', kind: 'Secret', data: { key: 'AQID' } },
    ],
    [
      'puts the fields of an embedded struct where JSON has them',
      message('v1', 'Pod', field(2, field(1, field(1, 'v'), field(2, field(2, field(1, 'Memory')))))),
      { apiVersion: 'v1', kind: 'Pod', spec: { volumes: [{ name: 'v', emptyDir: { medium: 'Memory' } }] } },
    ],
    [
      'reads a port that is a number, and one that is a name',
      message(
        'v1',
        'Service',
        field(
          2,
          field(1, number(3, 80), field(4, number(1, 0), number(2, 80))),
          field(1, number(3, 81), field(4, number(1, 1), field(3, 'web'))),
        ),
      ),
      {
        apiVersion: 'v1',
        kind: 'Service',
        spec: {
          ports: [
            { port: 80, targetPort: 80 },
            { port: 81, targetPort: 'web' },
          ],
        },
      },
    ],
    [
      'reads quantities and negative numbers',
      message('apps/v1', 'Deployment', field(2, new Uint8Array([8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]))),
      { apiVersion: 'apps/v1', kind: 'Deployment', spec: { replicas: -1 } },
    ],
    [
      'passes over fields it does not know',
      message('v1', 'ConfigMap', field(15, 'later'), field(2, field(1, 'x'), field(2, 'y'))),
      { apiVersion: 'v1', kind: 'ConfigMap', data: { x: 'y' } },
    ],
  ])('%s', (_, bytes, wanted) => {
    expect(decodeProtobuf(bytes)).toEqual(wanted);
  });

  it.each<[string, Uint8Array]>([
    ['what is not protobuf', new TextEncoder().encode('{"kind":"Pod"}')],
    ['a kind it does not know', message('v1', 'Nonsense')],
    ['a message that breaks off', message('v1', 'ConfigMap', field(2, 'x')).subarray(0, 20)],
    ['a number where a message belongs', message('v1', 'ConfigMap', number(1, 7))],
    ['an endless integer', new Uint8Array([0x6b, 0x38, 0x73, 0, ...Array<number>(20).fill(0xff)])],
  ])('refuses %s', (_, bytes) => {
    expect(() => decodeProtobuf(bytes)).toThrow(MalformedProtobuf);
  });
});
