import { localParts } from '../evaluation/time.js';
import type { Duration, Timestamp, Value } from '../evaluation/values.js';
import { member, type Overload } from './function.js';

const DAY_MS = 86_400_000;

/** A moment's parts by the functions' names; months, days of a week and of a year count from 0, getDate from 1. */
const PARTS: Readonly<Record<string, (at: Date) => number>> = {
  getFullYear: (at) => at.getUTCFullYear(),
  getMonth: (at) => at.getUTCMonth(),
  getDayOfYear: (at) => Math.floor((at.getTime() - Date.UTC(at.getUTCFullYear(), 0, 1)) / DAY_MS),
  getDayOfMonth: (at) => at.getUTCDate() - 1,
  getDate: (at) => at.getUTCDate(),
  getDayOfWeek: (at) => at.getUTCDay(),
  getHours: (at) => at.getUTCHours(),
  getMinutes: (at) => at.getUTCMinutes(),
  getSeconds: (at) => at.getUTCSeconds(),
  getMilliseconds: (at) => at.getUTCMilliseconds(),
};

const UNITS: Readonly<Record<string, bigint>> = {
  getHours: 3_600_000_000_000n,
  getMinutes: 60_000_000_000n,
  getSeconds: 1_000_000_000n,
  getMilliseconds: 1_000_000n,
};

/** The parts of moments and durations. */
export const TIMES: readonly Overload[] = [
  ...Object.entries(PARTS).flatMap(([name, part]) => {
    const call = ([moment, zone]: readonly Value[]): Value => BigInt(part(localParts(moment as Timestamp, zone as string | undefined)));
    return [member(`timestamp.${name}(): int`, call), member(`timestamp.${name}(string): int`, call)];
  }),
  ...Object.entries(UNITS).map(([name, unit]) =>
    member(`duration.${name}(): int`, ([duration]) => {
      const { ns } = duration as Duration;
      return name === 'getMilliseconds' ? (ns % 1_000_000_000n) / unit : ns / unit;
    }),
  ),
];
