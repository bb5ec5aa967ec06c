import type { Appended, AppendWrite, EventLog, Guard, ReadBatch, ReadOptions, Recorded, Sequence, StreamName } from '#libs/log';
import { LogUnavailable } from '#libs/log';
import type { MemoryLog } from '../memory-log.js';
import type { VirtualWorld } from '../virtual-world.js';
import type { SimulatedProcess } from './process.js';
import type { Weather } from './weather.js';

/** An answer that took so long does not count any more. */
const ANSWER_MS = 2_000;
const SLOWNESS = 20;

/** What a connection to the log is made of. */
export interface LinkOptions {
  readonly process: SimulatedProcess;
  readonly log: MemoryLog;
  readonly world: VirtualWorld;
  readonly weather: () => Weather;
  /** Told of what this process hears. */
  readonly trace: (line: string) => void;
  /** Told who is about to append. */
  readonly writing: (process: SimulatedProcess) => void;
}

/** Events that were stored together are delivered together. */
function cuts(events: readonly Recorded[]): readonly number[] {
  return events.flatMap(({ meta }, i) =>
    i > 0 && (meta.batch === undefined || meta.batch.id !== events[i - 1]?.meta.batch?.id) ? [i] : [],
  );
}

/**
 * A process's connection to the log: requests arrive in the order in which they were made, late, or not at all; a request that was sent
 * arrives even if its process does not live to see it. Deliveries come in parts, late, and some of them twice.
 */
export class Link implements EventLog {
  /** Nothing comes through while it is. */
  cut = false;
  #lastArrival = 0;

  constructor(private readonly options: LinkOptions) {}

  append(stream: StreamName, writes: readonly AppendWrite[], guards: readonly Guard[] = []): Promise<Appended> {
    const { log, process, writing } = this.options;
    return this.#ask(() => {
      writing(process);
      return log.append(stream, writes, guards);
    });
  }

  async *read(stream: StreamName, after: Sequence, { signal }: ReadOptions = {}): AsyncGenerator<ReadBatch> {
    const { log, process, trace } = this.options;
    let at = after;
    for await (const batch of log.read(stream, after, signal ? { signal } : {})) {
      for (const part of this.#partsOf(batch)) {
        await process.wait(this.#delay());
        if (this.cut || this.#chance(this.options.weather().broken)) {
          trace(`${process.name} loses its connection at ${stream} ${at}`);
          await process.wait(ANSWER_MS);
          throw new LogUnavailable('the connection broke');
        }
        if (stream === 'state') trace(`${process.name} hears state ${at + 1}..${part.through}`);
        at = part.through;
        yield part;
        if (this.#chance(this.options.weather().redelivered)) yield { events: part.events, through: at };
      }
    }
  }

  last(stream: StreamName): Promise<Sequence> {
    return this.#ask(() => this.options.log.last(stream));
  }

  lastOf(stream: StreamName, subject: string): Promise<Recorded | undefined> {
    return this.#ask(() => this.options.log.lastOf(stream, subject));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** A request and its answer. */
  #ask<T>(act: () => Promise<T>): Promise<T> {
    const { process, world, weather } = this.options;
    return new Promise((resolve, reject) => {
      const cancel = process.after(ANSWER_MS, () => reject(new LogUnavailable('no answer came')));
      if (this.cut || this.#chance(weather().lostRequest)) return;
      this.#lastArrival = Math.max(this.#lastArrival, world.now() + this.#delay());
      world.after(this.#lastArrival - world.now(), () => {
        void act().then((answer) => {
          if (this.cut || this.#chance(weather().lostAnswer)) return;
          process.after(this.#delay(), () => {
            cancel();
            resolve(answer);
          });
        }, reject);
      });
    });
  }

  #partsOf({ events, through }: ReadBatch): readonly ReadBatch[] {
    const places = cuts(events);
    if (places.length === 0 || this.#chance(0.5)) return [{ events, through }];
    const at = places[Math.floor(this.options.world.random() * places.length)] ?? 0;
    const first = events.slice(0, at);
    return [
      { events: first, through: first.at(-1)?.sequence ?? 0 },
      { events: events.slice(at), through },
    ];
  }

  #delay(): number {
    const { world, weather } = this.options;
    const { delayMs, slow } = weather();
    return Math.ceil(world.random() * delayMs * (this.#chance(slow) ? SLOWNESS : 1));
  }

  #chance(odds: number): boolean {
    return odds > 0 && this.options.world.random() < odds;
  }
}
