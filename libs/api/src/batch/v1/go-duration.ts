import { quoted } from '#libs/apimachinery';

const UNITS: Readonly<Record<string, number>> = { ns: 1e-6, us: 1e-3, µs: 1e-3, μs: 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
const MOST_MS = 2 ** 63 / 1e6;

/** A text that is no length of time, in the words of Go's time.ParseDuration. */
export class DurationError extends Error {}

/** A length of time as Go writes it, such as `1h30m`, in milliseconds. Throws a DurationError. */
export function parseGoDuration(text: string): number {
  const invalid = new DurationError(`time: invalid duration ${quoted(text)}`);
  const negative = text.startsWith('-');
  let rest = text.replace(/^[+-]/, '');
  if (rest === '0') return 0;
  if (rest === '') throw invalid;
  let ms = 0;
  while (rest !== '') {
    const number = /^(\d+\.?\d*|\.\d+)/.exec(rest)?.[0];
    if (number === undefined) throw invalid;
    rest = rest.slice(number.length);
    const unit = /^[^\d.]+/.exec(rest)?.[0];
    if (unit === undefined) throw new DurationError(`time: missing unit in duration ${quoted(text)}`);
    const scale = UNITS[unit];
    if (scale === undefined) throw new DurationError(`time: unknown unit ${quoted(unit)} in duration ${quoted(text)}`);
    rest = rest.slice(unit.length);
    ms += Number(number) * scale;
    if (ms >= MOST_MS) throw invalid;
  }
  return negative ? -ms : ms;
}
