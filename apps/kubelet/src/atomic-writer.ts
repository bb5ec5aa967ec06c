import {
  lchown,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
  chmod,
  chown,
} from 'node:fs/promises';
import path from 'node:path';
import type { VolumeFile } from '#libs/node';

const DATA = '..data';
const NEXT = '..data_tmp';

/**
 * Makes a volume's folder hold exactly these files, all changing at one moment: they live in a folder of their
 * own that the link `..data` points to, as the kubelet lays them out. Returns whether anything changed.
 */
export async function writeAtomically(folder: string, files: readonly VolumeFile[], group: number | undefined): Promise<boolean> {
  await mkdir(folder, { recursive: true, mode: 0o777 });
  for (const { path: name } of files) assertInside(name);
  const current = await readlink(path.join(folder, DATA)).catch(() => undefined);
  if (current !== undefined && (await sameFiles(path.join(folder, current), files))) return false;
  const stamp = new Date().toISOString().replace(/[-:]/g, '_').replace('T', '_').slice(0, 19);
  const fresh = await mkdtemp(path.join(folder, `..${stamp}.`));
  await chmod(fresh, 0o755);
  for (const { path: name, bytes, mode } of files) {
    const target = path.join(fresh, name);
    await mkdir(path.dirname(target), { recursive: true, mode: 0o755 });
    await writeFile(target, bytes);
    await chmod(target, group === undefined ? mode : mode | 0o040);
    if (group !== undefined) await chown(target, 0, group);
  }
  await rm(path.join(folder, NEXT), { force: true });
  await symlink(path.basename(fresh), path.join(folder, NEXT));
  await rename(path.join(folder, NEXT), path.join(folder, DATA));
  await linkNames(folder, files, group);
  if (current !== undefined) await rm(path.join(folder, current), { recursive: true, force: true });
  return true;
}

function assertInside(name: string): void {
  if (path.isAbsolute(name) || name.split('/').includes('..')) throw new Error(`invalid path "${name}" in a volume`);
}

async function linkNames(folder: string, files: readonly VolumeFile[], group: number | undefined): Promise<void> {
  const names = new Set(files.map(({ path: name }) => name.split('/')[0] ?? name));
  for (const name of names) {
    const link = path.join(folder, name);
    const there = await lstat(link).catch(() => undefined);
    if (there) continue;
    await symlink(path.join(DATA, name), link);
    if (group !== undefined) await lchown(link, 0, group);
  }
  for (const name of await readdir(folder)) {
    if (!name.startsWith('..') && !names.has(name)) await rm(path.join(folder, name), { force: true, recursive: true });
  }
}

async function sameFiles(folder: string, files: readonly VolumeFile[]): Promise<boolean> {
  const there = new Set(await filesUnder(folder));
  if (there.size !== files.length) return false;
  for (const { path: name, bytes } of files) {
    if (!there.has(path.normalize(name))) return false;
    const current = await readFile(path.join(folder, name)).catch(() => undefined);
    if (!current || Buffer.compare(current, bytes) !== 0) return false;
  }
  return true;
}

async function filesUnder(folder: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const name of await readdir(folder, { recursive: true }).catch(() => [])) {
    if ((await stat(path.join(folder, name))).isFile()) found.push(name);
  }
  return found;
}
