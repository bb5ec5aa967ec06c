import { createPublicKey, generateKeyPair, randomBytes, X509Certificate } from 'node:crypto';
import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

import type { Authority, KeyPair, Subject } from './certificates.js';
import { addressesOf, nodeAddresses } from './addresses.js';
import type { Cluster } from './cluster.js';
import { CLUSTER_DOMAIN, nodeName } from './cluster.js';
import type { Folders } from './profile.js';
import { readIfThere, writeWhole } from './profile.js';

/** A pair of files in the folder of keys: `<path>.crt`, `<path>.key`. */
interface WantedPair {
  readonly path: string;
  readonly subject: Subject;
}

/** A certificate is made anew when it has less than this left. */
const RENEW_BEFORE_MS = 30 * 86_400_000;

/** Where a node's two pairs are, without their endings. */
export function nodePairs(folders: Folders, node: string): { readonly client: string; readonly serving: string } {
  return { client: join(folders.pki, 'nodes', `${node}-client`), serving: join(folders.pki, 'nodes', `${node}-serving`) };
}

/** The pairs that a cluster needs; they follow from its names and addresses. `moreNames`: of the API server. */
export function wantedPairs(cluster: Cluster, folders: Folders, moreNames: readonly string[] = []): readonly WantedPair[] {
  const { firstService } = addressesOf(cluster.index);
  const masters = ['system:masters'];
  const apiNames = [
    'kubernetes',
    'kubernetes.default',
    'kubernetes.default.svc',
    `kubernetes.default.svc.${CLUSTER_DOMAIN}`,
    'localhost',
    ...moreNames,
  ];
  const apiAddresses = [...new Set(['127.0.0.1', firstService, cluster.advertiseAddress])];
  const control: WantedPair[] = [
    { path: 'apiserver', subject: { commonName: 'kube-apiserver', usage: 'server', names: apiNames, addresses: apiAddresses } },
    { path: 'kubelet-client', subject: { commonName: 'kube-apiserver-kubelet-client', organizations: masters, usage: 'client' } },
    { path: 'admin', subject: { commonName: 'kubernetes-admin', organizations: masters, usage: 'client' } },
  ].map(({ path, subject }) => ({ path: join(folders.pki, path), subject }) as WantedPair);
  const nodes = Array.from({ length: cluster.nodes }, (_, i) => nodeName(i + 1)).flatMap((name, i): WantedPair[] => {
    const { client, serving } = nodePairs(folders, name);
    const commonName = `system:node:${name}`;
    return [
      { path: client, subject: { commonName, organizations: ['system:nodes'], usage: 'client' } },
      {
        path: serving,
        subject: { commonName, usage: 'server', names: [name], addresses: [nodeAddresses(cluster.index, i + 1).ip, '127.0.0.1'] },
      },
    ];
  });
  return [...control, ...nodes];
}

/** What the API server shows to those it passes requests on to: believed by an authority of its own, which believes nobody else. */
const frontProxyPair = (folders: Folders): WantedPair => ({
  path: join(folders.pki, 'front-proxy-client'),
  subject: { commonName: 'front-proxy-client', usage: 'client' },
});

/** What the servers of a log show, to each other and to who connects, and what everybody shows who connects: in a folder of their own. */
const logPairs = (folders: Folders, servers: readonly string[]): readonly WantedPair[] => {
  if (servers.length === 0) return [];
  const client: WantedPair = { path: join(folders.pki, 'log', 'client'), subject: { commonName: 'decklog-log-client', usage: 'client' } };
  return [
    client,
    ...servers.map((name): WantedPair => {
      const subject: Subject = { commonName: name, usage: 'peer', names: [name, 'localhost'], addresses: ['127.0.0.1'] };
      return { path: join(folders.pki, 'log', name), subject };
    }),
  ];
};

/** Names that a cluster which something else runs has besides the usual ones. */
export interface MoreNames {
  /** Of the API server. */
  readonly apiServer?: readonly string[];
  /** Of the log's servers, each of which gets a pair. */
  readonly logServers?: readonly string[];
}

