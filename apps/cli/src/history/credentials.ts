import type { ClientOptions } from '#libs/client';
import { parse } from 'yaml';

import { Failure, messageOf } from '../failure.js';

/** Whom a command asks and as whom, as a kubeconfig has it. Paths of files are absolute. */
export interface Credentials {
  readonly server: string;
  /** The context's, where it has one. */
  readonly namespace?: string;
  readonly options: Omit<ClientOptions, 'url'>;
}

/** A kubeconfig file: its text, and the folder that its paths start from. */
export interface KubeconfigText {
  readonly path: string;
  readonly text: string;
}

/** Reads a file that a kubeconfig names, from the folder that the kubeconfig is in. Throws where it can't. */
export type ReadNamed = (kubeconfig: string, file: string) => string;

interface ClusterEntry {
  readonly server?: string;
  readonly 'certificate-authority'?: string;
  readonly 'certificate-authority-data'?: string;
  readonly 'insecure-skip-tls-verify'?: boolean;
  readonly 'tls-server-name'?: string;
  readonly 'proxy-url'?: string;
}

interface UserEntry {
  readonly 'client-certificate'?: string;
  readonly 'client-certificate-data'?: string;
  readonly 'client-key'?: string;
  readonly 'client-key-data'?: string;
  readonly token?: string;
  readonly tokenFile?: string;
  readonly as?: string;
  readonly 'as-uid'?: string;
  readonly 'as-groups'?: readonly string[];
  readonly exec?: unknown;
  readonly 'auth-provider'?: unknown;
}

interface ContextEntry {
  readonly cluster?: string;
  readonly user?: string;
  readonly namespace?: string;
}

interface Kubeconfig {
  readonly 'current-context'?: string;
  readonly clusters?: readonly { readonly name?: string; readonly cluster?: ClusterEntry }[] | null;
  readonly users?: readonly { readonly name?: string; readonly user?: UserEntry }[] | null;
  readonly contexts?: readonly { readonly name?: string; readonly context?: ContextEntry }[] | null;
}

interface Found<T> {
  readonly entry: T;
  /** The kubeconfig it is in. */
  readonly path: string;
}

function parsed({ path, text }: KubeconfigText): { readonly path: string; readonly config: Kubeconfig } {
  try {
    const value: unknown = parse(text);
    if (value !== null && (typeof value !== 'object' || Array.isArray(value))) throw new TypeError('it is no map');
    return { path, config: value ?? {} };
  } catch (error) {
    throw new Failure(`${path} is no kubeconfig: ${messageOf(error).split('\n')[0] ?? ''}`, [], 1, { cause: error });
  }
}

/** The first entry of a name over all files, as kubectl merges them. */
function lookUp<T>(
  files: readonly { readonly path: string; readonly config: Kubeconfig }[],
  entries: (config: Kubeconfig) => readonly { readonly name?: string; readonly entry: T | undefined }[],
  name: string | undefined,
): Found<T> | undefined {
  for (const { path, config } of files) {
    const found = entries(config).find((one) => one.name === name && name !== undefined);
    if (found?.entry !== undefined && found.entry !== null) return { entry: found.entry, path };
  }
  return undefined;
}

const decoded = (base64: string): string => Buffer.from(base64, 'base64').toString('utf8');

/** What is given in place or in a file; in place wins, as with kubectl. */
function given(inPlace: string | undefined, file: string | undefined, path: string, read: ReadNamed): string | undefined {
  if (inPlace !== undefined && inPlace !== '') return decoded(inPlace);
  return file === undefined || file === '' ? undefined : read(path, file);
}

function clusterOptions({ entry, path }: Found<ClusterEntry>, read: ReadNamed): Omit<ClientOptions, 'url'> {
  const ca = given(entry['certificate-authority-data'], entry['certificate-authority'], path, read);
  const serverName = entry['tls-server-name'];
  if (entry['proxy-url'] !== undefined)
    throw new Failure(`${path}: proxy-url is not supported`, ['Use kubectl, or a context without a proxy.']);
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(entry['insecure-skip-tls-verify'] === true ? { insecure: true } : {}),
    ...(serverName === undefined || serverName === '' ? {} : { serverName }),
  };
}

function userOptions(found: Found<UserEntry> | undefined, read: ReadNamed): Omit<ClientOptions, 'url'> {
  if (found === undefined) return {};
  const { entry, path } = found;
  if (entry.exec !== undefined || entry['auth-provider'] !== undefined)
    throw new Failure(`${path}: credentials of a plugin (exec, auth-provider) are not supported`, [
      'Use a context with a certificate or a token; `kubectl create token` makes one of a service account.',
    ]);
  const cert = given(entry['client-certificate-data'], entry['client-certificate'], path, read);
  const key = given(entry['client-key-data'], entry['client-key'], path, read);
  const token = entry.token || (entry.tokenFile === undefined ? undefined : read(path, entry.tokenFile).trim());
  const uid = entry['as-uid'];
  const groups = entry['as-groups'];
  return {
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(token === undefined || token === '' ? {} : { token }),
    ...(entry.as === undefined
      ? {}
      : { impersonate: { user: entry.as, ...(groups === undefined ? {} : { groups }), ...(uid === undefined ? {} : { uid }) } }),
  };
}

/** What a context of these kubeconfigs says; the current one where none is named. Throws a Failure where it can't be used. */
export function credentialsOf(texts: readonly KubeconfigText[], contextName: string | undefined, read: ReadNamed): Credentials {
  const files = texts.map(parsed);
  const where = texts.map(({ path }) => path).join(', ');
  const current = files.map(({ config }) => config['current-context']).find((one) => one !== undefined && one !== '');
  const name = contextName ?? current;
  if (name === undefined)
    throw new Failure(`${where}: no context is current`, ['Name one with --context; see `kubectl config get-contexts`.']);
  const context = lookUp(files, (config) => (config.contexts ?? []).map((one) => ({ ...one, entry: one.context })), name);
  if (context === undefined) throw new Failure(`${where}: there is no context "${name}"`, ['See `kubectl config get-contexts`.']);
  const cluster = lookUp(files, (config) => (config.clusters ?? []).map((one) => ({ ...one, entry: one.cluster })), context.entry.cluster);
  if (cluster?.entry.server === undefined) throw new Failure(`${where}: the context "${name}" names no cluster with a server`);
  const user = lookUp(files, (config) => (config.users ?? []).map((one) => ({ ...one, entry: one.user })), context.entry.user);
  if (!/^https:\/\//.test(cluster.entry.server) || !URL.canParse(cluster.entry.server))
    throw new Failure(`${where}: the server of context "${name}" is no https:// URL: ${cluster.entry.server}`);
  const { namespace } = context.entry;
  return {
    server: cluster.entry.server,
    ...(namespace === undefined || namespace === '' ? {} : { namespace }),
    options: { ...clusterOptions(cluster, read), ...userOptions(user, read) },
  };
}
