/** How a quantity likes to be written: `1Gi`, `1G`, `1e9`. */
export type QuantityFormat = 'BinarySI' | 'DecimalSI' | 'DecimalExponent';

/** An amount, exact to a billionth (finer ones were rounded away from zero, as upstream does). */
export interface Quantity {
  readonly nano: bigint;
  readonly format: QuantityFormat;
}

/** A quantity, or its text. */
export type QuantityLike = string | Quantity;

/** A text that is no quantity; the message is upstream's. */
export class QuantityFormatError extends Error {
  override readonly name = 'QuantityFormatError';
}

const WRONG_FORMAT = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
const WRONG_NUMBER = 'unable to parse numeric part of quantity';
const WRONG_SUFFIX = "unable to parse quantity's suffix";

const DECIMAL: Readonly<Record<string, number>> = { n: -9, u: -6, m: -3, '': 0, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 };
const BINARY: Readonly<Record<string, number>> = { Ki: 10, Mi: 20, Gi: 30, Ti: 40, Pi: 50, Ei: 60 };
const DECIMAL_SUFFIX = new Map(Object.entries(DECIMAL).map(([suffix, exponent]) => [exponent, suffix]));
const BINARY_SUFFIX = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];

const NANO = 1_000_000_000n;
const MOST_BINARY = ((1n << 63n) - 1n) * NANO;
/** Bounds that keep a hostile text from growing without end; upstream's numbers stay far below. */
const MOST_DIGITS = 1000;
const MOST_EXPONENT = 1000;

const SHAPE = /^([+-]?)(\d*)(?:(\.)(\d*))?([eEinumkKMGTP]*[-+]?\d*)$/;

interface Parts {
  readonly negative: boolean;
  /** Digits before the point, without leading zeros. */
  readonly whole: string;
  /** Digits behind the point. */
  readonly fraction: string;
  readonly base: 2 | 10;
  readonly exponent: number;
  readonly format: QuantityFormat;
}

function suffixOf(suffix: string): Pick<Parts, 'base' | 'exponent' | 'format'> {
  const decimal = DECIMAL[suffix];
  if (decimal !== undefined) return { base: 10, exponent: decimal, format: 'DecimalSI' };
  const binary = BINARY[suffix];
  if (binary !== undefined) return { base: 2, exponent: binary, format: 'BinarySI' };
  const exponent = /^[eE]([-+]?\d+)$/.exec(suffix)?.[1];
  if (exponent === undefined || Math.abs(Number(exponent)) > MOST_EXPONENT) throw new QuantityFormatError(WRONG_SUFFIX);
  return { base: 10, exponent: Number(exponent), format: 'DecimalExponent' };
}

function partsOf(text: string): Parts {
  // The shape is matched in steps that grow with the square of a text's length: what is too long is not even looked at.
  if (text.length > MOST_DIGITS * 2) throw new QuantityFormatError(WRONG_NUMBER);
  const match = SHAPE.exec(text);
  if (!match || text === '') throw new QuantityFormatError(WRONG_FORMAT);
  const [, sign = '', whole = '', point, fraction = '', suffix = ''] = match;
  if (whole === '' && fraction === '' && (point !== undefined || suffix !== '' || sign !== '')) {
    throw new QuantityFormatError(suffix === '' || point !== undefined ? WRONG_NUMBER : WRONG_FORMAT);
  }
  const parts = { negative: sign === '-', whole: whole.replace(/^0+/, ''), fraction, ...suffixOf(suffix) };
  if (parts.whole.length + fraction.length > MOST_DIGITS) throw new QuantityFormatError(WRONG_NUMBER);
  return parts;
}

/** `value / divisor`, rounded away from zero. */
function divideUp(value: bigint, divisor: bigint): bigint {
  const quotient = value / divisor;
  const exact = quotient * divisor === value;
  return exact ? quotient : quotient + (value < 0n ? -1n : 1n);
}

function amountOf({ negative, whole, fraction, base, exponent, format }: Parts): Quantity {
  const digits = BigInt(`${whole}${fraction}` || '0');
  const scale = (base === 10 ? exponent : 0) - fraction.length + 9;
  const factored = base === 2 ? digits << BigInt(exponent) : digits;
  let nano = scale >= 0 ? factored * 10n ** BigInt(scale) : divideUp(factored, 10n ** BigInt(-scale));
  let written = format;
  if (format === 'BinarySI' && nano > MOST_BINARY) nano = MOST_BINARY;
  if (format === 'BinarySI' && nano > 0n && nano < NANO) written = 'DecimalSI';
  return { nano: negative ? -nano : nano, format: written };
}