/** Makes what is missing, near its end or for other names; gives back how many files were made. */
export async function ensurePki(cluster: Cluster, folders: Folders, { apiServer = [], logServers = [] }: MoreNames = {}): Promise<number> {
  await mkdir(join(folders.pki, 'nodes'), { recursive: true, mode: 0o700 });
  const keys = (await ensureSecretKeys(folders)) ? 1 : 0;
  if (logServers.length > 0) await mkdir(join(folders.pki, 'log'), { recursive: true, mode: 0o700 });
  const pairs = [...wantedPairs(cluster, folders, apiServer), ...logPairs(folders, logServers)];
  const own = await ensureIssued(join(folders.pki, 'ca'), `decklog-${cluster.id}`, pairs);
  if (logServers.length > 0) await copyFile(join(folders.pki, 'ca.crt'), join(folders.pki, 'log', 'ca.crt'));
  const front = await ensureIssued(join(folders.pki, 'front-proxy-ca'), `decklog-${cluster.id}-front-proxy`, [frontProxyPair(folders)]);
  return keys + own + front;
}

/** Makes an authority, where it is missing or near its end, and the pairs that it is to issue; gives back how many were made. */
async function ensureIssued(ca: string, commonName: string, pairs: readonly WantedPair[]): Promise<number> {
  let made = 0;
  let pair = await readPair(ca);
  const renewAuthority = pair === undefined || !lastsLongEnough(new X509Certificate(pair.certificate));
  let authority: Authority | undefined;
  const opened = async () => {
    // Loaded when needed: it is slow to load, and most starts make no certificate.
    const { createAuthority, openAuthority } = await import('./certificates.js');
    if (renewAuthority && authority === undefined) {
      pair = await createAuthority(commonName);
      await writePair(ca, pair);
      made++;
    }
    if (pair === undefined) throw new TypeError('no authority');
    authority ??= await openAuthority(pair);
    return authority;
  };
  for (const wanted of pairs) {
    const present = renewAuthority ? undefined : await readPair(wanted.path);
    if (present !== undefined && pair !== undefined && fits(present, pair, wanted.subject)) continue;
    await writePair(wanted.path, await (await opened()).issue(wanted.subject));
    made++;
  }
  return made;
}

/** Whether a pair on disk still serves: issued by this authority, for these names, for long enough. */
export function fits(pair: KeyPair, authority: KeyPair, subject: Subject): boolean {
  const certificate = new X509Certificate(pair.certificate);
  const alternatives = new Set((certificate.subjectAltName ?? '').split(', '));
  const needed = [...(subject.names ?? []).map((name) => `DNS:${name}`), ...(subject.addresses ?? []).map((ip) => `IP Address:${ip}`)];
  return (
    lastsLongEnough(certificate) &&
    certificate.subject.split('\n').includes(`CN=${subject.commonName}`) &&
    needed.every((name) => alternatives.has(name)) &&
    certificate.verify(new X509Certificate(authority.certificate).publicKey)
  );
}

function lastsLongEnough(certificate: X509Certificate): boolean {
  return Date.parse(certificate.validTo) - Date.now() > RENEW_BEFORE_MS;
}

export async function readPair(path: string): Promise<KeyPair | undefined> {
  const [certificate, key] = await Promise.all([readIfThere(`${path}.crt`), readIfThere(`${path}.key`)]);
  return certificate === undefined || key === undefined ? undefined : { certificate, key };
}

async function writePair(path: string, pair: KeyPair): Promise<void> {
  // The certificate last: a pair is complete once it is there.
  await writeWhole(`${path}.key`, pair.key);
  await writeWhole(`${path}.crt`, pair.certificate);
}

/** What signs where the log stands (Ed25519); its public half is for those who verify. */
async function ensureCheckpointKey(folders: Folders): Promise<boolean> {
  const [secret, open] = [join(folders.pki, 'checkpoint.key'), join(folders.pki, 'checkpoint.pub')];
  const known = await readIfThere(secret);
  const key = known ?? (await promisify(generateKeyPair)('ed25519', {})).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  if (known === undefined) await writeWhole(secret, key);
  if ((await readIfThere(open)) === undefined) {
    await writeWhole(open, createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString());
  }
  return known === undefined;
}

/** The keys that are made once and never again: what signs account tokens and checkpoints, and what wraps the keys of Secrets. */
async function ensureSecretKeys(folders: Folders): Promise<boolean> {
  let made = false;
  const [signing, verifying] = [join(folders.pki, 'sa.key'), join(folders.pki, 'sa.pub')];
  let key = await readIfThere(signing);
  if (key === undefined) {
    const pair = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 });
    key = pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    await writeWhole(signing, key);
    made = true;
  }
  if ((await readIfThere(verifying)) === undefined) {
    await writeWhole(verifying, createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString());
  }
  if (await ensureCheckpointKey(folders)) made = true;
  if ((await readIfThere(folders.sealingKey)) === undefined) {
    await writeWhole(folders.sealingKey, randomBytes(32));
    made = true;
  }
  return made;
}
