import type { AppendWrite, Appended, EventLog, Guard, ReadBatch, ReadOptions, Recorded, Sequence, StreamName } from '#libs/log';
import type { Tracing } from './tracing.js';

/** A log that tells of what is stored in it. All else passes through. */
export class TracedLog implements EventLog {
  constructor(
    private readonly log: EventLog,
    private readonly tracing: Tracing,
  ) {}

  async append(stream: StreamName, writes: readonly AppendWrite[], guards?: readonly Guard[]): Promise<Appended> {
    const begin = Date.now();
    const appended = await this.log.append(stream, writes, guards);
    if ('sequences' in appended) this.tracing.appended({ stream, writes, sequences: appended.sequences, begin, end: Date.now() });
    return appended;
  }

  read(stream: StreamName, after: Sequence, options?: ReadOptions): AsyncIterable<ReadBatch> {
    return this.log.read(stream, after, options);
  }

  last(stream: StreamName): Promise<Sequence> {
    return this.log.last(stream);
  }

  lastOf(stream: StreamName, subject: string): Promise<Recorded | undefined> {
    return this.log.lastOf(stream, subject);
  }

  close(): Promise<void> {
    return this.log.close();
  }
}
