import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { STREAMS, type StreamName } from '#libs/log';
import { appended, configMapWrite, startNats, type TestServer } from '#libs/testing';
import { digestOf } from '../digest.js';
import { connectLog, type JetStreamLog } from '../jetstream/jetstream-log.js';
import { connectKeyStore } from '../sealing/index.js';
import { BackupDamaged, checkBackup } from './read.js';
import { restoreBackup } from './restore.js';
import { writeBackup } from './write.js';

const CLUSTER = 'one';
const folder = mkdtempSync(join(tmpdir(), 'decklog-backup-'));
const FILE = join(folder, 'whole.backup');
const EMPTY = `${'0'.repeat(64)}`;
let from: TestServer;
let to: TestServer;
let log: JetStreamLog;

const backup = (file: string) =>
  writeBackup({
    url: from.url,
    cluster: CLUSTER,
    file,
    files: { 'cluster.json': '{"index":3}' },
    takenAt: '2026-11-25T10:00:00Z',
    takenBy: 'ops',
  });

/** A digest of each message of a stream, by its sequence. */
async function digests(source: JetStreamLog, stream: StreamName, until: number): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const { messages } of source.messages(stream, 0, until))
    for (const message of messages) found.push(`${message.sequence} ${Buffer.from(digestOf(message)).toString('hex')}`);
  return found;
}

beforeAll(async () => {
  [from, to] = await Promise.all([startNats(), startNats()]);
  log = await connectLog({ url: from.url, cluster: CLUSTER });
  for (let i = 0; i < 20; i++) {
    const writes = Array.from({ length: 40 }, (_, k) => configMapWrite(CLUSTER, `c-${i}-${k}`));
    await appended(log, 'state', writes);
  }
  const store = await connectKeyStore({ url: from.url, cluster: CLUSTER });
  await store.put('uid-1', new Uint8Array([1, 2, 3]));
  await store.close();
});
afterAll(async () => {
  await log.close();
  await Promise.all([from.stop(), to.stop()]);
  rmSync(folder, { recursive: true });
});

describe('a backup of a log that is written to', () => {
  it('is one file for its owner alone, whose manifest says where each stream stood', async () => {
    let [more, written] = [true, 0];
    const writing = (async () => {
      for (let i = 0; more; i++) {
        await appended(log, 'state', [configMapWrite(CLUSTER, `meanwhile-${i}`)]);
        written++;
      }
    })();
    const manifest = await backup(FILE);
    more = false;
    await writing;
    const state = manifest.streams.find(({ name }) => name === 'decklog_one_state');
    expect(state?.last).toBeGreaterThanOrEqual(800);
    expect(state?.last).toBeLessThanOrEqual(800 + written);
    expect(manifest.streams.map(({ name }) => name)).toEqual([...STREAMS.map((stream) => `decklog_one_${stream}`), 'KV_decklog_one_keys']);
    expect(statSync(FILE).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toEqual(['whole.backup']);
    expect(await checkBackup(FILE)).toEqual({
      manifest,
      files: new Map([
        ['cluster.json', '{"index":3}'],
        ['manifest.json', expect.any(String)],
      ]),
    });
  });

  it('is never written over', async () => {
    const before = readFileSync(FILE);
    await expect(backup(FILE)).rejects.toThrow(/EEXIST/);
    expect(readFileSync(FILE).equals(before)).toBe(true);
    expect(readdirSync(folder)).toEqual(['whole.backup']);
  });

  it.each<[string, (whole: Buffer) => Buffer, RegExp]>([
    ['cut off in its middle', (whole) => whole.subarray(0, whole.length / 2), /its end is missing/],
    ['cut off by one byte', (whole) => whole.subarray(0, -1), /its end is missing/],
    ['empty', () => Buffer.alloc(0), /its end is missing/],
    ['something else', () => Buffer.from('hello, world. '.repeat(100)), /can not be unpacked/],
    [
      'altered in one bit',
      (whole) => Buffer.concat([whole.subarray(0, 2_000), Buffer.from([(whole[2_000] ?? 0) ^ 4]), whole.subarray(2_001)]),
      /no whole backup|is damaged/,
    ],
  ])('that is %s is refused', async (_, alter, message) => {
    const file = join(folder, 'bad.backup');
    writeFileSync(file, alter(readFileSync(FILE)));
    await expect(checkBackup(file)).rejects.toThrow(BackupDamaged);
    await expect(checkBackup(file)).rejects.toThrow(message);
    rmSync(file);
  });

  it('restores every message where it was, and leaves sequences out that may have been given out since', async () => {
    const { manifest } = await checkBackup(FILE);
    await restoreBackup({ file: FILE, manifest, url: to.url, skip: 1_500 });
    const restored = await connectLog({ url: to.url, cluster: CLUSTER });
    try {
      for (const stream of STREAMS) {
        const last = manifest.streams.find(({ name }) => name === `decklog_one_${stream}`)?.last ?? 0;
        expect(await digests(restored, stream, last)).toEqual(await digests(log, stream, last));
        expect(await restored.last(stream)).toBe(last + 1_500);
      }
      const store = await connectKeyStore({ url: to.url, cluster: CLUSTER });
      expect((await store.get('uid-1'))?.value).toEqual(new Uint8Array([1, 2, 3]));
      await store.close();
      const last = await restored.last('state');
      expect(await appended(restored, 'state', [configMapWrite(CLUSTER, 'new')])).toEqual([last + 1]);
      const until = await restored.last('state');
      let events = 0;
      for await (const batch of restored.read('state', 0, { until })) events += batch.events.length;
      expect(events).toBe(until - 1_500);
    } finally {
      await restored.close();
    }
  });

  it('is not restored over a log that is there', async () => {
    const { manifest } = await checkBackup(FILE);
    await expect(restoreBackup({ file: FILE, manifest, url: to.url, skip: 0 })).rejects.toThrow(/already in use/);
  });

  it('is not restored where it changed since it was looked at', async () => {
    const { manifest } = await checkBackup(FILE);
    const streams = manifest.streams.map((stream) => ({ ...stream, pieces: stream.pieces.map((piece) => ({ ...piece, sha256: EMPTY })) }));
    const other = await startNats();
    try {
      await expect(restoreBackup({ file: FILE, manifest: { ...manifest, streams }, url: other.url, skip: 0 })).rejects.toThrow(
        /changed while/,
      );
    } finally {
      await other.stop();
    }
  });
});
