import { backedUp, backupBytes, parseBackup, pieceProblem, type BackupManifest } from './manifest.js';

const piece = (name: string, digit = 'a') => ({ name, bytes: 3, sha256: digit.repeat(64) });
const stream = (name: string, last = 7) => ({ name, first: 1, last, messages: last, settings: {}, pieces: [piece(`${name}/000001`)] });
const manifest: BackupManifest = {
  kind: 'DecklogBackup',
  version: 1,
  cluster: 'one',
  takenAt: '2026-11-25T10:00:00Z',
  takenBy: 'ops',
  server: '2.15.1',
  schema: 1,
  archived: 0,
  streams: [stream('decklog_one_state', 9), stream('decklog_one_lease'), stream('decklog_one_event')],
  files: [piece('cluster.json')],
};
const pieces = [...manifest.files, ...manifest.streams.flatMap((one) => one.pieces)];

describe('the manifest of a backup', () => {
  it('is read as it was written, and knows where each stream stood', () => {
    const read = parseBackup(JSON.stringify(manifest));
    expect(read).toEqual(manifest);
    expect(backedUp(read, 'state')).toBe(9);
    expect(backupBytes(read)).toBe(9);
  });

  it.each<[string, unknown, RegExp]>([
    ['that is of something else', { ...manifest, kind: 'DecklogArchive' }, /no backup/],
    ['of a newer version', { ...manifest, version: 2 }, /version 2, this build knows 1/],
    ['that lacks its cluster', { ...manifest, cluster: undefined }, /missing/],
    ['of a cluster that can be no name', { ...manifest, cluster: 'a.b' }, /missing/],
    ['that lacks a stream of the log', { ...manifest, streams: manifest.streams.slice(1) }, /no stream decklog_one_state/],
    ['that lists a stream twice', { ...manifest, streams: [...manifest.streams, stream('decklog_one_event')] }, /no sense/],
    ["that lists another cluster's stream", { ...manifest, streams: [...manifest.streams, stream('decklog_two_event')] }, /no sense/],
    ['whose pieces have no hash', { ...manifest, files: [{ name: 'x', bytes: 1 }] }, /no sense/],
  ])('%s is refused', (_, value, message) => {
    expect(() => parseBackup(JSON.stringify(value))).toThrow(message);
  });

  it.each<[string, readonly ReturnType<typeof piece>[], string | undefined]>([
    ['nothing', pieces, undefined],
    ['what is missing', pieces.slice(1), 'cluster.json is not in it'],
    ['what was altered', [piece('cluster.json', 'b'), ...pieces.slice(1)], 'cluster.json is not what was written'],
    ['what is too much', [...pieces, piece('more')], 'nobody knows of more in it'],
  ])('compared with what is there says %s', (_, found, problem) => {
    expect(pieceProblem(manifest, found)).toBe(problem);
  });
});
