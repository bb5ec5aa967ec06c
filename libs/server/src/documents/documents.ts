import { createHash } from 'node:crypto';
import {
  apiGroup,
  apiGroupDiscoveryList,
  apiGroupList,
  apiResourceList,
  apiVersions,
  described,
  openApiDocuments,
  openApiV3,
  openApiV3Index,
  isServed,
  rootPath,
  type AggregatedGroupVersion,
  type Catalog,
  type GroupVersion,
  type OpenApiDocument,
  type ResourceDefinition,
} from '#libs/api';
import type { Call } from '../call.js';
import { accepted, acceptClauses, mediaTypeOfFormat, negotiate, notAcceptable, type Allows } from '../encoding/negotiate.js';
import { openApiV2 } from './openapi-v2.js';
import { OPENAPI_V2_PROTOBUF, openApiV2Protobuf } from './openapi-v2-protobuf.js';
import type { ServerOptions } from '../options.js';
import { encoded, nothingHere, sendBody, sendObject, wrongMethod } from '../encoding/respond.js';
import type { TokenKeys } from '../authentication/token-keys.js';

/** A document that does not change while its kinds stay the same: its text and what names it. */
interface Made {
  readonly bytes: Buffer;
  readonly hash: string;
}

/** What another server answers for, and where its own document is. */
export type OtherGroupVersion = AggregatedGroupVersion & { readonly document?: string };

/** The form in which discovery says everything at once. */
const AGGREGATED: Allows = (_, target) =>
  target?.group === 'apidiscovery.k8s.io' && target.version === 'v2' && target.kind === 'APIGroupDiscoveryList';
const YEAR_S = 365 * 24 * 3600;

/** Answers what a server says of itself: versions, discovery, OpenAPI, and how its tokens are recognised. */
export class Documents {
  private readonly made = new Map<string, Made>();
  private definitions: readonly ResourceDefinition[] = [];
  /** By the path under `/openapi/v3/`. */
  private groupVersions: ReadonlyMap<string, { readonly group: string; readonly version: string }> = new Map();

  constructor(
    catalog: Catalog,
    private readonly reviews: readonly ResourceDefinition[],
    private readonly options: ServerOptions,
    private readonly keys: TokenKeys,
    private readonly gzipFromBytes: number,
    private readonly others: () => readonly OtherGroupVersion[] = () => [],
    /** Another server's, or another moment's: where it says the same of a group, its document is taken. */
    private readonly like?: Documents,
  ) {
    this.serve(catalog);
  }

  /** Takes over a catalog: documents of groups whose kinds have changed, and of all groups together, are due anew. */
  serve(catalog: Catalog): void {
    const before = this.definitions;
    this.definitions = [...catalog.definitions.filter(isServed), ...this.reviews];
    this.groupVersions = openApiDocuments(this.definitions);
    for (const name of [...this.made.keys()]) {
      const path = name.startsWith('v3 ') ? name.slice('v3 '.length) : undefined;
      if (path === undefined || !sameMembers(membersOf(before, path), membersOf(this.definitions, path))) this.made.delete(name);
    }
  }

  /** What others serve has changed: what lists it is due anew. */
  othersChanged(): void {
    for (const name of [...this.made.keys()]) if (name.startsWith('aggregated ')) this.made.delete(name);
  }

  async answer(call: Call): Promise<void> {
    const { info } = call;
    const path = info.path.length > 1 ? info.path.replace(/\/+$/, '') : info.path;
    if (info.verb !== 'get' && info.verb !== 'head') throw this.known(path) ? wrongMethod() : nothingHere();
    if (path === '/openapi/v2') return this.openApiV2(call);
    if (path === '/openapi/v3' || path.startsWith('/openapi/v3/')) return this.openApiV3(call, path.slice('/openapi/v3/'.length));
    if (path === '/.well-known/openid-configuration') return sendObject(call.request, call.response, 200, this.openIdConfiguration());
    if (path === '/openid/v1/jwks') {
      const contentType = 'application/jwk-set+json';
      return sendObject(call.request, call.response, 200, { keys: this.keys.jwks }, { contentType });
    }
    if (path === '/version' || path === '/') return sendObject(call.request, call.response, 200, this.self(path));
    if ((path === '/api' || path === '/apis') && (await this.aggregated(call, path))) return;
    const document = this.plain(path, call);
    if (document === undefined) throw nothingHere();
    const { format } = negotiate(call.request.headers.accept);
    await sendObject(call.request, call.response, 200, document, { format, gzipFromBytes: this.gzipFromBytes });
  }

