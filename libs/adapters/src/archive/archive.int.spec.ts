import { randomUUID } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseRanges } from '#libs/history';
import type { EventLog, MessageSource, Recorded, Sequence, StoredMessage } from '#libs/log';
import { SequenceArchived, subjectFilter } from '#libs/log';
import { appended, configMapWrite, eventsOf, startNats, startPostgres, type TestServer } from '#libs/testing';
import { MIGRATIONS } from '../../../../migrations/index.js';
import { Archivist, connectLog, type JetStreamLog } from '../jetstream/index.js';
import { connectPostgres, PostgresHistory, ProjectedLog, Projector, rebuild, rebuildCheck } from '../postgres/index.js';
import { WITHOUT_KEYS } from '../sealing/index.js';
import { archiveMessages, connectWholeLog, ArchiveFolder, merged, planArchive, type ArchiveStep } from './index.js';

const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
let server: TestServer;
let temporary: string;
let log: JetStreamLog;
let cluster: string;
let folder: string;

beforeAll(async () => {
  server = await startNats();
  temporary = mkdtempSync(join(tmpdir(), 'decklog-archive-'));
});
afterAll(async () => {
  await server.stop();
  rmSync(temporary, { recursive: true, force: true });
});
beforeEach(async () => {
  cluster = randomUUID();
  folder = join(temporary, cluster);
  log = await connectLog({ url: server.url, cluster });
});
afterEach(() => log.close());

/** A life of objects, `0..9` unless more: created and changed four times, every third one deleted then; `gate` guards each creation. */
async function lives(count = 10, prefix = 'n'): Promise<Sequence> {
  const { subject } = configMapWrite(cluster, 'gate');
  const there = await log.lastOf('state', subject);
  const expected = there ? there.sequence : ((await appended(log, 'state', [configMapWrite(cluster, 'gate')]))[0] ?? 0);
  const last: Sequence[] = [];
  for (let round = 0; round < 5; round++) {
    const step = async (_: unknown, i: number): Promise<void> => {
      const type = round === 4 && i % 3 === 0 ? ({ type: 'Deleted', verb: 'delete' } as const) : {};
      const write = configMapWrite(cluster, `${prefix}${i}`, last[i] ?? 0, `${'x'.repeat(300)}${round}`, type);
      [last[i] = 0] = await appended(log, 'state', [write], round === 0 ? [{ subject, expected }] : []);
    };
    await Promise.all(Array.from({ length: count }, step));
  }
  await appended(log, 'state', [configMapWrite(cluster, `${prefix}-end`)]);
  return log.last('state');
}

const storedIn = async (source: MessageSource, until: Sequence): Promise<readonly StoredMessage[]> => {
  const all: StoredMessage[] = [];
  for await (const { messages } of source.messages('state', 0, until)) all.push(...messages);
  return all;
};

/** Archives as the command does; `cutOff` throws there. */
async function archive(before: Sequence, cutOff?: (step: ArchiveStep, done: number) => boolean) {
  const archivist = await Archivist.connect(server.url, cluster);
  try {
    return await archiveMessages(await planArchive(archivist, before), {
      archivist,
      archive: await ArchiveFolder.open(folder, cluster),
      now: () => 0,
      by: 'tester',
      progress: (step, done) => {
        if (cutOff?.(step, done) === true) throw new Error('cut off');
      },
    });
  } finally {
    await archivist.close();
  }
}

async function whole<T>(work: (log: EventLog & MessageSource) => Promise<T>): Promise<T> {
  const both = await connectWholeLog({ url: server.url, cluster, archive: folder });
  try {
    return await work(both);
  } finally {
    await both.close();
  }
}

const withoutTail = (events: readonly Recorded[], after: Sequence): readonly Recorded[] =>
  events.filter(({ sequence }) => sequence > after);

