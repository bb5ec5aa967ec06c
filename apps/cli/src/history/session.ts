import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

import type { Command } from 'commander';
import { StatusError } from '#libs/apimachinery';
import { ApiClient, Unreachable, type ClientOptions } from '#libs/client';

import { Failure, messageOf } from '../failure.js';
import { kubeconfigFiles } from '../kubeconfig-file.js';
import { profileOf, profileOption } from '../options.js';
import { readPair } from '../pki.js';
import { foldersOf, readIfThere, requireCluster } from '../profile.js';
import { productVersion } from '../version.js';
import { credentialsOf, type Credentials } from './credentials.js';
import { DISCOVERY_TYPE, namedObject, namedResource, resourcesOfDiscovery } from './resources.js';
import type { NamedObject, NamedResource, ServedResource } from './resources.js';

/** What the options of `sessionOptions` are read into. */
export interface SessionOptions {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly as?: string;
  readonly asGroup?: readonly string[];
  readonly asUid?: string;
  readonly namespace?: string;
  readonly allNamespaces?: boolean;
}

/** One run of a command: whom it asks, as whom, and where it looks. */
export interface Session {
  readonly client: ApiClient;
  /** The API server's URL. */
  readonly server: string;
  /** The name that its certificate has to hold, where that isn't the URL's. */
  readonly serverName: string | undefined;
  /** As `client`, of the cluster as it was: every path is under `/at/<moment>`. */
  at(moment: string): ApiClient;
  /** `-n`, else the context's, else `default`. */
  readonly namespace: string;
  /** Whether `-n` was given. */
  readonly namespaceGiven: boolean;
  readonly allNamespaces: boolean;
  /** What is served now, or was at a moment; asked once a run. */
  resources(moment?: string): Promise<readonly ServedResource[]>;
  /** A resource as kubectl takes it, and those that are not served any more by their full name. */
  resource(text: string): Promise<NamedResource>;
  /** The object that the arguments `KIND/NAME` or `KIND NAME` name. */
  object(args: readonly string[]): Promise<NamedObject>;
}

/** Adds the options that say whom a command asks and as whom: by default the profile's admin. */
export function sessionOptions(command: Command): Command {
  return profileOption(command)
    .option('--kubeconfig <file>', 'ask as the user of this kubeconfig, instead of as the admin of the profile')
    .option('--context <name>', 'which context of the kubeconfig (without --kubeconfig: of the one that kubectl uses)')
    .option('--as <user>', 'act as this user')
    .option(
      '--as-group <group>',
      'act as a member of this group; may be given several times',
      (one: string, all: readonly string[] = []) => [...all, one],
    )
    .option('--as-uid <uid>', 'act as the user with this uid');
}

/** Adds `-n`. */
export function namespaceOption(command: Command): Command {
  return command.option('-n, --namespace <namespace>', "in which namespace (default: the context's, else default)");
}

/** Adds `-n` and `-A`. */
export function namespacesOption(command: Command): Command {
  return namespaceOption(command).option('-A, --all-namespaces', 'in all namespaces, and what is in none');
}

/** Runs a command's work against its API server; failures come out in the server's own words. */
export function withSession<T>(command: Command, work: (session: Session) => Promise<T>): Promise<T> {
  return withSessionOf(profileOf(command), command.opts<SessionOptions>(), work);
}

/** `withSession` for a profile that the command's options do not name. */
export async function withSessionOf<T>(profile: string, options: SessionOptions, work: (session: Session) => Promise<T>): Promise<T> {
  const { credentials, advice } = await credentialsFor(options, profile);
  const session = new OpenSession(credentials, options, `decklog/${await productVersion()}`);
  try {
    return await work(session);
  } catch (error) {
    throw failureFor(error, credentials.server, advice);
  } finally {
    session.close();
  }
}

/** What went wrong at the server, to say it at the terminal: a refusal as the server phrased it. */
export function failureFor(error: unknown, server: string, advice: readonly string[]): unknown {
  if (error instanceof StatusError) return new Failure(error.message, [], 1, { cause: error });
  if (!(error instanceof Unreachable)) return error;
  const why = messageOf(error.cause ?? error);
  return new Failure(`the API server ${server} does not answer: ${why}`, advice, 1, { cause: error });
}

