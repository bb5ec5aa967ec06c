import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { openAuthority } from '../../apps/cli/src/certificates.js';
import { ApiClient } from '#libs/client';

const TICKS_PER_SECOND = 100;

/** What `./decklog status -o json` says, as far as it is used here. */
export interface Place {
  readonly id: string;
  readonly url: string;
  readonly folder: string;
  readonly serviceCidr: string;
  readonly clusterCidr: string;
  readonly components: readonly { readonly name: string; readonly pid: number }[];
}

/** The running cluster of a profile. */
export function placeOf(launcher: string, profile: string): Place {
  const status = JSON.parse(execFileSync(launcher, ['status', '-p', profile, '-o', 'json'], { encoding: 'utf8' })) as Place & {
    readonly apiServer: string;
  };
  return { ...status, url: status.apiServer };
}

/** A client of the cluster's administrator. */
export function adminOf({ url, folder }: Place, maxSockets = 64): ApiClient {
  const pki = path.join(folder, 'pki');
  return ApiClient.fromFiles({
    url,
    caFile: path.join(pki, 'ca.crt'),
    certFile: path.join(pki, 'admin.crt'),
    keyFile: path.join(pki, 'admin.key'),
    userAgent: 'decklog-scale',
    maxSockets,
  });
}

/** Credentials for so many nodes, in a folder: `<name>.crt` and `<name>.key` of the client, `serving.*` for all. */
export async function certify({ folder }: Place, names: readonly string[], into: string): Promise<void> {
  mkdirSync(into, { recursive: true });
  const pki = path.join(folder, 'pki');
  const pair = { certificate: readFileSync(path.join(pki, 'ca.crt'), 'utf8'), key: readFileSync(path.join(pki, 'ca.key'), 'utf8') };
  const authority = await openAuthority(pair);
  const write = (name: string, { certificate, key }: typeof pair): void => {
    writeFileSync(path.join(into, `${name}.crt`), certificate);
    writeFileSync(path.join(into, `${name}.key`), key, { mode: 0o600 });
  };
  write('serving', await authority.issue({ commonName: 'serving', usage: 'server', names: ['localhost'], addresses: ['127.0.0.1'] }));
  for (const name of names) {
    write(name, await authority.issue({ commonName: `system:node:${name}`, organizations: ['system:nodes'], usage: 'client' }));
  }
}

/** What a process has used. */
export interface Used {
  readonly mib: number;
  readonly cpuSeconds: number;
}

/** Memory (proportional) and CPU of a process with all that it has started; nothing where it is gone. */
export function usedBy(pid: number): Used {
  const family = new Set([pid]);
  const parents = readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap((entry) => {
      const fields = statOf(Number(entry));
      return fields === undefined ? [] : [{ pid: Number(entry), parent: Number(fields[1]) }];
    });
  for (let grew = true; grew;) {
    grew = false;
    for (const one of parents) {
      if (!family.has(one.parent) || family.has(one.pid)) continue;
      family.add(one.pid);
      grew = true;
    }
  }
  let [kib, ticks] = [0, 0];
  for (const one of family) {
    const fields = statOf(one);
    ticks += Number(fields?.[11] ?? 0) + Number(fields?.[12] ?? 0);
    const rollup = `/proc/${one}/smaps_rollup`;
    kib += existsSync(rollup) ? Number(/^Pss:\s+(\d+)/m.exec(readFileSync(rollup, 'utf8'))?.[1] ?? 0) : 0;
  }
  return { mib: kib / 1024, cpuSeconds: ticks / TICKS_PER_SECOND };
}

/** The fields of /proc/<pid>/stat behind the name, from the state on. */
function statOf(pid: number): readonly string[] | undefined {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
  } catch {
    return undefined;
  }
}
