import * as fc from 'fast-check';
import { emptyManifest, parseManifest } from './manifest.js';
import { archivePlanner } from './plan.js';
import { countOf, formatRanges, lengthened, parseRanges, type Range } from './ranges.js';

const subjectOf = (name: string): string =>
  name.startsWith('guard') ? `decklog.one.state.guard.core.pods.d.${name}` : `decklog.one.state.core.pods.d.${name}`;

/** A stream as a text: `a b a! guard` are four messages, `!` ends an object. Each is 10 bytes. */
function planned(
  stream: string,
  before: number,
): { readonly gone: readonly number[]; readonly messages: number; readonly objects: number } {
  const planner = archivePlanner(before);
  const messages = stream
    .split(' ')
    .map((word, i) => ({ sequence: i + 1, subject: subjectOf(word.replace('!', '')), deleted: word.endsWith('!'), bytes: 10 }));
  messages.forEach(planner.note);
  const plan = planner.plan();
  const gone = messages.filter(({ sequence, subject }) => sequence <= plan.before && sequence < (plan.cuts.get(subject) ?? 0));
  expect([plan.messages, plan.bytes]).toEqual([gone.length, gone.length * 10]);
  return { gone: gone.map(({ sequence }) => sequence), messages: plan.messages, objects: plan.objects };
}

describe('what of a stream may be archived', () => {
  it.each<[string, string, number, readonly number[]]>([
    ['what a newer message superseded', 'a a a b', 4, [1, 2]],
    ['what is superseded only later, too', 'a a b a', 2, [1, 2]],
    ['nothing after the moment', 'a a a a', 1, [1]],
    ['never the newest of an object that is there', 'a b c', 3, []],
    ['all of an object that was deleted', 'a a a! b', 3, [1, 2, 3]],
    ['of an object that was deleted later what it was superseded by', 'a a a! b', 2, [1, 2]],
    ['an object that is back loses all that it was before', 'a a! a b', 3, [1, 2]],
    ['an object that comes back later loses all that it was', 'a a! b a', 2, [1, 2]],
    ['markers of guards', 'guard a guard b', 4, [1, 3]],
    ['never the last message of the stream, a tombstone though it is', 'a a!', 2, [1]],
    ['nor a marker that is the last', 'a guard', 2, []],
    ['nothing before the first', 'a a', 0, []],
    ['no more than there is, by a moment yet to come', 'a a b', 99, [1]],
  ])('%s', (_, stream, before, gone) => {
    expect(planned(stream, before).gone).toEqual(gone);
  });

  it('leaves every object that is there as it is, and the stream its end, whatever happened', () => {
    const word = fc.constantFrom('a', 'b', 'c', 'a!', 'b!', 'guard');
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 30 }), fc.nat(32), (words, before) => {
        const { gone } = planned(words.join(' '), before);
        expect(gone).not.toContain(words.length);
        for (const name of ['a', 'b', 'c']) {
          const newest = words.findLastIndex((one) => one.replace('!', '') === name);
          if (newest >= 0 && words[newest] === name) expect(gone).not.toContain(newest + 1);
        }
      }),
    );
  });

  it('is told by kind, most bytes first', () => {
    const planner = archivePlanner(9);
    const subjects = [
      'decklog.one.state.core.pods.d.a',
      'decklog.one.state.apps.deployments.d.a',
      'decklog.one.state.apps.deployments.d.a',
    ];
    [...subjects, ...subjects].forEach((subject, i) => planner.note({ sequence: i + 1, subject, deleted: false, bytes: 5 }));
    expect(planner.plan()).toMatchObject({
      messages: 4,
      objects: 2,
      gone: 0,
      kinds: [
        { kind: 'deployments.apps', messages: 3, bytes: 15 },
        { kind: 'pods', messages: 1, bytes: 5 },
      ],
    });
  });
});

describe('sequences as ranges', () => {
  it('read back as they were written', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 60 }), { minLength: 1 }), (numbers) => {
        const ranges: Range[] = [];
        const sequences = [...numbers].sort((a, b) => a - b);
        for (const sequence of sequences) lengthened(ranges, sequence);
        expect(parseRanges(formatRanges(ranges))).toEqual(ranges);
        expect(countOf(ranges)).toBe(sequences.length);
      }),
    );
  });

  it.each(['', '0', '5-4', '3-3', '1,2', '4,1', '1-3,2', 'a'])('%j is none', (text) => {
    expect(() => parseRanges(text)).toThrow(SyntaxError);
  });
});

describe('the manifest of an archive', () => {
  const hash = 'a'.repeat(64);
  const file = { name: 'state-1.br', sequences: '1-2', messages: 2, bytes: 1, sha256: hash, contentBytes: 1, contentSha256: hash };
  const manifest = { ...emptyManifest('one'), files: [file] };

  it.each<[string, unknown, string | undefined]>([
    ['as it is written', manifest, undefined],
    ['of something else', { kind: 'Pod' }, 'it is no manifest of an archive'],
    ['of a newer build', { ...manifest, version: 2 }, 'it is of version 2, this build knows 1'],
    ['without its files', { ...manifest, files: undefined }, 'something of it is missing'],
    ['with a file elsewhere', { ...manifest, files: [{ ...file, name: '../x' }] }, 'it lists a file without a name'],
    ['with a file that has no hash', { ...manifest, files: [{ ...file, sha256: '' }] }, 'it lists state-1.br without its hashes'],
    [
      'with other counts',
      { ...manifest, files: [{ ...file, messages: 3 }] },
      'it lists state-1.br whose sequences are not as many as its messages',
    ],
  ])('%s is read, or what is wrong is said', (_, value, problem) => {
    const read = (): unknown => parseManifest(JSON.stringify(value));
    if (problem === undefined) expect(read()).toEqual(value);
    else expect(read).toThrow(problem);
  });
});
