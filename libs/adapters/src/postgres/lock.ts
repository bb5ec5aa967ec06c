import type { Client } from 'pg';
import type { DataSource } from 'typeorm';
import { pause } from '../pause.js';
import { openSession, schemaIn, type Session } from './data-source.js';

/** A standby asks for the lock so often. */
const ASK_AGAIN_MS = 500;
/** Who holds a lock shows so often that it lives. */
const SIGN_MS = 1_000;
/** Who has shown nothing for so long holds it no more. */
const SILENT = '3 seconds';
/** A database that says nothing for so long is asked again on a new connection. */
const ANSWER_MS = 10_000;
/** What is under way when the signal aborts may end by itself for so long. */
const GRACE_MS = 2_000;

const LOCK = { name: 'lock-take', text: 'select pg_try_advisory_lock(hashtext($1), $2) as got, pg_backend_pid() as pid' };
const SIGN = { name: 'lock-sign', text: 'select 1' };

/** The lock's row in pg_locks. A key of two integers has `objsubid` 2. */
const HELD = `from pg_locks l join pg_stat_activity a on a.pid = l.pid
  where l.locktype = 'advisory' and l.database = (select oid from pg_database where datname = current_database())
    and l.classid = hashtext($1)::oid and l.objid = $2::integer::oid and l.objsubid = 2 and l.granted`;

/**
 * Ends the session of a holder that says nothing: a process that is stopped, or whose host is cut off, keeps its connection. A statement
 * that runs is a sign of life, unless it waits for its client. The clock is the database's.
 */
const END_SILENT = {
  name: 'lock-end-silent',
  text: `select pg_terminate_backend(a.pid) ${HELD} and a.pid <> pg_backend_pid()
    and clock_timestamp() - a.state_change > $3::interval and (a.state is distinct from 'active' or a.wait_event_type = 'Client')`,
};

const IS_HELD_BY = { name: 'lock-is-held', text: `select 1 ${HELD} and a.pid = $3` };

/** Statements one after the other: what one asks while another's is under way waits for it. */
function inOrder(client: Client): Session {
  let last: Promise<unknown> = Promise.resolve();
  const query = (...args: Parameters<Client['query']>): Promise<unknown> => {
    const next = last.then(() => client.query(...args));
    last = next.catch(() => undefined);
    return next;
  };
  return { query: query as unknown as Client['query'] };
}

/** What is resolved with within a while; undefined: nothing, by then. */
async function within<T>(answer: Promise<T>, ms: number, signal: AbortSignal): Promise<T | undefined> {
  const waiting = new AbortController();
  const stop = (): void => waiting.abort();
  signal.addEventListener('abort', stop);
  if (signal.aborted) stop();
  try {
    return await Promise.race([answer, pause(ms, waiting.signal).then(() => undefined)]);
  } finally {
    signal.removeEventListener('abort', stop);
    stop();
  }
}

/** A lock of the database, from the asking to the end of the connection that holds it. */
class Turn {
  readonly #ended = new AbortController();
  readonly #place: readonly [schema: string, lock: number];
  readonly session: Session;

  constructor(
    private readonly dataSource: DataSource,
    private readonly client: Client,
    lock: number,
  ) {
    this.#place = [schemaIn(dataSource), lock];
    this.session = inOrder(client);
    const ended = (): void => this.#ended.abort();
    client.on('error', ended).on('end', ended);
  }

  /** Aborts when the connection has ended, and the lock with it. */
  get ended(): AbortSignal {
    return this.#ended.signal;
  }

  /** Ends the connection: resolves when it is gone, or is not waited for any more. */
  async end(): Promise<void> {
    this.#ended.abort();
    await Promise.race([this.client.end().catch(() => undefined), new Promise((resolve) => setTimeout(resolve, GRACE_MS).unref())]);
  }

  /** Waits for the lock; the process at the other end that holds it, undefined where it was not got. */
  async taken(signal: AbortSignal): Promise<number | undefined> {
    while (!signal.aborted) {
      const { got, pid } = (await this.#asked<{ got: boolean; pid: number }>(LOCK, [], signal))[0] ?? {};
      if (got === true) return pid;
      const silent = await this.#asked(END_SILENT, [SILENT], signal);
      if (silent.length === 0) await pause(ASK_AGAIN_MS, signal);
    }
    return undefined;
  }

  /** Shows that this process lives for as long as the connection does, and ends it where the database is no longer at its other end. */
  async showSigns(pid: number): Promise<void> {
    const { ended } = this;
    while (!ended.aborted) {
      await pause(SIGN_MS, ended);
      if (ended.aborted) return;
      const shown = this.session.query(SIGN).then(
        () => true,
        () => true,
      );
      while ((await within(shown, ANSWER_MS, ended)) === undefined && !ended.aborted) {
        if (!(await this.#isHeldBy(pid))) await this.end();
      }
    }
  }

  async #asked<Row extends object>(
    statement: { readonly name: string; readonly text: string },
    values: readonly unknown[],
    signal: AbortSignal,
  ): Promise<readonly Row[]> {
    const asked = this.session.query<Row>({ ...statement, values: [...this.#place, ...values] });
    asked.catch(() => undefined);
    const answer = await within(asked, ANSWER_MS, signal);
    if (answer) return answer.rows;
    if (signal.aborted) return [];
    throw new Error('the database does not answer');
  }

  /** A statement of ours may take its time: whether it is still under way is asked on a connection of its own. */
  async #isHeldBy(pid: number): Promise<boolean> {
    try {
      const other = await openSession(this.dataSource);
      try {
        const asked = other.query({ ...IS_HELD_BY, values: [...this.#place, pid] });
        asked.catch(() => undefined);
        return (await within(asked, ANSWER_MS, this.ended))?.rowCount === 1;
      } finally {
        void other.end().catch(() => undefined);
      }
    } catch {
      return false;
    }
  }
}

/**
 * Does what only one process is to do at a time: waits until no other holds the lock, and works until the work ends, the connection
 * that holds the lock does, or the signal aborts. Of a holder that shows no sign of life for three seconds another ends the
 * connection, so that the lock is free: what is written on `session` is written under the lock or not at all. What is written elsewhere
 * may still be under way in a process that was stopped and goes on, and must be harmless then.
 */
export async function holding(
  dataSource: DataSource,
  lock: number,
  signal: AbortSignal,
  work: (session: Session, held: AbortSignal) => Promise<void>,
): Promise<void> {
  if (signal.aborted) return;
  const turn = new Turn(dataSource, await openSession(dataSource), lock);
  const held = AbortSignal.any([signal, turn.ended]);
  let late: NodeJS.Timeout | undefined;
  const leave = (): void => void (late = setTimeout(() => void turn.end(), GRACE_MS));
  signal.addEventListener('abort', leave);
  try {
    const pid = await turn.taken(held);
    if (pid === undefined) return;
    void turn.showSigns(pid);
    await work(turn.session, held);
  } finally {
    signal.removeEventListener('abort', leave);
    clearTimeout(late);
    await turn.end();
  }
}

/** `holding` for work that does not need the connection. */
export const alone = (
  dataSource: DataSource,
  lock: number,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<void> => holding(dataSource, lock, signal, (_session, held) => work(held));