async function credentialsFor(
  options: SessionOptions,
  profile: string,
): Promise<{ readonly credentials: Credentials; readonly advice: readonly string[] }> {
  const { kubeconfig, context } = options;
  if (kubeconfig === undefined && context === undefined) {
    const p = profile === 'decklog' ? '' : ` -p ${profile}`;
    return { credentials: await adminOf(profile), advice: [`Is the cluster running? See \`./decklog status${p}\`.`] };
  }
  const files = kubeconfig === undefined ? kubeconfigFiles() : [resolve(kubeconfig)];
  const texts = (await Promise.all(files.map(async (path) => ({ path, text: await readIfThere(path) })))).flatMap(({ path, text }) =>
    text === undefined ? [] : [{ path, text }],
  );
  if (texts.length === 0) throw new Failure(`${files.join(', ')}: there is no such kubeconfig`);
  return { credentials: credentialsOf(texts, context, readNamed), advice: ['Is it the right context? See `kubectl cluster-info`.'] };
}

function readNamed(kubeconfig: string, file: string): string {
  try {
    return readFileSync(resolve(dirname(kubeconfig), file), 'utf8');
  } catch (error) {
    throw new Failure(`${kubeconfig} names a file that can't be read: ${messageOf(error)}`, [], 1, { cause: error });
  }
}

async function adminOf(profile: string): Promise<Credentials> {
  const cluster = await requireCluster(profile);
  const { pki } = foldersOf(profile);
  const [ca, admin] = await Promise.all([readIfThere(join(pki, 'ca.crt')), readPair(join(pki, 'admin'))]);
  if (ca === undefined || admin === undefined)
    throw new Failure(`the keys of profile "${profile}" are missing`, ['Run `./decklog start`: it makes them anew.']);
  return { server: `https://127.0.0.1:${cluster.ports.api}`, options: { ca, cert: admin.certificate, key: admin.key } };
}

function actingAs(base: ClientOptions['impersonate'], { as, asGroup, asUid }: SessionOptions): ClientOptions['impersonate'] {
  const user = as ?? base?.user;
  if (user === undefined && (asGroup !== undefined || asUid !== undefined))
    throw new Failure('--as-group and --as-uid need --as: whom to act as', [], 2);
  if (user === undefined) return undefined;
  const groups = asGroup ?? base?.groups;
  const uid = asUid ?? base?.uid;
  return { user, ...(groups === undefined ? {} : { groups }), ...(uid === undefined ? {} : { uid }) };
}

class OpenSession implements Session {
  readonly client: ApiClient;
  readonly server: string;
  readonly serverName: string | undefined;
  readonly namespace: string;
  readonly namespaceGiven: boolean;
  readonly allNamespaces: boolean;

  private readonly options: ClientOptions;
  private readonly past = new Map<string, ApiClient>();
  private readonly discovered = new Map<string, Promise<readonly ServedResource[]>>();

  constructor(credentials: Credentials, options: SessionOptions, userAgent: string) {
    const impersonate = actingAs(credentials.options.impersonate, options);
    const url = credentials.server.replace(/\/+$/, '');
    this.options = { ...credentials.options, url, userAgent, maxSockets: 8, ...(impersonate === undefined ? {} : { impersonate }) };
    this.client = new ApiClient(this.options);
    this.server = url;
    this.serverName = credentials.options.serverName;
    this.namespace = options.namespace ?? credentials.namespace ?? 'default';
    this.namespaceGiven = options.namespace !== undefined;
    this.allNamespaces = options.allNamespaces === true;
  }

  at(moment: string): ApiClient {
    const known = this.past.get(moment);
    if (known !== undefined) return known;
    const client = new ApiClient({ ...this.options, url: `${this.options.url}/at/${encodeURIComponent(moment)}` });
    this.past.set(moment, client);
    return client;
  }

  resources(moment?: string): Promise<readonly ServedResource[]> {
    const key = moment ?? '';
    const known = this.discovered.get(key);
    if (known !== undefined) return known;
    const asked = discover(moment === undefined ? this.client : this.at(moment));
    this.discovered.set(key, asked);
    return asked;
  }

  async resource(text: string): Promise<NamedResource> {
    return namedResource(text, await this.resources());
  }

  async object(args: readonly string[]): Promise<NamedObject> {
    return namedObject(args, await this.resources());
  }

  close(): void {
    for (const client of [this.client, ...this.past.values()]) client.close();
  }
}

async function discover({ transport }: ApiClient): Promise<readonly ServedResource[]> {
  const [core, groups] = await Promise.all(
    ['/api', '/apis'].map((path) => transport.json({ method: 'GET', path, accept: DISCOVERY_TYPE })),
  );
  return [...resourcesOfDiscovery(core), ...resourcesOfDiscovery(groups)];
}
