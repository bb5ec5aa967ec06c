import type { Sequence, StreamName } from '#libs/log';
import { STREAMS } from '#libs/log';

/** One piece of a backup: an entry of the file, with the SHA-256 of its content in hexadecimal digits. */
export interface BackupPiece {
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** A stream of the log's server in a backup: where it stood, and the pieces of the server's own snapshot of it, in order. */
export interface BackupStream {
  /** On the server, e.g. `decklog_3f9a1c_state`. */
  readonly name: string;
  readonly first: Sequence;
  readonly last: Sequence;
  readonly messages: number;
  /** As the server has them: what a stream is made with again. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly pieces: readonly BackupPiece[];
}

/** What a backup holds: its last entry, so that a file that was cut off has none. */
export interface BackupManifest {
  readonly kind: 'DecklogBackup';
  readonly version: 1;
  /** The cluster's id. */
  readonly cluster: string;
  /** When it was begun, RFC 3339, and by whom. */
  readonly takenAt: string;
  readonly takenBy: string;
  /** Version of nats-server: what it can restore is what it or an older one has written. */
  readonly server: string;
  /** Schema of the newest events. */
  readonly schema: number;
  /** Up to here messages of `state` are in an archive, which is not part of the backup. */
  readonly archived: Sequence;
  /** In the order they were taken, and are restored. */
  readonly streams: readonly BackupStream[];
  /** What else is in it: small files. */
  readonly files: readonly BackupPiece[];
}

/** The names of a cluster's streams in the order they are backed up: whoever refers to another stream comes before it, with the keys last. */
export const backupOrder = (cluster: string): readonly string[] => [
  ...['checkpoint', 'sink', 'audit', ...STREAMS].map((stream) => `decklog_${cluster}_${stream}`),
  `KV_decklog_${cluster}_keys`,
];

/** Without these there is no log. */
const needed = (cluster: string): readonly string[] => STREAMS.map((stream) => `decklog_${cluster}_${stream}`);

/** Where a stream of the log stood in a backup. */
export const backedUp = ({ cluster, streams }: BackupManifest, stream: StreamName): Sequence =>
  streams.find(({ name }) => name === `decklog_${cluster}_${stream}`)?.last ?? 0;

/** The size of what a backup holds, unpacked. */
export const backupBytes = ({ streams }: BackupManifest): number =>
  streams.reduce((sum, { pieces }) => sum + pieces.reduce((bytes, piece) => bytes + piece.bytes, 0), 0);

const isPiece = (value: unknown): value is BackupPiece => {
  const { name, bytes, sha256 } = (value ?? {}) as Partial<BackupPiece>;
  return typeof name === 'string' && Number.isSafeInteger(bytes) && /^[0-9a-f]{64}$/.test(sha256 ?? '');
};

const isStream = (value: unknown, cluster: string): value is BackupStream => {
  const { name, first, last, messages, settings, pieces } = (value ?? {}) as Partial<BackupStream>;
  return (
    backupOrder(cluster).includes(name ?? '') &&
    [first, last, messages].every(Number.isSafeInteger) &&
    typeof settings === 'object' &&
    Array.isArray(pieces) &&
    pieces.every(isPiece)
  );
};

/** The manifest in a text. Throws SyntaxError that says what is wrong: damaged, of something else, or of a newer version. */
export function parseBackup(text: string): BackupManifest {
  const value = JSON.parse(text) as Partial<BackupManifest> | null;
  if (value?.kind !== 'DecklogBackup') throw new SyntaxError('it is no backup');
  if (Number(value.version) > 1) throw new SyntaxError(`it is of version ${value.version}, this build knows 1`);
  const { cluster = '', takenAt, takenBy, server, schema, archived, streams = [], files = [] } = value;
  const texts = [takenAt, takenBy, server].every((one) => typeof one === 'string') && /^[A-Za-z0-9-]+$/.test(cluster);
  if (!texts || !Number.isSafeInteger(schema) || !Number.isSafeInteger(archived)) throw new SyntaxError('something of it is missing');
  const whole = streams.every((stream) => isStream(stream, cluster)) && files.every(isPiece);
  if (!whole || new Set(streams.map(({ name }) => name)).size < streams.length) throw new SyntaxError('what it lists makes no sense');
  const missing = needed(cluster).find((name) => !streams.some((stream) => stream.name === name));
  if (missing !== undefined) throw new SyntaxError(`it lists no stream ${missing}`);
  return value as BackupManifest;
}

/** What is wrong with the entries of a file, by what its manifest lists; undefined where nothing is. */
export function pieceProblem(manifest: BackupManifest, found: readonly BackupPiece[]): string | undefined {
  const listed = [...manifest.files, ...manifest.streams.flatMap(({ pieces }) => pieces)];
  const known = new Map(found.map((piece) => [piece.name, piece]));
  for (const { name, bytes, sha256 } of listed) {
    const piece = known.get(name);
    if (piece === undefined) return `${name} is not in it`;
    if (piece.bytes !== bytes || piece.sha256 !== sha256) return `${name} is not what was written`;
  }
  const names = new Set(listed.map(({ name }) => name));
  const strange = found.find(({ name }) => !names.has(name));
  return strange === undefined ? undefined : `nobody knows of ${strange.name} in it`;
}
