// Images for benchmarks and tests, built from what the machine has: nothing is pulled.
//
//   node tools/images.mjs shell TAG    busybox with a shell and its applets
//   node tools/images.mjs echo TAG     answers HTTP on 8080 with its host's name and the request
//   node tools/images.mjs node TAG     the machine's own node binary with the libraries it needs
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

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

const ECHO = `#!/bin/sh
read -r request
while read -r header && [ "$(printf %s "$header" | tr -d '\\r')" != "" ]; do headers="$headers$header
"; done
body="Hostname: $(hostname)
Request: $request
$headers"
printf 'HTTP/1.1 200 OK\\r\\nContent-Type: text/plain\\r\\nContent-Length: %d\\r\\nConnection: close\\r\\n\\r\\n%s' "\${#body}" "$body"
`;

/** An image that answers each HTTP request on 8080 with its own hostname and what was asked. */
export function echoImage(tag) {
  busyboxImage(tag, ['CMD ["/bin/nc","-ll","-p","8080","-e","/bin/answer"]', 'EXPOSE 8080'], (folder) => {
    writeFileSync(path.join(folder, 'bin/answer'), ECHO);
    chmodSync(path.join(folder, 'bin/answer'), 0o755);
  });
}

/** An image with the machine's node binary and the shared libraries it is linked with. */
export function nodeImage(tag) {
  busyboxImage(tag, ['CMD ["/bin/node"]'], (folder) => {
    cpSync(realpathSync(process.execPath), path.join(folder, 'bin/node'));
    const { stdout } = spawnSync('ldd', [process.execPath], { encoding: 'utf8' });
    for (const [, library] of stdout.matchAll(/(\/\S+)/g)) {
      const target = path.join(folder, library);
      mkdirSync(path.dirname(target), { recursive: true });
      cpSync(realpathSync(library), target);
    }
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const make = { shell: busyboxImage, echo: echoImage, node: nodeImage }[process.argv[2]];
  if (!make || !process.argv[3]) {
    process.stderr.write('usage: images.mjs shell|echo|node TAG\n');
    process.exit(2);
  }
  make(process.argv[3]);
}
