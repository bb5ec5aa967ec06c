import type { Msg } from 'nats';
import { NO_METRICS } from '#libs/runtime';
import { configMapWrite } from '#libs/testing';
import { Appender } from './appender.js';
import type { Found, Lookups } from './lookups.js';
import { NOBODY } from './observer.js';
import { Seen } from './seen.js';
import type { Wire } from './wire.js';

const moved = { error: { code: 400, err_code: 10071, description: 'wrong last sequence: 5' } };
const answer = (body: object): Msg => ({ data: new Uint8Array(1), json: () => body }) as unknown as Msg;

/** An appender to three servers that give these answers, and show these ends of the subject when they are asked. */
function appender(answers: readonly object[], ends: readonly (Found | undefined)[]): Appender {
  const [left, shown] = [[...answers], [...ends]];
  const wire = {
    connected: true,
    server: { maxPayload: 1_048_576 },
    request: async () => answer(left.shift() ?? moved),
    onChange: () => () => undefined,
    answered: () => undefined,
  };
  const lastOfMany = async (_: unknown, subjects: readonly string[]): Promise<ReadonlyMap<string, Found>> => {
    const found = shown.shift();
    return new Map(found ? subjects.map((subject) => [subject, found] as const) : []);
  };
  const lookups = { replicas: 3, lastOfMany, firstAfter: async () => undefined };
  const options = { longestWaitMs: 1, answerMs: 1_000, patienceMs: 5_000, maxQueued: 10, maxQueuedBytes: 1e6, observer: NOBODY };
  return new Appender(wire as unknown as Wire, 'state', lookups as unknown as Lookups, new Seen(), { ...options, metrics: NO_METRICS });
}

describe('an append to a log of several servers', () => {
  const write = configMapWrite('one', 'a', 7);
  const before: Found = { sequence: 7, id: 'of another' };

  it('is stored where one that leads no more refused it, and the one that leads stored it meanwhile', async () => {
    const stored: Found = { sequence: 13, id: write.meta.id };
    expect(await appender([moved, moved], [before, stored]).append([write], [])).toEqual({ sequences: [13] });
  });

  it('is refused where another was faster', async () => {
    const others: Found = { sequence: 12, id: 'of another' };
    const result = await appender([moved, moved], [before, others]).append([write], []);
    expect(result).toEqual({ moved: [{ subject: write.subject, expected: 7, actual: 12 }] });
  });
});
