import type { Logger } from '../ports.js';
import { AS_EXPECTED, isChange, reported, worstOf, type Condition } from './condition.js';
import { Conditions } from './conditions.js';
import { healthAnswer, type CheckOutcome } from './health-answer.js';

const condition = (state: Condition['state'], reason: string, since: number): Condition => ({
  name: 'log',
  state,
  reason,
  message: 'as before',
  since,
});

describe('a condition', () => {
  it.each<[string, Condition | undefined, Condition['state'], string, number, boolean]>([
    ['that is as it should be from the beginning is no news', undefined, 'ok', 'AsExpected', 9, false],
    ['that is not from the beginning is', undefined, 'failed', 'Unreachable', 9, true],
    ['that goes on for the same reason keeps its time', condition('failed', 'Unreachable', 3), 'failed', 'Unreachable', 3, false],
    ['that goes on for another reason has a new one', condition('failed', 'Unreachable', 3), 'failed', 'NoSpace', 9, true],
    ['that is as it should be again has a new one', condition('failed', 'Unreachable', 3), 'ok', 'AsExpected', 9, true],
    ['that got better is news', condition('failed', 'Slow', 3), 'degraded', 'Slow', 9, true],
  ])('%s', (_title, before, state, reason, since, news) => {
    const now = reported(before, 'log', { state, reason, message: 'now' }, 9);
    expect(now).toEqual({ name: 'log', state, reason, message: 'now', since });
    expect(isChange(before, now)).toBe(news);
  });

  it('is logged when it changes, once', () => {
    const said: string[] = [];
    const logger = {
      debug: () => undefined,
      info: (message: string) => void said.push(message),
      warn: (message: string) => void said.push(message),
      error: () => undefined,
    } satisfies Logger;
    const conditions = new Conditions(() => 1);
    conditions.logTo(logger);
    const heard: string[] = [];
    conditions.onChange(({ state }) => heard.push(state));
    for (const report of [AS_EXPECTED, AS_EXPECTED]) conditions.report('log', report);
    for (const message of ['no answer in 3 s', 'no answer in 5 s'])
      conditions.report('log', { state: 'failed', reason: 'Unreachable', message });
    conditions.ok('log');
    expect(said).toEqual(['log failed: no answer in 3 s', 'log is as it should be again']);
    expect(heard).toEqual(['failed', 'ok']);
    expect(conditions.all.map(({ name, state }) => [name, state])).toEqual([['log', 'ok']]);
  });
});

it('of several conditions with a name the worst counts', () => {
  const [fine, slow, gone] = [condition('ok', 'AsExpected', 1), condition('degraded', 'Slow', 2), condition('failed', 'Unreachable', 3)];
  expect(worstOf([fine, gone, slow, { ...slow, name: 'clock' }])).toEqual([gone, { ...slow, name: 'clock' }]);
});

describe('a health endpoint answers', () => {
  const outcomes = (log: CheckOutcome['state'], history: CheckOutcome['state']): readonly CheckOutcome[] => [
    { name: 'ping', state: 'ok' },
    { name: 'log', state: log, message: 'no answer' },
    { name: 'history', state: history, message: 'refused' },
  ];
  const excluded = (...names: string[]): ReadonlySet<string> => new Set(names);

  it.each<[string, readonly CheckOutcome[], { only?: string; isVerbose?: boolean; excluded?: ReadonlySet<string> }, number, string]>([
    ['ok where all is', outcomes('ok', 'ok'), {}, 200, 'ok'],
    [
      'each check where that is asked for',
      outcomes('ok', 'ok'),
      { isVerbose: true },
      200,
      '[+]ping ok\n[+]log ok\n[+]history ok\nreadyz check passed\n',
    ],
    [
      'each check where one fails, but not why',
      outcomes('failed', 'ok'),
      {},
      500,
      '[+]ping ok\n[-]log failed: reason withheld\n[+]history ok\nreadyz check failed\n',
    ],
    ['ok where one is degraded', outcomes('ok', 'degraded'), {}, 200, 'ok'],
    [
      'which one is degraded',
      outcomes('ok', 'degraded'),
      { isVerbose: true },
      200,
      '[+]ping ok\n[+]log ok\n[!]history degraded: reason withheld\nreadyz check passed\n',
    ],
    ['ok where what fails is left out', outcomes('failed', 'ok'), { excluded: excluded('log') }, 200, 'ok'],
    [
      'what is left out and what can not be',
      outcomes('failed', 'ok'),
      { isVerbose: true, excluded: excluded('log', 'none') },
      200,
      '[+]ping ok\n[+]log excluded: ok\n[+]history ok\n' +
        'warn: some health checks cannot be excluded: no matches for "none"\nreadyz check passed\n',
    ],
    ['for one check alone that it is ok', outcomes('ok', 'ok'), { only: 'log' }, 200, 'ok'],
    ['for one check alone why it fails', outcomes('failed', 'ok'), { only: 'log' }, 500, 'internal server error: no answer\n'],
    ['for one check alone why it is degraded', outcomes('ok', 'degraded'), { only: 'history' }, 500, 'internal server error: refused\n'],
    ['404 for a check that there is none of', outcomes('ok', 'ok'), { only: 'none' }, 404, '404 page not found\n'],
  ])('%s', (_title, given, asked, code, text) => {
    const question = { endpoint: 'readyz', isVerbose: false, excluded: excluded(), ...asked };
    expect(healthAnswer(question, given)).toEqual({ code, text });
  });
});