describe('archiving', () => {
  it('takes superseded messages, tombstones and markers out of the stream, and together with the archive nothing has changed', async () => {
    const last = await lives();
    const [events, messages] = [await eventsOf(log), await storedIn(log, last)];
    const { removed, manifest, files } = await archive(last);
    // Of 10 objects with 5 messages each 4 were deleted; two more have one message, and all markers go.
    expect({ removed, left: (await storedIn(log, last)).length }).toEqual({ removed: last - 8, left: 8 });
    expect(manifest).toMatchObject({ cluster, through: last, files: [{ messages: last - 8, archivedBy: 'tester' }] });
    expect(files[0]?.bytes).toBeLessThan((files[0]?.contentBytes ?? 0) / 4);
    await whole(async (both) => {
      expect(await storedIn(both, last)).toEqual(messages);
      expect(await eventsOf(both)).toEqual(events);
      expect(await both.last('state')).toBe(last);
    });
  });

  it('leaves the log alone to nobody who would take a part for the whole', async () => {
    const last = await lives();
    const events = await eventsOf(log);
    const half = Math.floor(last / 2);
    await archive(half);
    await expect(eventsOf(log)).rejects.toThrow(SequenceArchived);
    const after: Recorded[] = [];
    for await (const batch of log.read('state', half, { until: last })) after.push(...batch.events);
    expect(after).toEqual(withoutTail(events, half));
    const subjects = [configMapWrite(cluster, 'n1').subject];
    await expect(async () => {
      for await (const _ of log.read('state', half - 1, { until: last, subjects }));
    }).rejects.toThrow(SequenceArchived);
    await whole(async (both) => {
      const some: Recorded[] = [];
      for await (const batch of both.read('state', 3, { until: last, subjects })) some.push(...batch.events);
      expect(some).toEqual(withoutTail(events, 3).filter(({ subject }) => subject === subjects[0]));
    });
  });

  it('goes on while others append, and again and again: each time adds a file', async () => {
    const before = await lives();
    let appending = true;
    const writer = (async () => {
      for (let last = 0; appending;) [last = 0] = await appended(log, 'state', [configMapWrite(cluster, 'busy', last)]);
    })();
    await archive(before);
    appending = false;
    await writer;
    const last = await log.last('state');
    await archive(last - 1);
    await archive(last);
    const { manifest } = await ArchiveFolder.open(folder, cluster);
    expect(manifest.files.length).toBeGreaterThanOrEqual(2);
    // Of what a run archives, only what lies before the end of an earlier one may overlap.
    for (const { sequences } of manifest.files) {
      const { from, to } = { from: parseRanges(sequences)[0]?.from ?? 0, to: parseRanges(sequences).at(-1)?.to ?? 0 };
      expect(from <= before && to > before).toBe(false);
    }
    await whole(async (both) => {
      expect((await storedIn(both, last)).map(({ sequence }) => sequence)).toEqual(Array.from({ length: last }, (_, i) => i + 1));
    });
  });

  const CUTS: readonly [string, (step: ArchiveStep, done: number) => boolean][] = [
    ['before anything is written', (step, done) => step === 'planned' && done === 0],
    ['when all is written', (step) => step === 'written'],
    ['when all is compared', (step) => step === 'verified'],
    ['when the manifest lists it', (step) => step === 'listed'],
    ['when the stream is marked', (step) => step === 'marked'],
    ['in the middle of removing', (step, done) => step === 'removing' && done >= 128],
    ['when all is removed', (step) => step === 'removed'],
  ];
  it.each(CUTS)('cut off %s loses nothing, and run again comes to its end', async (_, cutOff) => {
    const last = await lives(60);
    const messages = await storedIn(log, last);
    await expect(archive(last, cutOff)).rejects.toThrow('cut off');
    const folderNow = await ArchiveFolder.open(folder, cluster);
    expect(await storedIn(merged(log, folderNow), last)).toEqual(messages);
    await archive(last);
    expect(await storedIn(log, last)).toHaveLength(42);
    await whole(async (both) => expect(await storedIn(both, last)).toEqual(messages));
    const { manifest } = await ArchiveFolder.open(folder, cluster);
    expect(readdirSync(folder).sort()).toEqual(['manifest.json', ...manifest.files.map(({ name }) => name)].sort());
  });

  it('lets a name be taken again whose end was archived, by whoever remembers it and by whoever does not', async () => {
    const last = await lives();
    const [n0, n3] = [configMapWrite(cluster, 'n0'), configMapWrite(cluster, 'n3')];
    const tombstone = (await log.lastOf('state', n0.subject))?.sequence ?? 0;
    await archive(last);
    expect(await log.append('state', [{ ...n0, expected: tombstone }])).toEqual({
      moved: [{ subject: n0.subject, expected: tombstone, actual: 0 }],
    });
    expect(await log.append('state', [n0])).toHaveProperty('sequences');
    const other = await connectLog({ url: server.url, cluster });
    expect(await other.append('state', [n3])).toHaveProperty('sequences');
    await other.close();
  });
});

