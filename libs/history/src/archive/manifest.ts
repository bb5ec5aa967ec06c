import type { Sequence } from '#libs/log';
import { countOf, parseRanges } from './ranges.js';

/** One file of an archive: messages of the stream `state`, compressed. */
export interface ArchiveFile {
  /** Within the archive's folder. */
  readonly name: string;
  /** The sequences it holds, `1-5,7`. */
  readonly sequences: string;
  readonly messages: number;
  /** Of the compressed file, and of what it holds; SHA-256 in hexadecimal digits. */
  readonly bytes: number;
  readonly sha256: string;
  readonly contentBytes: number;
  readonly contentSha256: string;
  /** RFC 3339, and who did it. */
  readonly archivedAt: string;
  readonly archivedBy: string;
}

/** The chain at an event, as the projection had it when its messages were archived. */
export interface ArchiveAnchor {
  readonly sequence: Sequence;
  /** Hexadecimal digits. */
  readonly chain: string;
}

/** What an archive holds: `manifest.json` of its folder. */
export interface ArchiveManifest {
  readonly kind: 'DecklogArchive';
  readonly version: 1;
  /** The cluster's id. */
  readonly cluster: string;
  readonly stream: 'state';
  /** Nothing after this sequence has been archived. */
  readonly through: Sequence;
  readonly files: readonly ArchiveFile[];
  readonly anchors: readonly ArchiveAnchor[];
}

/** The manifest of an archive that holds nothing yet. */
export const emptyManifest = (cluster: string): ArchiveManifest => ({
  kind: 'DecklogArchive',
  version: 1,
  cluster,
  stream: 'state',
  through: 0,
  files: [],
  anchors: [],
});

const NAME = /^[A-Za-z0-9][A-Za-z0-9.-]{0,120}$/;
const HASH = /^[0-9a-f]{64}$/;

/** What is wrong with a file's entry; undefined where nothing is. */
function problemOf(file: Partial<ArchiveFile> | null): string | undefined {
  if (typeof file?.name !== 'string' || !NAME.test(file.name)) return 'a file without a name';
  const { name, sequences, messages, sha256 = '', contentSha256 = '' } = file;
  if (!HASH.test(sha256) || !HASH.test(contentSha256)) return `${name} without its hashes`;
  if (typeof sequences !== 'string' || countOf(parseRanges(sequences)) !== messages)
    return `${name} whose sequences are not as many as its messages`;
  return undefined;
}

/** The manifest in a text. Throws SyntaxError that says what is wrong: damaged, of something else, or of a newer version. */
export function parseManifest(text: string): ArchiveManifest {
  const value = JSON.parse(text) as Partial<ArchiveManifest> | null;
  if (value?.kind !== 'DecklogArchive') throw new SyntaxError('it is no manifest of an archive');
  if (Number(value.version) > 1) throw new SyntaxError(`it is of version ${value.version}, this build knows 1`);
  const { cluster, stream, through, files, anchors } = value;
  if (
    typeof cluster !== 'string' ||
    stream !== 'state' ||
    !Number.isSafeInteger(through) ||
    !Array.isArray(files) ||
    !Array.isArray(anchors)
  ) {
    throw new SyntaxError('something of it is missing');
  }
  for (const file of files) {
    const problem = problemOf(file);
    if (problem !== undefined) throw new SyntaxError(`it lists ${problem}`);
  }
  return value as ArchiveManifest;
}

/** How many messages an archive holds. */
export const archivedMessages = ({ files }: ArchiveManifest): number => files.reduce((sum, { messages }) => sum + messages, 0);
