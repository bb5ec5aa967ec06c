import { isUnreachable, type LogObserver, type LogSigns } from '#libs/adapters';
import {
  afterLook,
  afterReading,
  afterRefused,
  afterStored,
  AS_EXPECTED,
  clockReport,
  Conditions,
  Monitor,
  NO_WRITES,
  projectionReport,
  type ClockSeen,
  type ConditionReport,
  type Logger,
  type Metrics,
  type ProjectionLag,
} from '#libs/runtime';

const LOOK_EVERY_MS = 5_000;
const CLOCK_EVERY_MS = 1_000;
/** The log's server has so long to answer before it counts as gone. */
const ANSWER_MS = 3_000;

const STATES = { ok: 0, degraded: 1, failed: 2 };

/** The conditions of a process: what changes is logged, and all are metrics. */
export function openConditions(logger: Logger, metrics: Metrics): Conditions {
  const conditions = new Conditions(Date.now);
  conditions.logTo(logger);
  const help = 'How what this process stands on is: 0 as it should be, 1 degraded, 2 failed; the reason says why.';
  metrics.ask({ name: 'decklog_condition', help, labels: ['name', 'reason'], type: 'gauge' }, () =>
    conditions.all.map(({ name, state, reason }) => ({ labels: [name, reason], value: STATES[state] })),
  );
  return conditions;
}

/** Turns what is noticed of a log while it is used into conditions. */
export function observerOf(conditions: Conditions): LogObserver {
  let writes = NO_WRITES;
  return {
    connection: (isConnected) => {
      if (!isConnected)
        conditions.report('log', unreachable("the connection to the log's server broke: writes are refused until it is back"));
      else if (conditions.get('log')?.reason === 'Unreachable') conditions.ok('log');
    },
    stored: (ms) => {
      const { report: before } = writes;
      writes = afterStored(writes, ms);
      if (writes.report !== before) conditions.report('log-writes', writes.report);
    },
    refused: (refusal, why) => {
      writes = afterRefused(writes, refusal, why);
      if (writes.report.state !== 'ok') conditions.report('log-writes', writes.report);
    },
    copyLacks: (server, stream, from, to) => {
      const what = from === to ? `${stream}:${from}` : `${stream}:${from} to ${to}`;
      const message = `the copy of ${server} lacks ${what}: it is read from the others; \`decklog verify\` says what is wrong with it, and what to do`;
      conditions.report('log-copies', { state: 'degraded', reason: 'Damaged', message });
    },
  };
}

/** What is looked at all the time. */
export interface ServersToWatch {
  readonly conditions: Conditions;
  /** Signs of life of the log's server; rejects where there are none in time. */
  readonly signs: (timeoutMs: number) => Promise<LogSigns>;
  /** How far the projection has got with `state`. */
  readonly projected: () => Promise<number>;
  /** Milliseconds of a clock that nobody sets. */
  readonly steady: () => number;
}

const unreachable = (message: string): ConditionReport => ({ state: 'failed', reason: 'Unreachable', message });
const wordsOf = (error: unknown): string => (error instanceof Error ? error.message || error.name : String(error));

/** Looks at the log's server, at the database, at the projection and at the clock, and reports how they stand; returns how to stop. */
export function watchServers({ conditions, signs, projected, steady }: ServersToWatch): { readonly stop: () => void } {
  let seen: LogSigns | undefined;
  let lag: ProjectionLag | undefined;
  let clock: ClockSeen | undefined;
  const monitors = [
    new Monitor(
      {
        condition: 'log',
        everyMs: LOOK_EVERY_MS,
        answerMs: 2 * ANSWER_MS,
        look: async () => {
          seen = await signs(ANSWER_MS);
          return AS_EXPECTED;
        },
        failure: (error) => unreachable(`the log's server does not answer: ${wordsOf(error)}; writes are refused until it does`),
      },
      conditions,
    ),
    new Monitor(
      {
        condition: 'history',
        everyMs: LOOK_EVERY_MS,
        answerMs: 2 * ANSWER_MS,
        look: async () => {
          const last = seen?.last ?? 0;
          lag = afterLook(lag, { last, projected: await projected() }, Date.now());
          conditions.report('projection', projectionReport(lag, Date.now()));
          return AS_EXPECTED;
        },
        failure: (error) => ({
          state: 'degraded',
          reason: isUnreachable(error) ? 'Unreachable' : 'Unreadable',
          message: `the database of the history does not answer: ${wordsOf(error)}; the past is not shown and not projected until it does`,
        }),
      },
      conditions,
    ),
    new Monitor(
      {
        condition: 'clock',
        everyMs: CLOCK_EVERY_MS,
        answerMs: ANSWER_MS,
        look: () => {
          clock = afterReading(clock, { wall: Date.now(), steadyMs: steady() });
          return Promise.resolve(clockReport(clock, seen?.aheadMs));
        },
        failure: (error) => ({ state: 'degraded', reason: 'Unknown', message: wordsOf(error) }),
      },
      conditions,
    ),
  ];
  for (const monitor of monitors) monitor.start();
  return { stop: () => monitors.forEach((monitor) => monitor.stop()) };
}
