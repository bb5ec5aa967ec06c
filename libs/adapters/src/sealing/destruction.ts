import { SECRETS } from '#libs/api';
import type { EventLog } from '#libs/log';
import type { Logger, StateView, World } from '#libs/runtime';
import type { KeyStore } from './key-store.js';
import { CHECK } from './keyring.js';

/** What the keys of deleted Secrets are found by. */
export interface DestructionSources {
  readonly store: KeyStore;
  readonly log: Pick<EventLog, 'last'>;
  readonly view: StateView;
  readonly world: Pick<World, 'now'>;
  readonly logger: Logger;
  /** How long after its Secret a key goes: until then the Secret can be had back. */
  readonly graceMs: number;
}

/** Marks a key whose Secret is gone; stored when that was first seen. */
const markOf = (uid: string): string => `gone.${uid}`;
const isMark = (key: string): boolean => key.startsWith('gone.');
const SWEEP_MS = 10 * 60_000;
/** After a Secret was deleted: others may be following. */
const SOON_MS = 1_000;
/** A key is stored before its Secret is: it is given time to appear, whatever the grace. */
const APPEARING_MS = 60_000;

/**
 * Destroys the keys of Secrets that are gone, a grace after their end: from then on their history can't be read. Any number
 * of processes may do so at once; a Secret that is back within the grace keeps its key.
 */
export class KeyDestruction {
  private timer: NodeJS.Timeout | undefined;
  private soon: NodeJS.Timeout | undefined;
  private sweeping: Promise<unknown> | undefined;
  private unsubscribe: (() => void) | undefined;

  constructor(private readonly sources: DestructionSources) {}

  start(): void {
    const { view } = this.sources;
    this.unsubscribe = view.subscribe(({ type, resource }) => {
      if (type === 'Deleted' && resource.group === '' && resource.resource === SECRETS.resource) this.sweepSoon();
    });
    this.timer = setInterval(() => this.attempt(), SWEEP_MS).unref();
    this.sweepSoon();
  }

  async stop(): Promise<void> {
    this.unsubscribe?.();
    clearInterval(this.timer);
    clearTimeout(this.soon);
    await this.sweeping;
  }

  /** Marks the keys of Secrets that are gone, and destroys those that were marked long enough ago. Answers their uids. */
  async sweep(): Promise<readonly string[]> {
    const { store, world, graceMs } = this.sources;
    const present = new Set(await store.list());
    const living = await this.living();
    const destroyed: string[] = [];
    for (const uid of present) {
      if (uid === CHECK || isMark(uid)) continue;
      const mark = markOf(uid);
      if (living.has(uid)) {
        if (present.has(mark)) await store.remove(mark);
        continue;
      }
      const marked = await store.put(mark, new Uint8Array([1]));
      const made = (await store.get(uid))?.time ?? 0;
      if (world.now() - marked.time < graceMs || world.now() - made < APPEARING_MS) continue;
      await store.remove(uid);
      await store.remove(mark);
      destroyed.push(uid);
    }
    for (const key of present) if (isMark(key) && !present.has(key.slice('gone.'.length))) await store.remove(key);
    if (destroyed.length > 0) await store.compact();
    return destroyed;
  }

  /** The uids of all Secrets there are, at a moment not before this one. Leaves of `list` come first: a key is older than its Secret. */
  private async living(): Promise<ReadonlySet<string>> {
    const { log, view } = this.sources;
    await view.reached('state', await log.last('state'), AbortSignal.timeout(30_000));
    return new Set(view.entries(SECRETS).map(({ object }) => object.metadata.uid ?? ''));
  }

  private sweepSoon(): void {
    if (this.soon !== undefined) return;
    this.soon = setTimeout(() => {
      this.soon = undefined;
      this.attempt();
    }, SOON_MS).unref();
  }

  private attempt(): void {
    const { logger } = this.sources;
    this.sweeping ??= this.sweep()
      .then((destroyed) => {
        if (destroyed.length > 0) logger.info('the keys of deleted Secrets were destroyed', { keys: destroyed.length });
      })
      .catch((error: unknown) => logger.warn('the keys of deleted Secrets could not be looked at', { error: String(error) }))
      .finally(() => (this.sweeping = undefined));
  }
}
