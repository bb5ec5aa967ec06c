import { CronScheduleError, nextScheduleTime, parseCronSchedule } from './cron-schedule.js';

const next = (schedule: string, after: string, zone?: string): string => {
  const at = nextScheduleTime(parseCronSchedule(schedule), Date.parse(after), zone);
  return at === undefined ? 'never' : new Date(at).toISOString().replace('.000', '');
};

describe('the next time of a schedule', () => {
  it.each([
    ['* * * * *', '2026-01-01T00:00:00Z', '2026-01-01T00:01:00Z'],
    ['* * * * *', '2026-01-01T00:00:59Z', '2026-01-01T00:01:00Z'],
    ['*/15 * * * *', '2026-01-01T00:16:00Z', '2026-01-01T00:30:00Z'],
    ['5/20 * * * *', '2026-01-01T00:26:00Z', '2026-01-01T00:45:00Z'],
    ['0 9-17/4 * * *', '2026-01-01T09:00:00Z', '2026-01-01T13:00:00Z'],
    ['30 6 1,15 * *', '2026-01-02T00:00:00Z', '2026-01-15T06:30:00Z'],
    ['0 0 1 jan *', '2026-01-01T00:00:00Z', '2027-01-01T00:00:00Z'],
    ['0 12 * * mon', '2026-01-01T00:00:00Z', '2026-01-05T12:00:00Z'],
    ['0 0 13 * 5', '2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z'],
    ['0 0 13 * ?', '2026-01-01T00:00:00Z', '2026-01-13T00:00:00Z'],
    ['0 0 29 2 *', '2026-01-01T00:00:00Z', '2028-02-29T00:00:00Z'],
    ['0 0 31 2 *', '2026-01-01T00:00:00Z', 'never'],
    ['@hourly', '2026-01-01T00:10:00Z', '2026-01-01T01:00:00Z'],
    ['@weekly', '2026-01-01T00:10:00Z', '2026-01-04T00:00:00Z'],
    ['@every 90m', '2026-01-01T00:10:00Z', '2026-01-01T01:40:00Z'],
    ['@every 1ms', '2026-01-01T00:10:00Z', '2026-01-01T00:10:01Z'],
    ['TZ=Europe/Berlin 0 12 * * *', '2026-01-01T00:00:00Z', '2026-01-01T11:00:00Z'],
  ])('%s after %s is %s', (schedule, after, expected) => {
    expect(next(schedule, after)).toBe(expected);
  });

  it.each([
    ['is by the clocks of its zone', '0 9 * * *', 'America/New_York', '2026-01-01T00:00:00Z', '2026-01-01T14:00:00Z'],
    ['follows the clocks into summer', '0 9 * * *', 'America/New_York', '2026-07-01T00:00:00Z', '2026-07-01T13:00:00Z'],
    ['is not where clocks skip it', '30 2 * * *', 'America/New_York', '2026-03-08T05:00:00Z', '2026-03-09T06:30:00Z'],
    ['comes where clocks show it', '30 1 * * *', 'America/New_York', '2026-11-01T04:00:00Z', '2026-11-01T05:30:00Z'],
    ['comes again where they show it again', '30 1 * * *', 'America/New_York', '2026-11-01T05:30:00Z', '2026-11-01T06:30:00Z'],
    ['is found where clocks go forward at midnight', '30 5 * * *', 'Africa/Cairo', '2026-04-23T12:00:00Z', '2026-04-24T02:30:00Z'],
    ['knows offsets of half an hour', '0 0 * * *', 'Asia/Kolkata', '2026-01-01T00:00:00Z', '2026-01-01T18:30:00Z'],
  ])('%s', (_rule, schedule, zone, after, expected) => {
    expect(next(schedule, after, zone)).toBe(expected);
  });
});

describe('what is no schedule', () => {
  it.each([
    ['error', 'expected exactly 5 fields, found 1: [error]'],
    ['0 0 * * * *', 'expected exactly 5 fields, found 6: [0 0 * * * *]'],
    ['60 * * * *', 'end of range (60) above maximum (59): 60'],
    ['* * 0 * *', 'beginning of range (0) below minimum (1): 0'],
    ['* * * * 7', 'end of range (7) above maximum (6): 7'],
    ['5-3 * * * *', 'beginning of range (5) beyond end of range (3): 5-3'],
    ['*/0 * * * *', 'step of range should be a positive number: */0'],
    ['a * * * *', 'failed to parse int from a: strconv.Atoi: parsing "a": invalid syntax'],
    ['1-2-3 * * * *', 'too many hyphens: 1-2-3'],
    ['1/2/3 * * * *', 'too many slashes: 1/2/3'],
    ['@often', 'unrecognized descriptor: @often'],
    ['@every 5', 'failed to parse duration @every 5: time: missing unit in duration "5"'],
    ['@every 5d', 'failed to parse duration @every 5d: time: unknown unit "d" in duration "5d"'],
    ['@every x', 'failed to parse duration @every x: time: invalid duration "x"'],
    ['TZ=Nowhere/Land * * * * *', 'provided bad location Nowhere/Land: unknown time zone Nowhere/Land'],
  ])('%s is refused', (schedule, message) => {
    expect(() => parseCronSchedule(schedule)).toThrow(new CronScheduleError(message));
  });
});
