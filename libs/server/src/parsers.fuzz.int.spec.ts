import fc from 'fast-check';
import { decodeProtobuf, MalformedProtobuf, parseJsonStrict, strategicMergePatch } from '#libs/api';
import {
  canonicalQuantity,
  jsonMergePatch,
  jsonPatch,
  parseCidr,
  parseFieldSelector,
  parseIp,
  parseLabelSelector,
  parseTime,
  QuantityFormatError,
  StatusError,
  toStatus,
} from '#libs/apimachinery';
import { aDeployment, Dice, mutated, ODD_TEXTS, patchFor } from '#libs/testing';
import { decodeContinue } from './reads/continue-token.js';
import { listOptionsOf, sequenceOf } from './reads/list-options.js';
import { negotiate } from './encoding/negotiate.js';
import { requestInfoOf } from './request-info.js';
import { deleteOptionsOf, writeOptionsOf } from './write-options.js';
import { parseYaml, YamlProblem } from './encoding/yaml-body.js';

const SCALE = Number(process.env['FUZZ_RUNS'] ?? 10_000) / 10_000;

/** A text put together from a grammar's own pieces and from odd ones. */
function textFrom(dice: Dice, pieces: readonly string[]): string {
  return dice.times(12, () => (dice.once(15) ? dice.pick(ODD_TEXTS) : dice.pick(pieces))).join('');
}

const refusal = (thrown: unknown): boolean =>
  (thrown instanceof StatusError && toStatus(thrown).code < 500) ||
  thrown instanceof QuantityFormatError ||
  thrown instanceof YamlProblem ||
  thrown instanceof MalformedProtobuf;

const queryFrom = (dice: Dice): URLSearchParams =>
  new URLSearchParams(
    textFrom(dice, [
      'limit=',
      '&',
      'continue=',
      'timeoutSeconds=',
      '1',
      '-',
      'watch=',
      'true',
      'force=',
      'dryRun=All',
      'resourceVersion=',
      'resourceVersionMatch=Exact',
      'sendInitialEvents=',
      'gracePeriodSeconds=',
      'propagationPolicy=Orphan',
      'orphanDependents=',
    ]),
  );
const base64url = (text: string): string => Buffer.from(text).toString('base64url');

/** A field of protobuf that has a length. */
const field = (number: number, value: string | readonly number[]): readonly number[] => {
  const bytes = typeof value === 'string' ? [...Buffer.from(value)] : value;
  return [(number << 3) | 2, bytes.length, ...bytes];
};
const PROTOBUF_CONFIG_MAP: readonly number[] = [
  ...[0x6b, 0x38, 0x73, 0],
  ...field(1, [...field(1, 'v1'), ...field(2, 'ConfigMap')]),
  ...field(2, [...field(1, [...field(1, 'a'), ...field(3, 'default')]), ...field(2, [...field(1, 'key'), ...field(2, 'value')])]),
];
const list = { group: '', resource: 'pods' };