  private known(path: string): boolean {
    return path.startsWith('/openapi/') || path === '/version' || path === '/' || path === '/api' || path === '/apis';
  }

  private self(path: '/version' | '/'): object {
    return path === '/' ? { paths: this.paths() } : this.version();
  }

  private plain(path: string, call: Call): object | undefined {
    if (path === '/api') {
      const { localAddress = '', localPort = 0 } = call.request.socket;
      return apiVersions(`${localAddress.replace(/^::ffff:/, '')}:${localPort}`);
    }
    if (path === '/apis') return apiGroupList(this.definitions, this.others());
    const groupVersion = this.groupVersions.get(path.slice(1));
    if (groupVersion !== undefined) return apiResourceList(groupVersion, this.definitions);
    const [root, group, ...more] = path.slice(1).split('/');
    return root === 'apis' && group !== undefined && more.length === 0 ? apiGroup(group, this.definitions, this.others()) : undefined;
  }

  /** Answers in the aggregated form where the client accepts it at all, wherever in its list; says whether it did. */
  private async aggregated(call: Call, path: '/api' | '/apis'): Promise<boolean> {
    const wanted = accepted(call.request.headers.accept ?? '', AGGREGATED);
    if (wanted === undefined) return false;
    const { format } = wanted;
    const list = (): object => apiGroupDiscoveryList(path, this.definitions, this.others());
    const { hash, bytes } = this.document(`aggregated ${path}`, list);
    const document =
      format === 'json'
        ? { hash, bytes }
        : { hash, bytes: this.document(`aggregated ${path} ${format}`, () => encoded(list(), format)).bytes };
    const contentType = `${mediaTypeOfFormat(format)};g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList`;
    await this.sendTagged(call, document, contentType, { Vary: 'Accept', 'Cache-Control': 'public' });
    return true;
  }

  private async openApiV3(call: Call, name: string): Promise<void> {
    const { request, response, query, past } = call;
    const prefix = past?.prefix ?? '';
    requireJson(request.headers.accept, ['application/json', 'application/com.github.proto-openapi.spec.v3@v1.0+json']);
    if (name === '') {
      const index = openApiV3Index(this.definitions, (path) => this.groupDocument(path).hash, prefix);
      const theirs = this.others().flatMap(({ group, version, document }) =>
        document === undefined ? [] : [[rootPath({ group, version }), { serverRelativeURL: document }] as const],
      );
      const paths = { ...index.paths, ...Object.fromEntries(theirs) };
      return sendObject(request, response, 200, { paths }, { gzipFromBytes: this.gzipFromBytes });
    }
    if (!this.groupVersions.has(name)) throw nothingHere();
    const document = this.groupDocument(name);
    const asked = query.get('hash');
    if (asked !== null && asked !== document.hash) {
      response.writeHead(301, { Location: `${prefix}/openapi/v3/${name}?hash=${document.hash}`, 'Content-Length': 0 });
      response.end();
      return;
    }
    const expires = new Date(this.options.world.now() + YEAR_S * 1000).toUTCString();
    const caching = asked === null ? {} : { 'Cache-Control': 'public, immutable', Expires: expires };
    await this.sendTagged(call, document, 'application/json', caching);
  }

  private async openApiV2(call: Call): Promise<void> {
    const document = () =>
      openApiV2(
        [...this.groupVersions.values()].flatMap((one) => this.describedDocument(one) ?? []),
        this.gitVersion,
      );
    const { accept } = call.request.headers;
    if (accept?.includes(OPENAPI_V2_PROTOBUF)) {
      return this.sendTagged(
        call,
        this.document('v2 protobuf', () => openApiV2Protobuf(document())),
        OPENAPI_V2_PROTOBUF.replace('@', '.'),
        {},
      );
    }
    requireJson(accept, ['application/json', 'application/com.github.proto-openapi.spec.v2@v1.0+json']);
    await this.sendTagged(call, this.document('v2', document), 'application/json', {});
  }