describe('a reader that is where messages are removed', () => {
  it.each(['all of it', 'a selection'])('of %s is told, and not shown the rest as if it were all', async (what) => {
    const last = await lives(500);
    const subjects = [subjectFilter(cluster, 'state', { group: '', resource: 'configmaps' })];
    let read = 0;
    await expect(async () => {
      for await (const { through } of log.read('state', 0, what === 'a selection' ? { subjects, until: last } : {})) {
        read = through;
        if (read < last) await archive(last);
        else break;
      }
    }).rejects.toThrow(SequenceArchived);
    expect(read).toBeLessThan(last);
  });

  it('is told of messages that were removed by somebody else', async () => {
    const last = await lives();
    const archivist = await Archivist.connect(server.url, cluster);
    await archivist.remove(
      (async function* () {
        yield 5;
        yield 6;
      })(),
      () => undefined,
    );
    await archivist.close();
    await expect(eventsOf(log)).rejects.toThrow('state lacks 5 to 6: messages were removed that no archive accounts for');
    expect(await storedIn(log, last)).toHaveLength(last - 2);
    await whole(async (both) => expect(eventsOf(both)).rejects.toThrow('state lacks 5 to 6'));
    await expect(archive(last)).rejects.toThrow('lacks 2 messages');
  });
});

describe('an archive that is not what it was', () => {
  const nameOf = (): string => readdirSync(folder).find((name) => name.endsWith('.br')) ?? '';
  const spoilt: readonly [string, () => void, (name: string) => string][] = [
    ['has lost a file', () => rmSync(join(folder, nameOf())), (name) => `${name}: it is missing`],
    [
      'has a file with another byte',
      () => {
        const path = join(folder, nameOf());
        const bytes = readFileSync(path);
        bytes.writeUInt8(bytes.readUInt8(bytes.length >> 1) ^ 1, bytes.length >> 1);
        writeFileSync(path, bytes);
      },
      (name) => `archive file ${join(folder, name)}: `,
    ],
    [
      'has a file that was cut off',
      () => writeFileSync(join(folder, nameOf()), readFileSync(join(folder, nameOf())).subarray(0, 200)),
      (name) => `${name}: `,
    ],
    [
      'has a manifest with another hash',
      () => {
        const path = join(folder, 'manifest.json');
        writeFileSync(path, readFileSync(path, 'utf8').replace(/"sha256": "[0-9a-f]{4}/, '"sha256": "0000'));
      },
      (name) => `${name}: its sha256 is `,
    ],
    ['has a damaged manifest', () => writeFileSync(join(folder, 'manifest.json'), '{'), () => 'archive manifest '],
    ['is gone', () => renameSync(folder, `${folder}-elsewhere`), () => 'it is not the whole archive of this cluster'],
  ];
  it.each(spoilt)('%s: reading says which', async (_, spoil, message) => {
    const last = await lives();
    await archive(last);
    const name = nameOf();
    spoil();
    await expect(whole((both) => eventsOf(both))).rejects.toThrow(message(name));
  });

  it('is another cluster’s: nothing is read, and nothing archived into it', async () => {
    const last = await lives();
    await archive(last);
    await expect(ArchiveFolder.open(folder, 'other')).rejects.toThrow(`it is of cluster ${cluster}, not other`);
  });

  it('is not where it was: nothing more is archived, and nothing removed', async () => {
    const half = Math.floor((await lives()) / 2);
    await archive(half);
    renameSync(folder, `${folder}-moved`);
    await expect(archive(half + 10)).rejects.toThrow('it is not the whole archive of this cluster');
  });
});

describe('a projection built from the log and its archive', () => {
  it('is the one that grew, row for row, and shows events as they were stored', async () => {
    const database = await startPostgres();
    const options = { url: database.url, cluster, migrations: MIGRATIONS };
    const dataSource = await connectPostgres(options);
    const abort = new AbortController();
    const running = new Projector({ log, dataSource, logger: quiet }).run(abort.signal);
    try {
      const last = await lives();
      const history = new PostgresHistory(dataSource, WITHOUT_KEYS);
      await history.reached('state', last);
      await archive(last - 5);
      await lives(4, 'm');
      await history.reached('state', await log.last('state'));
      await expect(rebuildCheck(log, options)).rejects.toThrow(SequenceArchived);
      const shown = new ProjectedLog(log, dataSource, cluster);
      const subjects = [subjectFilter(cluster, 'state', { group: '', resource: 'configmaps' }, 'default', 'n1')];
      const some: Recorded[] = [];
      for await (const batch of shown.read('state', 9, { subjects, until: last + 3 })) some.push(...batch.events);
      await whole(async (both) => {
        expect(await eventsOf(shown)).toEqual(await eventsOf(both));
        const same: Recorded[] = [];
        for await (const batch of both.read('state', 9, { subjects, until: last + 3 })) same.push(...batch.events);
        expect(some).toEqual(same);
      });
      await whole(async (both) => {
        const report = await rebuildCheck(both, options);
        expect(report).toMatchObject({ equal: true });
        await rebuild(both, options);
        expect(await rebuildCheck(both, options)).toEqual(report);
      });
    } finally {
      abort.abort();
      await running;
      await dataSource.destroy();
      await database.stop();
    }
  }, 60_000);
});
