import { mkdir, stat, writeFile } from 'node:fs/promises';
import type { Stats } from 'node:fs';
import type { HostPathVolumeSource } from '#libs/api';
import { VolumeError } from '#libs/node';

const CHECKS: Readonly<Record<string, { readonly is: (found: Stats) => boolean; readonly noun: string }>> = {
  Directory: { is: (found) => found.isDirectory(), noun: 'directory' },
  File: { is: (found) => found.isFile(), noun: 'file' },
  Socket: { is: (found) => found.isSocket(), noun: 'socket file' },
  CharDevice: { is: (found) => found.isCharacterDevice(), noun: 'character device' },
  BlockDevice: { is: (found) => found.isBlockDevice(), noun: 'block device' },
};

/** The path of a hostPath volume, made or checked as its type demands. Throws VolumeError in upstream's words. */
export async function hostPathSource({ path, type = '' }: HostPathVolumeSource): Promise<string> {
  const found = await stat(path).catch(() => undefined);
  if (!found && type === 'FileOrCreate') await writeFile(path, '', { mode: 0o644 });
  if (!found && (type === 'DirectoryOrCreate' || type === '')) await mkdir(path, { recursive: true, mode: 0o755 });
  const check = CHECKS[type.replace('OrCreate', '')];
  const now = found ?? (await stat(path).catch(() => undefined));
  if (check && (!now || !check.is(now))) throw new VolumeError(`hostPath type check failed: ${path} is not a ${check.noun}`);
  return path;
}
