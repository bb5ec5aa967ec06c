import { LogUnavailable } from '#libs/log';
import { AnswerLost } from './jetstream/wire.js';
import { isUnreachable } from './unreachable.js';

const coded = (code: string, message = 'no'): Error => Object.assign(new Error(message), { code });

describe('a server can not be reached', () => {
  it.each<[string, unknown, boolean]>([
    ['where the port is closed', coded('ECONNREFUSED'), true],
    ['where nats says so', coded('CONNECTION_REFUSED'), true],
    ['where every address fails', new AggregateError([coded('ECONNREFUSED'), coded('ECONNREFUSED')]), true],
    ['while the database starts', coded('57P03', 'the database system is starting up'), true],
    ['where the database does not answer in time', new Error('timeout exceeded when trying to connect'), true],
    ['where the database ends the connection', new Error('Connection terminated unexpectedly'), true],
    [
      'where the connection to the database broke before',
      new Error('Client has encountered a connection error and is not queryable'),
      true,
    ],
    ['where the log does not answer', new AnswerLost('no answer in time'), true],
    ['where the log is unavailable', new LogUnavailable('no'), true],
    ['where that is the cause', new Error('opening', { cause: coded('ECONNREFUSED') }), true],
    ['but not where the password is wrong', coded('28P01', 'password authentication failed'), false],
    ['but not where nats refuses the user', coded('AUTHORIZATION_VIOLATION'), false],
    ['but not where a table is missing', coded('42P01'), false],
    ['but not because of a bug', new TypeError('undefined is not a function'), false],
    ['but not because of what is no error', 'ECONNREFUSED', false],
  ])('%s', (_title, error, expected) => {
    expect(isUnreachable(error)).toBe(expected);
  });
});
