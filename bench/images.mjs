// Images for benchmarks and tests, built from what the machine has: nothing is pulled.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const APPLETS = [
  'sh',
  'ls',
  'cat',
  'echo',
  'sleep',
  'wget',
  'nc',
  'httpd',
  'env',
  'hostname',
  'nslookup',
  'tar',
  'touch',
  'rm',
  'mkdir',
  'id',
  'grep',
  'kill',
  'true',
  'false',
  'date',
  'seq',
  'head',
  'tail',
  'ps',
  'printf',
  'test',
  'stat',
  'mktemp',
  'cp',
  'mv',
  'find',
  'dirname',
  'basename',
  'wc',
  'sed',
  'awk',
  'tr',
  'cut',
  'sort',
  'ip',
  'ping',
  'df',
  'mount',
  'free',
  'top',
  'vi',
  'sync',
];

/** The machine's static busybox, installed from Debian where it is missing. */
export function staticBusybox() {
  const isStatic = (file) => existsSync(file) && !spawnSync('ldd', [file], { encoding: 'utf8' }).stdout.includes('=>');
  const found = ['/bin/busybox', '/usr/bin/busybox'].find(isStatic);
  if (found) return found;
  const install = spawnSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'busybox-static'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (install.status !== 0) {
    spawnSync('apt-get', ['update', '-qq'], { stdio: 'ignore' });
    spawnSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'busybox-static'], { stdio: ['ignore', 'ignore', 'inherit'] });
  }
  const installed = ['/bin/busybox', '/usr/bin/busybox'].find(isStatic);
  if (!installed) throw new Error('no static busybox: apt-get install busybox-static');
  return installed;
}

/** Imports a folder as an image. `changes` are Dockerfile instructions such as `CMD [...]`. */
export function importImage(tag, folder, changes = []) {
  const tar = spawnSync('tar', ['-C', folder, '-cf', '-', '.'], { maxBuffer: 1 << 30 });
  if (tar.status !== 0) throw new Error(`tar: ${tar.stderr}`);
  const done = spawnSync('docker', ['import', ...changes.flatMap((change) => ['--change', change]), '-', tag], { input: tar.stdout });
  if (done.status !== 0) throw new Error(`docker import ${tag}: ${done.stderr}`);
}

/** An image with busybox and its applets; `changes` say what it runs. */
export function busyboxImage(tag, changes = ['CMD ["/bin/sh"]'], files = () => undefined) {
  const folder = mkdtempSync(path.join(tmpdir(), 'decklog-image-'));
  try {
    for (const dir of ['bin', 'tmp', 'etc', 'proc', 'sys', 'dev', 'www']) mkdirSync(path.join(folder, dir));
    cpSync(staticBusybox(), path.join(folder, 'bin/busybox'));
    for (const applet of APPLETS) symlinkSync('busybox', path.join(folder, 'bin', applet));
    files(folder);
    importImage(tag, folder, ['ENV PATH=/bin', ...changes]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
