import { zoneOffsetMs } from '#libs/apimachinery';
import { CelError, Duration, MAX_INT, MIN_INT, Timestamp } from './values.js';

const UNITS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  μs: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};
const SECOND = 1_000_000_000n;
const RFC3339 = /^(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(?:[.,](\d+))?(?:([Zz])|([+-])(\d{2}):(\d{2}))$/;
/** Years 1 to 9999, as protobuf's Timestamp. */
const MIN_MOMENT = -62_135_596_800n * SECOND;
const MAX_MOMENT = 253_402_300_799n * SECOND + SECOND - 1n;

/** Go's time.ParseDuration; undefined where the text is none. */
export function parseDuration(text: string): Duration | undefined {
  const found = /^([+-])?((?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+|0)$/.exec(text);
  if (!found) return undefined;
  let total = 0n;
  for (const [, whole = '', fraction = '', unit = ''] of (found[2] ?? '').matchAll(/(\d*)(?:\.(\d*))?(ns|us|µs|μs|ms|s|m|h)/g)) {
    const scale = UNITS[unit] ?? 0n;
    total += BigInt(whole || '0') * scale + (fraction === '' ? 0n : (BigInt(fraction) * scale) / 10n ** BigInt(fraction.length));
  }
  if (total > MAX_INT) return undefined;
  return new Duration(found[1] === '-' ? -total : total);
}

/** An RFC 3339 moment; undefined where the text is none. */
export function parseTimestamp(text: string): Timestamp | undefined {
  const found = RFC3339.exec(text);
  if (!found) return undefined;
  const [
    ,
    year = '',
    month = '',
    day = '',
    hour = '',
    minute = '',
    second = '',
    fraction = '',
    ,
    sign,
    offsetHours = '0',
    offsetMinutes = '0',
  ] = found;
  const numbers = [year, month, day, hour, minute, second].map(Number) as [number, number, number, number, number, number];
  const at = new Date(0);
  at.setUTCFullYear(numbers[0], numbers[1] - 1, numbers[2]);
  at.setUTCHours(numbers[3], numbers[4], numbers[5]);
  const same =
    at.getUTCMonth() === numbers[1] - 1 &&
    at.getUTCDate() === numbers[2] &&
    at.getUTCHours() === numbers[3] &&
    at.getUTCMinutes() === numbers[4];
  if (!same || at.getUTCSeconds() !== numbers[5]) return undefined;
  const shift = (Number(offsetHours) * 60 + Number(offsetMinutes)) * (sign === '-' ? -60 : 60);
  const seconds = BigInt(at.getTime() / 1000 - shift);
  return new Timestamp(seconds * SECOND + BigInt(fraction.slice(0, 9).padEnd(9, '0')));
}

export function checkedTimestamp(ns: bigint): Timestamp {
  if (ns < MIN_MOMENT || ns > MAX_MOMENT) throw new CelError('timestamp overflow');
  return new Timestamp(ns);
}

export function checkedDuration(ns: bigint): Duration {
  if (ns > MAX_INT || ns < MIN_INT) throw new CelError('duration overflow');
  return new Duration(ns);
}

/** Go's floor division: what is before 1970 counts downwards. */
const floorDivide = (a: bigint, b: bigint): bigint => (a % b < 0n ? a / b - 1n : a / b);
export const secondsOf = ({ ns }: Timestamp): bigint => floorDivide(ns, SECOND);

const trimmed = (nanos: bigint): string => {
  const text = nanos.toString().padStart(9, '0').replace(/0+$/, '');
  return text === '' ? '' : `.${text}`;
};

/** RFC 3339 with as many digits of the second as are needed, in UTC. */
export function formatTimestamp(moment: Timestamp): string {
  const seconds = secondsOf(moment);
  return `${new Date(Number(seconds) * 1000).toISOString().slice(0, 19)}${trimmed(moment.ns - seconds * SECOND)}Z`;
}

/** CEL's string(duration): seconds with an `s`. */
export function formatDuration({ ns }: Duration): string {
  const size = ns < 0n ? -ns : ns;
  return `${ns < 0n ? '-' : ''}${size / SECOND}${trimmed(size % SECOND)}s`;
}

/** The moment's parts in a zone: an offset such as `-08:00`, or a name of the IANA database. */
export function localParts(moment: Timestamp, zone: string | undefined): Date {
  const ms = Number(secondsOf(moment)) * 1000 + Number((moment.ns - secondsOf(moment) * SECOND) / 1_000_000n);
  if (zone === undefined || zone === '' || zone === 'UTC') return new Date(ms);
  const offset = /^([+-])?(\d{1,2}):(\d{2})$/.exec(zone);
  if (offset) return new Date(ms + (offset[1] === '-' ? -1 : 1) * (Number(offset[2]) * 60 + Number(offset[3])) * 60_000);
  return new Date(ms + zoneOffset(ms, zone));
}

function zoneOffset(ms: number, zone: string): number {
  try {
    return zoneOffsetMs(zone, ms);
  } catch {
    throw new CelError(`unknown time zone ${zone}`);
  }
}