describe('what reads what clients write', () => {
  test.each<[string, number, (dice: Dice) => unknown]>([
    [
      'label selectors',
      30_000,
      (dice) =>
        parseLabelSelector(
          textFrom(dice, ['a', 'b-c', '=', '==', '!=', '!', ' in ', ' notin ', '(', ')', ',', ' ', '<', '>', '5', 'x.y/z']),
        ),
    ],
    ['field selectors', 20_000, (dice) => parseFieldSelector(textFrom(dice, ['metadata.name', '=', '==', '!=', ',', '\\', 'a']))],
    [
      'Accept headers',
      30_000,
      (dice) =>
        negotiate(
          textFrom(dice, [
            'application/json',
            '*/*',
            ';',
            ',',
            'q=',
            '0.5',
            'as=Table',
            'v=v1',
            'g=meta.k8s.io',
            '"',
            'stream=watch',
            ' ',
            'application/yaml',
          ]),
        ),
    ],
    [
      'paths',
      30_000,
      (dice) =>
        requestInfoOf(
          dice.pick(['GET', 'PUT', 'X']),
          `/${textFrom(dice, ['api', 'apis', '/', 'v1', 'namespaces', 'watch', 'pods', 'a', '%20', 'status', 'apps'])}`,
          queryFrom(dice),
        ),
    ],
    ['options of lists', 20_000, (dice) => listOptionsOf(queryFrom(dice), dice.once(2))],
    ['options of writes', 20_000, (dice) => writeOptionsOf(queryFrom(dice), dice.pick(['CreateOptions', 'PatchOptions', 'ApplyOptions']))],
    [
      'options of deletions',
      20_000,
      (dice) =>
        deleteOptionsOf(
          queryFrom(dice),
          dice.once(2)
            ? undefined
            : mutated(dice, {
                kind: 'DeleteOptions',
                apiVersion: 'v1',
                gracePeriodSeconds: 5,
                dryRun: ['All'],
                preconditions: { uid: 'x' },
              }),
        ),
    ],
    ['resourceVersions', 20_000, (dice) => sequenceOf(textFrom(dice, ['1', '0', '9', '-', '.']), list)],
    [
      'continue tokens',
      20_000,
      (dice): unknown => {
        const token = { v: 'meta.k8s.io/v1', rv: dice.pick([1, -1, 7, 2 ** 53]), start: dice.pick(['a', 'a/b', 'a\u0000', '/']) };
        return decodeContinue(base64url(JSON.stringify(dice.once(2) ? token : mutated(dice, token)) ?? ''), dice.pick(['', 'a']), true);
      },
    ],
    ['quantities', 30_000, (dice) => canonicalQuantity(textFrom(dice, ['1', '0', '.', '9', 'm', 'Ki', 'E', 'e', '-', '+', 'G', 'n']))],
    [
      'addresses',
      20_000,
      (dice) => [
        parseIp(textFrom(dice, ['1', '.', ':', 'f', '0', '255', '::'])),
        parseCidr(textFrom(dice, ['1', '.', ':', '/', '0', '24'])),
      ],
    ],
    ['times', 20_000, (dice) => parseTime(textFrom(dice, ['2026', '-', '01', 'T', ':', '00', 'Z', '.', '+']))],
    [
      'JSON',
      30_000,
      (dice) => parseJsonStrict(textFrom(dice, ['{', '}', '[', ']', '"a"', ':', ',', '1', 'null', 'true', '-', '\\', '"', 'e5', ' '])),
    ],
    [
      'YAML',
      10_000,
      (dice) =>
        parseYaml(
          textFrom(dice, [
            'a: ',
            '- ',
            '\n',
            '  ',
            '&x ',
            '*x',
            '<<: ',
            '{',
            '}',
            '[',
            ']',
            '"',
            "'",
            '? ',
            '!!int ',
            '|\n',
            '>\n',
            '#',
            '---\n',
            'b',
            '1',
          ]),
          true,
        ),
    ],
    [
      'protobuf',
      30_000,
      (dice): unknown => {
        const bytes = [...PROTOBUF_CONFIG_MAP];
        for (let left = dice.below(3); left > 0; left -= 1) bytes.splice(4 + dice.below(bytes.length - 4), dice.below(2), dice.below(256));
        return decodeProtobuf(Uint8Array.from(bytes.slice(0, dice.once(6) ? dice.below(bytes.length) : undefined)));
      },
    ],
    [
      'JSON Patches',
      20_000,
      (dice) => {
        const patch = patchFor(dice, aDeployment('a'));
        return patch.type === 'json' ? jsonPatch(aDeployment('a'), patch.operations) : jsonMergePatch(aDeployment('a'), patch.body);
      },
    ],
    [
      'strategic merge patches',
      10_000,
      (dice) => {
        const patch = patchFor(dice, aDeployment('a'));
        return patch.type === 'strategic' ? strategicMergePatch('io.k8s.api.apps.v1.Deployment', aDeployment('a'), patch.body) : undefined;
      },
    ],
  ])('%s are read, or refused with a Status', (_what, runs, read) => {
    let refused = 0;
    let accepted = 0;
    const dicePerRun = 50;
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const dice = new Dice(seed);
        for (let i = 0; i < dicePerRun; i += 1) {
          try {
            read(dice);
            accepted += 1;
          } catch (thrown) {
            if (!refusal(thrown)) throw thrown;
            refused += 1;
          }
        }
      }),
      { numRuns: Math.ceil((runs * SCALE) / dicePerRun), endOnFailure: true },
    );
    expect(accepted).toBeGreaterThan(0);
    expect(accepted + refused).toBeGreaterThan(0);
  });

  test('JSON is read as JSON.parse reads it, or refused where it throws', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 4 }), (text) => {
        expect(parseJsonStrict(text, { duplicates: false }).value).toEqual(JSON.parse(text));
      }),
      { numRuns: Math.ceil(1_000 * SCALE) },
    );
  });

  test('YAML reads every JSON as JSON does', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 3, noUnicodeString: true } as object), (text) => {
        expect(JSON.stringify(parseYaml(text, false).value)).toEqual(JSON.stringify(JSON.parse(text)));
      }),
      { numRuns: Math.ceil(500 * SCALE) },
    );
  });
});
