import { pauseBetween } from './pace.js';

it.each([
  ['its own pace', 1_000, 1_500, 1, { waitMs: 500, skippedMs: 0 }],
  ['ten times as fast', 1_000, 11_000, 10, { waitMs: 1_000, skippedMs: 0 }],
  ['as fast as it goes', 1_000, 9_000_000, Infinity, { waitMs: 0, skippedMs: 0 }],
  ['its own pace, but no long silence', 0, 62_000, 1, { waitMs: 2_000, skippedMs: 60_000 }],
  ['ten times as fast, but no long silence', 0, 3_600_000, 10, { waitMs: 2_000, skippedMs: 3_580_000 }],
  ['no time backwards', 2_000, 1_000, 1, { waitMs: 0, skippedMs: 0 }],
])('events follow at %s', (_how, before, next, speed, pause) => {
  expect(pauseBetween(before, next, speed)).toEqual(pause);
});
