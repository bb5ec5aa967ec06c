import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { GroupVersionResource, Instant } from '#libs/apimachinery';
import type { Sequence } from '#libs/log';
import type { Count, StateView } from '#libs/runtime';
import type { Format } from '../encoding/negotiate.js';
import type { Selection } from '../reads/selection.js';
import type { ServedResource } from '../served-resource.js';
import type { WatchBacklog } from './watch-backlog.js';
import { bookmarkFrame, rowsOf, type SharedEvent, type WatchFormat } from './watch-frames.js';
import type { Watcher } from './watch-hub.js';

/** Bytes of initial events written before the client is waited for. */
const CHUNK_BYTES = 256 * 1024;

/** What a watch is told when it begins. */
export interface WatchPlan {
  readonly served: ServedResource;
  readonly selection: Selection;
  readonly format: WatchFormat;
  /** Only events behind this are new to it. */
  readonly after: Sequence;
  readonly bookmarkEveryMs: number | undefined;
  readonly maxBacklogBytes: number;
  /** Counts what is sent; nothing does unless set. */
  readonly events?: Count;
  /** What all watches have unread together. */
  readonly backlog: WatchBacklog;
}

/**
 * One open watch. Events are turned into lines as they come and written once per turn; until the initial events
 * are out they are held back. A client that does not read is cut off rather than waited for.
 */
export class WatchSession implements Watcher {
  readonly resource: GroupVersionResource;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly encoding: Format;
  private pending: Uint8Array[] = [];
  private pendingBytes = 0;
  private begun = false;
  private flushing = false;
  private headersDue: boolean;
  private nextBookmark: Instant;
  private converted: Promise<void> = Promise.resolve();
  private underWay = 0;
  /** Called where the watch can't go on. */
  onFailure: (error: unknown) => void = () => undefined;

  constructor(
    private readonly plan: WatchPlan,
    private readonly response: ServerResponse,
    private readonly view: StateView,
    now: Instant,
  ) {
    this.resource = plan.served.stored;
    this.namespace = plan.selection.namespace;
    this.name = plan.selection.name;
    this.encoding = plan.format.encoding;
    this.headersDue = plan.format.transform?.kind === 'Table';
    this.nextBookmark = now + (plan.bookmarkEveryMs ?? 0);
  }

  /** What is watched. */
  get served(): ServedResource {
    return this.plan.served;
  }

  /** Whether the next line has to show a table's columns; asking takes them. */
  takeHeaders(): boolean {
    const due = this.headersDue;
    this.headersDue = false;
    return due;
  }

  /** The line of an event, where it concerns this watch. */
  frameOf(shared: SharedEvent): Uint8Array | undefined {
    const { served, selection, format, after } = this.plan;
    if (shared.event.sequence <= after) return undefined;
    const transition = shared.transition(served, selection);
    return transition === undefined ? undefined : shared.frame(served, transition, format, this.takeHeaders());
  }

  deliver(shared: SharedEvent): void {
    if (this.plan.served.converts) return this.deliverConverted(shared);
    const frame = this.frameOf(shared);
    if (frame !== undefined) this.push(frame);
  }

  /** Where a webhook converts objects, each event waits for its own and for those before it. */
  private deliverConverted(shared: SharedEvent): void {
    const waiting = this.plan.served.prepare(rowsOf(shared.event));
    this.underWay += 1;
    this.converted = this.converted
      .then(() => waiting)
      .then(() => {
        const frame = this.frameOf(shared);
        if (frame !== undefined) this.push(frame);
      })
      .catch((error: unknown) => this.onFailure(error))
      .finally(() => {
        this.underWay -= 1;
      });
    waiting?.catch(() => undefined);
  }

  /** Cuts off a client that does not read. */
  cut(): void {
    this.response.destroy();
    this.ended();
  }

  /** Nothing more is written, and what is unread does not count any more. */
  ended(): void {
    this.pending = [];
    this.pendingBytes = 0;
    this.plan.backlog.set(this, 0);
  }

  private account(): void {
    if (!this.response.destroyed) this.plan.backlog.set(this, this.pendingBytes + this.response.writableLength);
  }

  tick(now: Instant): void {
    this.account();
    if (this.plan.bookmarkEveryMs === undefined || !this.begun || now < this.nextBookmark) return;
    this.nextBookmark = now + this.plan.bookmarkEveryMs;
    this.bookmark(false);
  }

  /** Says how far the watch has come. Nothing before `begin` has ended, nor while events wait to be converted. */
  bookmark(initialEnd: boolean): void {
    if (this.underWay > 0) return;
    const { served, format, after } = this.plan;
    const position = this.view.position[served.stream];
    if (position >= after) this.push(bookmarkFrame(served, format, position, initialEnd));
  }

  /** Writes the initial events at the client's pace, then `last`, then what came meanwhile; from there on all is live. */
  async begin(initial: Iterable<Uint8Array> | AsyncIterable<Uint8Array>, last: Uint8Array | undefined, signal: AbortSignal): Promise<void> {
    let chunk: Uint8Array[] = [];
    let bytes = 0;
    for await (const frame of initial) {
      if (signal.aborted) return;
      chunk.push(frame);
      this.plan.events?.add();
      bytes += frame.length;
      if (bytes < CHUNK_BYTES) continue;
      const room = this.response.write(Buffer.concat(chunk));
      chunk = [];
      bytes = 0;
      if (!room) await once(this.response, 'drain', { signal });
    }
    if (last !== undefined) chunk.push(last);
    if (chunk.length > 0) this.response.write(Buffer.concat(chunk));
    this.begun = true;
    this.flush();
  }

  /** Writes what is still held back. */
  flush(): void {
    this.flushing = false;
    if (!this.begun || this.pending.length === 0 || this.response.destroyed) return;
    const [only] = this.pending;
    this.response.write(this.pending.length === 1 && only !== undefined ? only : Buffer.concat(this.pending));
    this.pending = [];
    this.pendingBytes = 0;
    if (this.response.writableLength > this.plan.maxBacklogBytes) this.cut();
    else this.account();
  }

  private push(frame: Uint8Array): void {
    if (this.response.destroyed) return;
    this.pending.push(frame);
    this.plan.events?.add();
    this.pendingBytes += frame.length;
    if (this.pendingBytes > this.plan.maxBacklogBytes) {
      this.cut();
      return;
    }
    if (!this.begun) this.account();
    if (this.flushing || !this.begun) return;
    this.flushing = true;
    queueMicrotask(() => this.flush());
  }
}
