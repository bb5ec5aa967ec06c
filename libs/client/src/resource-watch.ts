import { objectKey, StatusError, keyOf, type GroupVersionResource, type KubeObject } from '#libs/apimachinery';
import type { ApiClient, Selection } from './api-client.js';
import { splitLines } from './lines.js';

/** What a watched resource is to be, and whom to tell of changes. */
export interface ResourceWatchOptions<T extends KubeObject> extends Selection {
  /**
   * Called for each object that came, changed or went; `old` and `next` are it before and after. Also called
   * for what a new list shows to have changed while the watch was away.
   */
  readonly onChange?: (next: T | undefined, old: T | undefined) => void;
  /** Told of each failure before it is retried. */
  readonly onError?: (error: unknown) => void;
  /** First and longest pause between attempts. */
  readonly backoffMs?: { readonly first: number; readonly most: number };
}

interface WatchEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: KubeObject;
}

const MAX_LINE_BYTES = 16 * 1024 * 1024;

/**
 * A copy of a selection of objects, kept current by list and watch. It reconnects for ever with back-off, goes
 * on from where it was, and lists again when the server has forgotten that moment (410).
 */
export class ResourceWatch<T extends KubeObject> {
  /** Resolves when the first list has been applied; rejects when stopped before that. */
  readonly synced: Promise<void>;

  private readonly objects = new Map<string, T>();
  private readonly abort = new AbortController();
  private readonly running: Promise<void>;
  private resourceVersion = '';
  private settle: { resolve: () => void; reject: (error: Error) => void } | undefined;

  constructor(
    private readonly client: ApiClient,
    private readonly resource: GroupVersionResource,
    private readonly options: ResourceWatchOptions<T>,
  ) {
    this.synced = new Promise((resolve, reject) => {
      this.settle = { resolve, reject };
    });
    this.synced.catch(() => undefined);
    this.running = this.run();
  }

  get(namespace: string | undefined, name: string): T | undefined {
    return this.objects.get(objectKey(namespace, name));
  }

  list(): readonly T[] {
    return [...this.objects.values()];
  }

  /** Ends the watch; nobody is told of changes any more. */
  async stop(): Promise<void> {
    this.abort.abort();
    await this.running;
    this.settle?.reject(new Error('the watch was stopped before its first list'));
  }

  private async run(): Promise<void> {
    const { first, most } = this.options.backoffMs ?? { first: 200, most: 10_000 };
    let pause = first;
    while (!this.abort.signal.aborted) {
      try {
        if (this.resourceVersion === '') await this.relist();
        if (await this.follow()) {
          pause = first;
          continue;
        }
      } catch (error) {
        if (this.abort.signal.aborted) return;
        if (error instanceof StatusError && (error.reason === 'Expired' || error.reason === 'Gone')) {
          this.resourceVersion = '';
        } else {
          this.options.onError?.(error);
        }
      }
      await sleep(pause * (0.75 + Math.random() / 2), this.abort.signal);
      pause = Math.min(most, pause * 2);
    }
  }

  private async relist(): Promise<void> {
    const { namespace, labelSelector, fieldSelector } = this.options;
    const selection = {
      ...(namespace === undefined ? {} : { namespace }),
      ...(labelSelector === undefined ? {} : { labelSelector }),
      ...(fieldSelector === undefined ? {} : { fieldSelector }),
    };
    const list = await this.client.list<T>(this.resource, selection, this.abort.signal);
    const seen = new Set<string>();
    for (const object of list.items) {
      seen.add(keyOf(object));
      this.put(object);
    }
    for (const [key, object] of [...this.objects]) if (!seen.has(key)) this.drop(key, object);
    this.resourceVersion = list.metadata.resourceVersion;
    this.settle?.resolve();
    this.settle = undefined;
  }

  /** True when anything came: a watch that ends at once is not opened again without a pause. */
  private async follow(): Promise<boolean> {
    const { namespace, labelSelector, fieldSelector } = this.options;
    const stream = await this.client.openWatch(
      this.resource,
      {
        ...(namespace === undefined ? {} : { namespace }),
        ...(labelSelector === undefined ? {} : { labelSelector }),
        ...(fieldSelector === undefined ? {} : { fieldSelector }),
        resourceVersion: this.resourceVersion,
        timeoutSeconds: 300 + Math.floor(Math.random() * 300),
      },
      this.abort.signal,
    );
    let progressed = false;
    try {
      for await (const line of splitLines(stream, MAX_LINE_BYTES)) {
        this.apply(JSON.parse(line) as WatchEvent);
        progressed = true;
      }
      return progressed;
    } finally {
      stream.destroy();
    }
  }

  private apply({ type, object }: WatchEvent): void {
    if (this.abort.signal.aborted) return;
    switch (type) {
      case 'ERROR': {
        const status = object as unknown as { code?: number; reason?: 'Expired'; message?: string };
        throw new StatusError(status.code === 410 ? 'Expired' : (status.reason ?? 'InternalError'), status.message ?? 'the watch failed');
      }
      case 'ADDED':
      case 'MODIFIED':
        this.put(object as T);
        break;
      case 'DELETED':
        this.drop(keyOf(object), object as T);
        break;
      case 'BOOKMARK':
        break;
    }
    this.resourceVersion = object.metadata.resourceVersion ?? this.resourceVersion;
  }

  private put(object: T): void {
    const key = keyOf(object);
    const old = this.objects.get(key);
    if (old && old.metadata.uid === object.metadata.uid && old.metadata.resourceVersion === object.metadata.resourceVersion) return;
    this.objects.set(key, object);
    this.options.onChange?.(object, old);
  }

  private drop(key: string, last: T): void {
    const old = this.objects.get(key) ?? last;
    this.objects.delete(key);
    this.options.onChange?.(undefined, old);
  }
}

/** Starts to keep a copy of a selection of objects: client-go's informer. */
export const watchResource = <T extends KubeObject>(
  client: ApiClient,
  resource: GroupVersionResource,
  options: ResourceWatchOptions<T> = {},
): ResourceWatch<T> => new ResourceWatch(client, resource, options);

const sleep = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    if (signal.aborted) done();
    else signal.addEventListener('abort', done);
  });
