import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import { assignPorts } from './cluster.js';
import type { Cluster } from './cluster.js';
import { mergeKubeconfig } from './kubeconfig.js';
import { ensurePki, readPair } from './pki.js';
import { foldersOf, readIfThere, writeWhole } from './profile.js';

/** What `certificates` was asked for. */
export interface CertificatesOptions {
  readonly folder: string;
  /** The API server's address, and names besides the usual ones. */
  readonly address: string;
  readonly names: readonly string[];
  /** Names of the log's servers, where these speak TLS. */
  readonly logServers: readonly string[];
  /** The API server as the kubeconfig names it. */
  readonly server: string;
  readonly nodes: number;
}

/**
 * The keys of a cluster that someone else runs (docker-compose.yml): the folder that apps know as PKI_DIR, with the
 * sealing key, the nodes' pairs and a kubeconfig in it. Addresses are those of index 0. Can be repeated.
 */
export async function makeCertificates(options: CertificatesOptions): Promise<number> {
  const folder = resolve(options.folder);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const folders = { ...foldersOf('external'), root: folder, pki: folder, sealingKey: join(folder, 'sealing.key') };
  const cluster: Cluster = {
    schema: 1,
    profile: 'decklog',
    id: 'external',
    index: 0,
    createdAt: '',
    runtime: 'simulated',
    layout: 'apart',
    nodes: options.nodes,
    advertiseAddress: options.address,
    proxy: 'userspace',
    ports: assignPorts([], 6443),
  };
  const made = await ensurePki(cluster, folders, { apiServer: options.names, logServers: options.logServers });
  const [ca, admin] = await Promise.all([readIfThere(join(folder, 'ca.crt')), readPair(join(folder, 'admin'))]);
  const entry = { name: 'decklog', id: cluster.id, server: options.server, authority: ca ?? '' };
  const text = mergeKubeconfig('', { ...entry, certificate: admin?.certificate ?? '', key: admin?.key ?? '' });
  await writeWhole(join(folder, 'kubeconfig'), text);
  return made;
}
