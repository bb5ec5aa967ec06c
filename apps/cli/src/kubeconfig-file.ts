import { access, constants, open, mkdir, realpath, rm, stat } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';

import { codeOf, Failure, messageOf } from './failure.js';
import { checkKubeconfig, mergeKubeconfig, removeFromKubeconfig } from './kubeconfig.js';
import type { KubeconfigEntry } from './kubeconfig.js';
import { until } from './polling.js';
import { home, readIfThere, writeWhole } from './profile.js';

/** The files that kubectl reads, the one it writes first. */
export function kubeconfigFiles(): readonly string[] {
  const named = (process.env['KUBECONFIG'] ?? '').split(delimiter).filter((path) => path !== '');
  return named.length === 0 ? [join(home(), '.kube', 'config')] : named;
}

function mainFile(): string {
  return kubeconfigFiles()[0] ?? join(home(), '.kube', 'config');
}

/** Fails where `installContext` would, before anything has been started. */
export async function checkContext(name: string): Promise<void> {
  const file = mainFile();
  await naming(file, async () => checkKubeconfig((await readIfThere(file)) ?? '', name));
  // Written beside it and renamed: its folder has to take files.
  const folder = dirname(await realpath(file).catch(() => file));
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await access(folder, constants.W_OK);
}

/** Puts the cluster's context into the first kubeconfig and makes it current, unless another is to stay so; gives back the file. */
export async function installContext(entry: KubeconfigEntry, keepCurrent = false): Promise<string> {
  const file = mainFile();
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await change(file, (text) => mergeKubeconfig(text, entry, keepCurrent));
  return file;
}

/** Takes the cluster's context out of every kubeconfig in use; entries of other clusters stay. */
export async function removeContext(name: string, id: string): Promise<void> {
  for (const file of kubeconfigFiles()) {
    if ((await readIfThere(file)) !== undefined) await change(file, (text) => removeFromKubeconfig(text, name, id));
  }
}

/** Changes a file under kubectl's own lock, keeping its mode, following links. */
async function change(link: string, edit: (text: string) => string | undefined): Promise<void> {
  const file = await realpath(link).catch(() => link);
  const lock = `${file}.lock`;
  const handle = await until(() => exclusive(lock), { forMs: 5_000, everyMs: 50, what: lock }).catch((error: unknown) => {
    throw error instanceof Failure
      ? new Failure(`${file} is locked by another program`, [`If none runs, remove ${lock}.`], 1, { cause: error })
      : error;
  });
  try {
    await naming(file, async () => {
      const before = (await readIfThere(file)) ?? '';
      const after = edit(before);
      if (after === undefined || after === before) return;
      const mode = await stat(file).then(
        (found) => found.mode & 0o777,
        () => 0o600,
      );
      await writeWhole(file, after, mode);
    });
  } finally {
    await handle.close();
    await rm(lock, { force: true });
  }
}

async function exclusive(path: string): Promise<Awaited<ReturnType<typeof open>> | undefined> {
  try {
    return await open(path, 'wx', 0o600);
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return undefined;
    throw error;
  }
}

async function naming(file: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (error instanceof Failure) throw new Failure(`${file}: ${messageOf(error)}`, error.advice, error.exitCode, { cause: error });
    throw error;
  }
}
