import type { Delivered, Watched } from '#libs/consistency';
import type { Api } from './api.js';
import { KINDS, type KindName } from './kinds.js';
import type { Chain } from './seen.js';

/** A watch is asked for so long at most; then the next server is asked to go on. */
const SECONDS = 8;
/** A server that is stopped holds a watch open and says nothing: so much later nobody listens any more. */
const GRACE_MS = 2_000;
const PAUSE_MS = 100;

interface WatchEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: { readonly code?: number; readonly metadata?: { readonly name?: string; readonly resourceVersion?: string } };
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Watches one kind without an end, on one server after the other, from where it had come to. */
export class Watcher {
  readonly unexpected: string[] = [];
  readonly #chains: Watched[][] = [];
  /** Where it has come to; undefined: a list says where to begin. */
  #last: number | undefined;
  #until = Infinity;
  #stopped = false;
  #opened = 0;

  constructor(
    private readonly kind: KindName,
    private readonly servers: readonly Api[],
    private readonly first: number,
  ) {}

  get chains(): readonly Chain[] {
    return this.#chains.map((watches) => ({ kind: this.kind, watches }));
  }

  /** Where it has come to. */
  get last(): number {
    return this.#last ?? 0;
  }

  /** Until it was told everything up to `finish`, or until `stop`. */
  async run(): Promise<void> {
    while (!this.#stopped && this.last < this.#until) {
      const server = this.servers[(this.first + this.#opened) % this.servers.length];
      if (!server) throw new Error('no API server to watch');
      this.#opened += 1;
      const from = this.#last ?? (await this.#listed(server));
      if (from === undefined) await pause(PAUSE_MS);
      else await this.#watch(server, from);
    }
  }

  /** The version after which nothing more is to come. */
  finish(until: number): void {
    this.#until = until;
  }

  stop(): void {
    this.#stopped = true;
  }

  async #listed(server: Api): Promise<number | undefined> {
    const { code, body } = await server.ask('GET', `${KINDS[this.kind].place}?limit=1`);
    if (code !== 200) return undefined;
    this.#last = Number((JSON.parse(body) as { metadata: { resourceVersion: string } }).metadata.resourceVersion);
    this.#chains.push([]);
    return this.#last;
  }

  async #watch(server: Api, from: number): Promise<void> {
    const delivered: Delivered[] = [];
    const name = `watch ${this.#opened} of ${this.kind} from ${from} at ${server.address}`;
    const place = `${KINDS[this.kind].place}?watch=1&allowWatchBookmarks=true&resourceVersion=${from}&timeoutSeconds=${SECONDS}`;
    const began = performance.now();
    await server.lines(place, SECONDS * 1_000 + GRACE_MS, (line) => this.#line(JSON.parse(line) as WatchEvent, delivered, name));
    if (delivered.length > 0) this.#chains.at(-1)?.push({ name, from, delivered });
    if (performance.now() - began < PAUSE_MS) await pause(PAUSE_MS);
  }

  /** Whether to go on. */
  #line({ type, object }: WatchEvent, delivered: Delivered[], name: string): boolean {
    if (type === 'ERROR') return this.#error(object, name);
    const version = Number(object.metadata?.resourceVersion);
    const content = KINDS[this.kind].contentOf(object);
    delivered.push(type === 'BOOKMARK' ? { type, version } : { type, version, object: object.metadata?.name ?? '', content });
    this.#last = Math.max(this.last, version);
    return !this.#stopped && this.last < this.#until;
  }

  /** What was compacted away begins anew; anything else is asked again, and kept where nobody should hear it. */
  #error(status: WatchEvent['object'], name: string): false {
    if (status.code === 410) this.#last = undefined;
    else if (![429, 503, 504].includes(status.code ?? 0)) this.unexpected.push(`${name}: ${JSON.stringify(status).slice(0, 300)}`);
    return false;
  }
}
