/** A number, or a percentage such as `25%`. */
export type IntOrPercent = number | string;

/**
 * A number, or a percentage of `total` rounded up or down: upstream's GetScaledValueFromIntOrPercent.
 * Throws a RangeError for a string that is no percentage: validation has refused it before.
 */
export function scaledValue(value: IntOrPercent, total: number, roundUp: boolean): number {
  if (typeof value === 'number') return value;
  const percent = /^([+-]?\d+)%$/.exec(value)?.[1];
  if (percent === undefined) throw new RangeError('invalid value for IntOrString: invalid type: string is not a percentage');
  const scaled = (Number(percent) * total) / 100;
  return roundUp ? Math.ceil(scaled) : Math.floor(scaled);
}
