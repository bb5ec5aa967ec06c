import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { emptyManifest } from '#libs/history';
import type { Sequence, StoredMessage } from '#libs/log';
import { ArchiveFileWriter, type Written } from './file.js';
import { ArchiveFolder } from './folder.js';
import { decodeRecords, encodeRecord, headingOf } from './records.js';

const CLUSTER = 'one';
let temporary: string;

beforeAll(() => (temporary = mkdtempSync(join(tmpdir(), 'decklog-folder-'))));
afterAll(() => rmSync(temporary, { recursive: true, force: true }));

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));
const message = (sequence: Sequence): StoredMessage => ({
  sequence,
  subject: `decklog.one.state.core.pods.d.p${sequence % 7}`,
  nanoseconds: `17672256000000000${String(sequence).padStart(2, '0')}`,
  headers: bytes(`NATS/1.0\r\nA: ${sequence}\r\n\r\n`),
  body: bytes('x'.repeat(sequence * 3)),
});

async function written(folder: string, sequences: readonly Sequence[]): Promise<Written> {
  const writer = await ArchiveFileWriter.open(folder, CLUSTER, true);
  for (const sequence of sequences) await writer.add(message(sequence));
  return writer.finish();
}

const read = async (archive: ArchiveFolder, after: Sequence, until: Sequence): Promise<StoredMessage[]> => {
  const all: StoredMessage[] = [];
  for await (const { messages } of archive.messages('state', after, until)) all.push(...messages);
  return all;
};

/** Which file, of four, each sequence is in; 0: in none. */
const places = fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 25 });

describe('files of an archive', () => {
  it('are read as one, whichever holds what, from any sequence to any other', async () => {
    await fc.assert(
      fc.asyncProperty(places, fc.nat(26), fc.nat(26), async (where, after, until) => {
        const folder = mkdtempSync(join(temporary, 'x'));
        const sequences = (file: number): number[] => where.flatMap((place, i) => (place === file ? [i + 1] : []));
        const files: Written[] = [];
        for (const file of [1, 2, 3, 4]) if (sequences(file).length > 0) files.push(await written(folder, sequences(file)));
        const archive = (await ArchiveFolder.open(folder, CLUSTER)).with(files);
        const held = where.flatMap((place, i) => (place === 0 ? [] : [i + 1]));
        expect(await read(archive, after, until)).toEqual(held.filter((one) => one > after && one <= until).map(message));
        const isHeld = archive.holder();
        expect(where.map((_, i) => isHeld(i + 1))).toEqual(where.map((place) => place !== 0));
      }),
      { numRuns: 40 },
    );
  });

  it('that no manifest lists are what archiving left when it was cut off, and go', async () => {
    const folder = mkdtempSync(join(temporary, 'x'));
    const [kept, left] = [await written(folder, [1, 2]), await written(folder, [3])];
    const cutOff = await ArchiveFileWriter.open(folder, CLUSTER, false);
    const entry = { ...kept, archivedAt: '', archivedBy: '' };
    const archive = await (await ArchiveFolder.open(folder, CLUSTER)).store({ ...emptyManifest(CLUSTER), through: 3, files: [entry] });
    await archive.prepare();
    expect(await read(archive, 0, 9)).toEqual([message(1), message(2)]);
    await cutOff.discard();
    await expect(read(archive.with([left]), 0, 9)).rejects.toThrow(`${left.name}: it is missing`);
  });
});

describe('records', () => {
  const content = Buffer.concat([Buffer.from(headingOf(CLUSTER)), encodeRecord(message(1)), encodeRecord(message(2))]);
  const decoded = async (pieces: readonly Buffer[]): Promise<StoredMessage[]> => {
    const all: StoredMessage[] = [];
    for await (const one of decodeRecords(
      (async function* () {
        yield* pieces;
      })(),
      headingOf(CLUSTER),
    ))
      all.push(one);
    return all;
  };

  it('are the same in whatever pieces they come', async () => {
    for (let size = 1; size <= content.length; size++) {
      const pieces = Array.from({ length: Math.ceil(content.length / size) }, (_, i) => content.subarray(i * size, (i + 1) * size));
      expect(await decoded(pieces)).toEqual([message(1), message(2)]);
    }
  });

  it.each<[string, Buffer, string]>([
    ['of another cluster', Buffer.from(headingOf('two')), 'it belongs to another cluster, or is no archive'],
    ['without an end', content.subarray(0, -1), 'its end is missing'],
    ['without a beginning', Buffer.alloc(0), 'its end is missing'],
    [
      'of an impossible length',
      Buffer.concat([Buffer.from(headingOf(CLUSTER)), Buffer.alloc(40, 0xff)]),
      'a record has an impossible length',
    ],
  ])('%s are refused', async (_, bad, why) => {
    await expect(decoded([bad])).rejects.toThrow(why);
  });
});
