import { toStatus } from '#libs/apimachinery';
import { EventTooLarge, LogUnavailable } from '#libs/log';
import { unavailableAs503 } from './ground.js';

const bug = new TypeError('a bug');

describe('what a write is answered when the log does not take it', () => {
  it.each<[string, Error, number, string, number | undefined]>([
    ['nobody answers', new LogUnavailable('x'), 503, 'the event log is unavailable, please try again later', 1],
    ['too much waits', new LogUnavailable('x', { reason: 'Overloaded' }), 503, 'the event log is unavailable, please try again later', 1],
    ['its disk is full', new LogUnavailable('x', { reason: 'NoSpace' }), 503, 'the event log has no space left, please try again later', 1],
    ['it is larger than an event may be', new EventTooLarge('s', 9, 5), 413, 'Request entity too large: limit is 5', undefined],
  ])('%s', (_title, thrown, code, message, retryAfterSeconds) => {
    const status = toStatus(unavailableAs503(thrown));
    expect([status.code, status.message, status.details?.retryAfterSeconds]).toEqual([code, message, retryAfterSeconds]);
  });

  it('is nothing where something else is wrong', () => {
    expect(unavailableAs503(bug)).toBe(bug);
  });
});