/** Reads a quantity. Throws QuantityFormatError. */
export const parseQuantity = (text: string): Quantity => amountOf(partsOf(text));

const read = (quantity: QuantityLike): Quantity => (typeof quantity === 'string' ? parseQuantity(quantity) : quantity);

/** How often `factor` divides a value that is not zero. */
function factorsOf(value: bigint, factor: bigint): [rest: bigint, times: number] {
  let rest = value;
  let times = 0;
  while (rest % factor === 0n) {
    rest /= factor;
    times++;
  }
  return [rest, times];
}

/** A quantity as Go writes a computed one: no fraction, the largest suffix that keeps it exact. */
export function formatQuantity({ nano, format }: Quantity): string {
  if (nano === 0n) return '0';
  const small = nano > -1024n * NANO && nano < 1024n * NANO;
  if (format === 'BinarySI' && !small && nano % NANO === 0n) {
    const [rest, times] = factorsOf(nano / NANO, 1024n);
    const most = Math.min(times, BINARY_SUFFIX.length - 1);
    return `${rest * 1024n ** BigInt(times - most)}${BINARY_SUFFIX[most] ?? ''}`;
  }
  const [mantissa, tens] = factorsOf(nano, 10n);
  const exponent = Math.floor((tens - 9) / 3) * 3;
  const number = mantissa * 10n ** BigInt(tens - 9 - exponent);
  if (format === 'DecimalExponent') return exponent === 0 ? `${number}` : `${number}e${exponent}`;
  const known = Math.min(exponent, 18);
  return `${number * 10n ** BigInt(exponent - known)}${DECIMAL_SUFFIX.get(known) ?? ''}`;
}

/** Whether Go keeps a quantity's text as it was written: it is short and seems to be canonical already. */
function keptAsWritten({ whole, fraction, base, exponent, format }: Parts): boolean {
  const digits = (whole === '' ? '0' : whole) + fraction;
  if (base === 2) {
    const room = 15 - digits.length - Math.trunc((exponent * 3) / 10) - 1;
    return fraction === '' && room >= 0 && format === 'BinarySI' && Number(digits) % 8 !== 0;
  }
  const scale = exponent - fraction.length;
  return digits.length <= 18 && scale >= -9 && scale % 3 === 0 && !digits.endsWith('000') && !digits.startsWith('0');
}

const PLAIN = /^[1-9]\d{0,14}[mkMG]?$/;
const ENDS_IN_ZEROS = /000[mkMG]?$/;

/**
 * A quantity's text as it comes back from upstream's decoder: `1000m` as `1`, `0.5` as `500m`, `1024Mi` as `1Gi`.
 * Throws QuantityFormatError.
 */
export function canonicalQuantity(text: string): string {
  if (text === '0' || (PLAIN.test(text) && !ENDS_IN_ZEROS.test(text))) return text;
  const parts = partsOf(text);
  return keptAsWritten(parts) ? text : formatQuantity(amountOf(parts));
}

/** Less than, equal to, or greater than zero as `a` is to `b`. */
export function compareQuantities(a: QuantityLike, b: QuantityLike): number {
  if (a === b) return 0;
  const difference = read(a).nano - read(b).nano;
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

const sum = (left: Quantity, right: Quantity, sign: 1n | -1n): string =>
  formatQuantity({ nano: left.nano + sign * right.nano, format: left.nano === 0n ? right.format : left.format });

/** The sum, written in the format of the first that is not zero. */
export const addQuantities = (a: QuantityLike, b: QuantityLike): string => sum(read(a), read(b), 1n);

/** The difference, written in the format of the first that is not zero. */
export const subtractQuantities = (a: QuantityLike, b: QuantityLike): string => sum(read(a), read(b), -1n);

const MILLI = /^(\d{1,12})m$/;
const WHOLE = /^\d{1,12}$/;

/** In thousandths, rounded away from zero: CPU is counted in these. */
export function milliValue(quantity: QuantityLike): number {
  if (typeof quantity === 'string') {
    if (WHOLE.test(quantity)) return Number(quantity) * 1000;
    const milli = MILLI.exec(quantity)?.[1];
    if (milli !== undefined) return Number(milli);
  }
  return Number(divideUp(read(quantity).nano, 1_000_000n));
}

/** In whole units, rounded away from zero: memory is counted in these. */
export function quantityValue(quantity: QuantityLike): number {
  if (typeof quantity === 'string' && WHOLE.test(quantity)) return Number(quantity);
  return Number(divideUp(read(quantity).nano, NANO));
}
