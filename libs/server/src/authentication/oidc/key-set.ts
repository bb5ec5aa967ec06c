import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import { request } from 'node:https';
import type { Instant } from '#libs/apimachinery';

const TIMEOUT_MS = 10_000;
const MAX_BYTES = 1024 * 1024;
const MAX_KEYS = 100;
/** A key that is not known is asked for at most this often: tokens of nobody must not make a flood of questions. */
const ASK_AGAIN_MS = 10_000;
/** Keys older than this are asked for again, so that what an issuer withdrew ends. */
const FRESH_MS = 10 * 60_000;

/** Gets a JSON document. Rejects where the server is not believed, does not answer in time, or answers anything else. */
export type FetchJson = (url: string) => Promise<unknown>;

/** Over HTTPS; `ca` is what the server's certificate is believed of, PEM (default: the system's authorities). */
export function httpsJson(ca: string | undefined): FetchJson {
  return (url) =>
    new Promise((resolve, reject) => {
      const asked = request(url, { method: 'GET', ...(ca === undefined ? {} : { ca }), headers: { accept: 'application/json' } });
      const deadline = setTimeout(() => asked.destroy(new Error(`${url} did not answer in time`)), TIMEOUT_MS);
      asked.once('close', () => clearTimeout(deadline));
      asked.once('error', reject);
      asked.once('response', (response) => {
        const chunks: Buffer[] = [];
        let length = 0;
        response.on('data', (chunk: Buffer) => {
          length += chunk.length;
          if (length > MAX_BYTES) asked.destroy(new Error(`${url} answered with more than ${MAX_BYTES} bytes`));
          else chunks.push(chunk);
        });
        response.once('error', reject);
        response.once('end', () => {
          try {
            if (response.statusCode !== 200) throw new Error(`${url} answered ${response.statusCode ?? 0}`);
            resolve(JSON.parse(Buffer.concat(chunks).toString('utf8')));
          } catch (error) {
            reject(error instanceof Error ? error : new Error(String(error)));
          }
        });
      });
      asked.end();
    });
}

/** Where keys are. */
export interface KeySetSource {
  readonly issuer: string;
  readonly discoveryURL?: string | undefined;
  readonly jwksURL?: string | undefined;
}

/**
 * An issuer's public keys, kept: asked for when one is missing or they have become old, never twice at once and never
 * more often than every ten seconds. While the issuer does not answer, the keys it had go on being believed.
 */
export class RemoteKeySet {
  #keys: ReadonlyMap<string, KeyObject> = new Map();
  #fetched: Instant = -Infinity;
  #asked: Instant = -Infinity;
  #asking: Promise<void> | undefined;
  #problem: string | undefined;

  constructor(
    private readonly source: KeySetSource,
    private readonly fetchJson: FetchJson,
    private readonly now: () => Instant,
  ) {}

  /** Why the last question failed; undefined: it did not. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** The keys a token may be signed with: the one its header names, all where it names none. */
  async keysFor(id: string | undefined): Promise<readonly KeyObject[]> {
    const missing = id === undefined ? this.#keys.size === 0 : !this.#keys.has(id);
    const old = this.now() - this.#fetched > FRESH_MS;
    if (missing || old) await this.#refresh();
    if (id === undefined) return [...this.#keys.values()];
    const found = this.#keys.get(id);
    return found === undefined ? [] : [found];
  }

  async #refresh(): Promise<void> {
    if (this.#asking === undefined) {
      if (this.now() - this.#asked < ASK_AGAIN_MS) return;
      this.#asked = this.now();
      this.#asking = this.#fetch().finally(() => (this.#asking = undefined));
    }
    await this.#asking;
  }

  async #fetch(): Promise<void> {
    try {
      this.#keys = keysOf(await this.fetchJson(await this.#jwksUrl()));
      this.#fetched = this.now();
      this.#problem = undefined;
    } catch (error) {
      this.#problem = error instanceof Error ? error.message : String(error);
    }
  }

  async #jwksUrl(): Promise<string> {
    const { issuer, discoveryURL, jwksURL } = this.source;
    if (jwksURL !== undefined) return jwksURL;
    const found = await this.fetchJson(discoveryURL ?? `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`);
    const { issuer: named, jwks_uri: uri } = (found ?? {}) as { readonly issuer?: unknown; readonly jwks_uri?: unknown };
    if (named !== issuer) throw new Error(`oidc: issuer did not match the issuer returned by provider, expected ${JSON.stringify(issuer)}`);
    if (typeof uri !== 'string' || !uri.startsWith('https://')) throw new Error('the issuer names no address of its keys');
    return uri;
  }
}

/** The keys for signatures of a JWK set; what can't be read is left out. */
function keysOf(document: unknown): ReadonlyMap<string, KeyObject> {
  const listed = (document as { readonly keys?: unknown } | null)?.keys;
  if (!Array.isArray(listed)) throw new Error('the issuer answered with no set of keys');
  const keys = new Map<string, KeyObject>();
  for (const [i, jwk] of (listed as readonly (JsonWebKey & { readonly kid?: unknown; readonly use?: unknown })[])
    .slice(0, MAX_KEYS)
    .entries()) {
    if (jwk?.use !== undefined && jwk.use !== 'sig') continue;
    if (jwk?.kty !== 'RSA' && jwk?.kty !== 'EC') continue;
    try {
      keys.set(typeof jwk.kid === 'string' ? jwk.kid : `#${i}`, createPublicKey({ key: jwk, format: 'jwk' }));
    } catch {
      // A kind of key that is not known here: others of the set may be.
    }
  }
  return keys;
}
