import { mkdir, readdir, readFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';

import type { Cluster } from '../cluster.js';
import { Failure, messageOf } from '../failure.js';
import { writeWhole, type Folders } from '../profile.js';

/** What a file of keys holds: everything that a log needs to be of use, and that must not lie beside its backups. */
export interface KeysFile {
  readonly kind: 'DecklogKeys';
  readonly version: 1;
  /** The cluster's id. */
  readonly cluster: string;
  /** Contents in base64, by their path in a profile's folder. */
  readonly files: Readonly<Record<string, string>>;
}

/** Nothing outside of the folders that keys are in. */
const PATH = /^(pki\/([A-Za-z0-9][A-Za-z0-9.-]*\/)?[A-Za-z0-9][A-Za-z0-9.-]*|sealing\.key|sinks\.yaml)$/;
/** Without these no cluster can go on. */
const NEEDED = ['pki/ca.key', 'pki/ca.crt', 'pki/sa.key', 'pki/checkpoint.key', 'sealing.key'] as const;

/** The keys in a text. Throws SyntaxError that says what is wrong with it. */
export function parseKeys(text: string): KeysFile {
  const value = JSON.parse(text) as Partial<KeysFile> | null;
  if (value?.kind !== 'DecklogKeys' || typeof value.cluster !== 'string') throw new SyntaxError('it is no file of keys');
  if (Number(value.version) > 1) throw new SyntaxError(`it is of version ${value.version}, this build knows 1`);
  const { files = {} } = value;
  const strange = Object.entries(files).find(([path, content]) => !PATH.test(path) || typeof content !== 'string');
  if (strange) throw new SyntaxError(`it holds ${JSON.stringify(strange[0])}, which is no key`);
  const missing = NEEDED.find((path) => files[path] === undefined);
  if (missing !== undefined) throw new SyntaxError(`${missing} is not in it`);
  return value as KeysFile;
}

async function filesBelow(folder: string): Promise<readonly string[]> {
  const found = await readdir(folder, { withFileTypes: true, recursive: true });
  return found.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

/** Writes a cluster's keys to a file that its owner alone may read. */
export async function writeKeys(file: string, cluster: Cluster, { root, pki, sealingKey, sinksFile }: Folders): Promise<void> {
  const files: Record<string, string> = {};
  for (const path of [...(await filesBelow(pki)), sealingKey, sinksFile]) {
    const name = relative(root, path);
    const content = await readFile(path).catch((error: unknown) => {
      if (path === sinksFile) return undefined;
      throw error;
    });
    if (content !== undefined && PATH.test(name)) files[name] = content.toString('base64');
  }
  const keys: KeysFile = { kind: 'DecklogKeys', version: 1, cluster: cluster.id, files };
  await writeWhole(file, `${JSON.stringify(keys, undefined, 1)}\n`);
}

/** The keys in a file, which have to be of the cluster. */
export async function readKeys(file: string, cluster: string): Promise<KeysFile> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new Failure(`${file} can't be read: ${messageOf(error)}`, ['It is the file that `./decklog backup --keys` wrote.'], 2);
  });
  let keys: KeysFile;
  try {
    keys = parseKeys(text);
  } catch (error) {
    throw new Failure(`${file} can't be used: ${messageOf(error)}`, ['It is the file that `./decklog backup --keys` wrote.'], 2, {
      cause: error,
    });
  }
  if (keys.cluster !== cluster) throw new Failure(`${file} has the keys of cluster ${keys.cluster}, the backup is of ${cluster}`, [], 2);
  return keys;
}

/** Puts keys where a profile has them. */
export async function placeKeys({ files }: KeysFile, { root }: Folders): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    const place = join(root, path);
    await mkdir(dirname(place), { recursive: true, mode: 0o700 });
    await writeWhole(place, Buffer.from(content, 'base64'));
  }
}
