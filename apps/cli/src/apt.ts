import { existsSync } from 'node:fs';
import { copyFile, chmod, mkdir, mkdtemp, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { Failure } from './failure.js';
import { home } from './profile.js';
import { findProgram, mustRun, run } from './run.js';
import type { Say } from './terminal.js';

/** Newest suites first asked: Debian's testing by code name, then unstable. */
const SUITES = ['forky', 'sid'] as const;
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** Where fetched programs stay: `$DECKLOG_CACHE/bin`, by default `~/.cache/decklog/bin`. */
export function cacheFolder(): string {
  return join(process.env['DECKLOG_CACHE'] ?? join(home(), '.cache', 'decklog'), 'bin');
}

export function aptPresent(): boolean {
  return findProgram('apt-get') !== undefined && findProgram('dpkg') !== undefined;
}

/** Debian's mirror out of `apt-get indextargets` lines `site|release|component`: the one that has the machine's own release. */
export function chooseMirror(targets: string, codename: string): string | undefined {
  const rows = targets.split('\n').map((line) => line.trim().split('|'));
  const main = rows.filter(([site, , component]) => site !== undefined && site !== '' && component === 'main');
  const own = main.find(([, release]) => release === codename) ?? main.find(([, release]) => release === `${codename}-updates`);
  return own?.[0];
}

export function codenameOf(osRelease: string): string | undefined {
  return /^VERSION_CODENAME="?([a-z]+)"?$/m.exec(osRelease)?.[1];
}

/** Installs packages of the system, which only root may. The lists are fetched first when apt knows none of the packages. */
export async function aptInstall(packages: readonly string[], say: Say): Promise<void> {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const install = ['-y', '-o', 'DPkg::Lock::Timeout=300', '-o', 'Dpkg::Use-Pty=0', 'install', '--no-install-recommends', ...packages];
  const first = await run('apt-get', install, { timeoutMs: 900_000, env });
  if (first.code === 0) return;
  say('fetching the package lists (apt-get update)');
  await run('apt-get', ['-o', 'DPkg::Lock::Timeout=300', 'update'], { timeoutMs: 300_000, env });
  await mustRun('apt-get', install, { timeoutMs: 900_000, env });
}

/**
 * Fetches Debian packages with apt's own signature checks and the machine's own mirror, in folders of its own under the
 * cache: nothing of the system changes and nobody has to be root. `take` gets the folder of their files, and says whether
 * they will do; the next suite is asked when they do not.
 */
export async function fetchPackages(packages: readonly string[], take: (tree: string) => Promise<boolean>, say: Say): Promise<void> {
  const folder = cacheFolder();
  await mkdir(folder, { recursive: true, mode: 0o755 });
  const mirror = await debianMirror();
  const wanted = packages.join(', ');
  const reasons: string[] = [];
  for (const suite of SUITES) {
    const work = await mkdtemp(join(folder, '.fetch-'));
    try {
      say(`fetching ${wanted} from ${mirror} (${suite})`);
      if (await take(await unpackFrom(work, mirror, suite, packages))) return;
      reasons.push(`${suite}: its ${wanted} is too old or does not run here`);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      reasons.push(`${suite}: ${error.message}`);
    } finally {
      await rm(work, { recursive: true, force: true });
    }
  }
  throw new Failure(`${wanted} can't be fetched from ${mirror}:\n${reasons.join('\n')}`);
}

/** Fetches one program of the Debian package that is named like it into the cache; `fits` decides about the program found. */
export async function fetchProgram(name: string, fits: (path: string) => Promise<boolean>, say: Say): Promise<string> {
  const target = join(cacheFolder(), name);
  const take = async (tree: string): Promise<boolean> => {
    const program = programIn(tree, name);
    if (!(await fits(program))) return false;
    const fresh = join(tree, 'program');
    await copyFile(program, fresh);
    await chmod(fresh, 0o755);
    await rename(fresh, target);
    return true;
  };
  await fetchPackages([name], take, say);
  return target;
}

async function debianMirror(): Promise<string> {
  if (!aptPresent()) throw new Failure('this machine has no apt to fetch it with');
  const codename = codenameOf(await readFile('/etc/os-release', 'utf8').catch(() => ''));
  const targets = await run('apt-get', ['indextargets', '--format', '$(SITE)|$(RELEASE)|$(COMPONENT)'], { timeoutMs: 30_000 });
  const mirror = codename === undefined ? undefined : chooseMirror(targets.stdout, codename);
  if (mirror === undefined) throw new Failure("apt's sources name no Debian mirror of this machine's release");
  return mirror;
}

/** Fetches Debian packages of one suite into `work` and unpacks them together; gives back the folder that holds their files. */
async function unpackFrom(work: string, mirror: string, suite: string, packages: readonly string[]): Promise<string> {
  const source = join(work, 'sources.list');
  const signed = existsSync(KEYRING) ? ` [signed-by=${KEYRING}]` : '';
  await writeFile(source, `deb${signed} ${mirror} ${suite} main\n`);
  for (const part of ['lists/partial', 'cache/archives/partial', 'tree']) await mkdir(join(work, part), { recursive: true });
  const options = [
    `Dir::Etc::SourceList=${source}`,
    'Dir::Etc::SourceParts=/dev/null',
    'Dir::Etc::PreferencesParts=/dev/null',
    'Dir::Etc::Preferences=/dev/null',
    `Dir::State::Lists=${join(work, 'lists')}`,
    `Dir::Cache=${join(work, 'cache')}`,
    // What is installed (a package of the same name from elsewhere) is no candidate.
    'Dir::State::status=/dev/null',
    'APT::Sandbox::User=root',
    'APT::Default-Release=',
    'Acquire::Languages=none',
    'Acquire::Retries=2',
    'Debug::NoLocking=1',
  ].flatMap((option) => ['-o', option]);
  await mustRun('apt-get', [...options, 'update'], { timeoutMs: 300_000 });
  await mustRun('apt-get', [...options, 'download', ...packages], { timeoutMs: 300_000, cwd: work });
  const debs = (await readdir(work)).filter((file) => file.endsWith('.deb'));
  if (debs.length !== packages.length) throw new Failure(`apt-get download left ${debs.length} of ${packages.join(', ')}`);
  for (const deb of debs) await mustRun('dpkg', ['-x', join(work, deb), join(work, 'tree')], { timeoutMs: 60_000 });
  return join(work, 'tree');
}

/** Where a package keeps its program. */
function programIn(tree: string, name: string): string {
  const found = ['usr/bin', 'usr/sbin', 'bin', 'sbin'].map((place) => join(tree, place, name)).find((path) => existsSync(path));
  if (found === undefined) throw new Failure(`Debian's package ${name} holds no program of that name`);
  return found;
}
