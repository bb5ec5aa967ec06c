import { connectLog } from '#libs/adapters';
import { encodeObject, LogUnavailable, subjectOf, type AppendWrite, type EventLog } from '#libs/log';
import { metaOf, startNats } from '#libs/testing';
import type { Disk } from './disk.js';

const CLUSTER = 'power';
const WRITERS = 24;
/** A part of the appends are transactions of so many. */
const TOGETHER = 5;
/** Nobody waits longer for a log that has lost its disk. */
const PATIENCE_MS = 1_000;
const BODY = 'x'.repeat(700);

/** What a round came to. */
export interface Round {
  readonly acknowledged: number;
  /** Acknowledged before the power went, and not there as it was written. */
  readonly lost: readonly string[];
  /** Transactions of which a part is there. */
  readonly torn: readonly string[];
}

interface Append {
  readonly id: string;
  readonly names: readonly string[];
}

const writeOf = (name: string, id: string): AppendWrite => ({
  subject: subjectOf(CLUSTER, 'state', { group: '', resource: 'configmaps' }, 'default', name),
  expected: 0,
  meta: metaOf({ requestId: id }),
  body: encodeObject({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { id, BODY } } as never),
});

/** Appends one thing after the other until `isOver`; each is noted once it is acknowledged. */
async function write(
  log: EventLog,
  writer: string,
  isOver: () => boolean,
  acknowledged: (append: Append, sequences: readonly number[]) => void,
): Promise<void> {
  for (let at = 0; !isOver(); at++) {
    const size = at % 4 === 0 ? TOGETHER : 1;
    const id = `${writer}-${at}-of-${size}`;
    const names = Array.from({ length: size }, (_, i) => `${id}-${i}`);
    try {
      const appended = await log.append(
        'state',
        names.map((name) => writeOf(name, id)),
      );
      // What comes in once the power is gone proves nothing.
      if ('sequences' in appended && !isOver()) acknowledged({ id, names }, appended.sequences);
    } catch (error) {
      if (error instanceof LogUnavailable && isOver()) return;
      throw error;
    }
  }
}

/** Every event that the log holds: its object's name by sequence, and how many of each append. */
async function heldIn(log: EventLog): Promise<{ readonly at: ReadonlyMap<number, string>; readonly of: ReadonlyMap<string, number> }> {
  const at = new Map<number, string>();
  const of = new Map<string, number>();
  const last = await log.last('state');
  if (last === 0) return { at, of };
  for await (const { events } of log.read('state', 0, { until: last })) {
    for (const { sequence, subject, meta, body } of events) {
      const whole = Buffer.from(body).toString().includes(BODY);
      at.set(sequence, whole ? subject : `${subject}, altered`);
      of.set(meta.requestId ?? '', (of.get(meta.requestId ?? '') ?? 0) + 1);
    }
  }
  return { at, of };
}

/** Appends to a log on the disk, cuts its power after `afterMs`, brings it back, and looks what is there. */
export async function powerCut(
  disk: Disk,
  { round, afterMs, sync }: { readonly round: string; readonly afterMs: number; readonly sync?: string },
): Promise<Round> {
  const nats = await startNats('', { store: disk.folder, ...(sync === undefined ? {} : { sync }) });
  const place = { url: nats.url, cluster: CLUSTER, patienceMs: PATIENCE_MS };
  const acknowledged = new Map<number, string>();
  const appends: Append[] = [];
  try {
    const log = await connectLog(place);
    let isOver = false;
    const writers = Promise.all(
      Array.from({ length: WRITERS }, (_, i) =>
        write(
          log,
          `${round}-${i}`,
          () => isOver,
          (append, sequences) => {
            appends.push(append);
            append.names.forEach((name, at) => acknowledged.set(sequences[at] ?? 0, writeOf(name, append.id).subject));
          },
        ),
      ),
    );
    await new Promise((resolve) => setTimeout(resolve, afterMs));
    isOver = true;
    disk.cut();
    await nats.kill();
    await writers;
    await log.close();
    disk.restore();
    await nats.start();
    const after = await connectLog(place);
    const { at, of } = await heldIn(after);
    await after.close();
    return {
      acknowledged: acknowledged.size,
      lost: [...acknowledged].flatMap(([sequence, subject]) => (at.get(sequence) === subject ? [] : [`${subject} at ${sequence}`])),
      torn: [...of].flatMap(([id, there]) => (id.endsWith(`-of-${there}`) ? [] : [`${there} of ${id}`])),
    };
  } finally {
    await nats.stop();
  }
}