  private describedDocument(groupVersion: GroupVersion): OpenApiDocument | undefined {
    const document = openApiV3(groupVersion, this.definitions);
    return document && described(document, this.options.descriptions ?? {});
  }

  private groupDocument(name: string): Made {
    const { like } = this;
    if (like !== undefined && sameMembers(membersOf(like.definitions, name), membersOf(this.definitions, name)))
      return like.groupDocument(name);
    return this.document(`v3 ${name}`, () => {
      const groupVersion = this.groupVersions.get(name);
      if (groupVersion === undefined) throw nothingHere();
      return this.describedDocument(groupVersion);
    });
  }

  private document(name: string, make: () => unknown): Made {
    let made = this.made.get(name);
    if (made === undefined) {
      const value = make();
      const bytes = Buffer.isBuffer(value) ? value : Buffer.from(JSON.stringify(value));
      made = { bytes, hash: createHash('sha512').update(bytes).digest('hex').toUpperCase() };
      this.made.set(name, made);
    }
    return made;
  }

  private async sendTagged(
    call: Call,
    { bytes, hash }: Made,
    contentType: string,
    headers: Readonly<Record<string, string>>,
  ): Promise<void> {
    const { request, response } = call;
    const tag = `"${hash}"`;
    if (request.headers['if-none-match']?.includes(tag) === true) {
      response.writeHead(304, { ETag: tag, ...headers });
      response.end();
      return;
    }
    await sendBody(request, response, 200, bytes, { contentType, headers: { ETag: tag, ...headers }, gzipFromBytes: this.gzipFromBytes });
  }

  private get gitVersion(): string {
    return this.options.gitVersion ?? 'v1.36.4+decklog';
  }

  private version(): Readonly<Record<string, string>> {
    const { gitVersion } = this;
    const [, major = '', minor = ''] = /^v?(\d+)\.(\d+)/.exec(gitVersion) ?? [];
    return {
      major,
      minor,
      emulationMajor: major,
      emulationMinor: minor,
      minCompatibilityMajor: major,
      minCompatibilityMinor: String(Number(minor) - 1),
      gitVersion,
      gitCommit: '',
      gitTreeState: '',
      buildDate: this.options.buildDate ?? '1970-01-01T00:00:00Z',
      goVersion: `node${process.versions.node}`,
      compiler: 'node',
      platform: `${process.platform}/${process.arch === 'x64' ? 'amd64' : process.arch}`,
    };
  }

  private paths(): readonly string[] {
    const groups = [...this.groupVersions.keys()];
    const parents = groups.filter((path) => path.startsWith('apis/')).map((path) => path.slice(0, path.lastIndexOf('/')));
    return [
      '.well-known/openid-configuration',
      'api',
      'apis',
      ...groups,
      ...parents,
      'healthz',
      'livez',
      'openapi/v2',
      'openapi/v3',
      ...groups.map((path) => `openapi/v3/${path}`),
      'openid/v1/jwks',
      'readyz',
      'version',
    ]
      .map((path) => `/${path}`)
      .filter((path, index, all) => all.indexOf(path) === index)
      .sort();
  }

  private openIdConfiguration(): object {
    const { issuer } = this.options.tokens;
    return {
      issuer,
      jwks_uri: `${issuer}/openid/v1/jwks`,
      response_types_supported: ['id_token'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: this.keys.algorithms,
    };
  }
}

/** The definitions of a group and version, by its path: `api/v1`, `apis/apps/v1`. */
const membersOf = (definitions: readonly ResourceDefinition[], path: string): readonly ResourceDefinition[] =>
  definitions.filter(({ resource: { group, version } }) => path === (group === '' ? `api/${version}` : `apis/${group}/${version}`));

const sameMembers = (a: readonly ResourceDefinition[], b: readonly ResourceDefinition[]): boolean =>
  a.length === b.length && a.every((one, index) => one === b[index]);

/** OpenAPI is served as JSON alone. */
function requireJson(accept: string | undefined, served: readonly string[]): void {
  if (accept === undefined || accept === '') return;
  const fits = acceptClauses(accept).some(
    ({ type, subtype }) => type === '*' || (type === 'application' && subtype === '*') || served.includes(`${type}/${subtype}`),
  );
  if (!fits) throw notAcceptable(served);
}
