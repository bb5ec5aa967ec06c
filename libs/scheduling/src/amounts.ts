import { milliValue, quantityValue } from '#libs/apimachinery';

/** Amounts of resources as numbers: cpu in thousandths of a core, everything else in its own unit (bytes, pieces). */
export type Amounts = Readonly<Record<string, number>>;

/** What a manifest's resource list says. */
export function amountsOf(list: Readonly<Record<string, string>> | undefined): Amounts {
  const amounts: Record<string, number> = {};
  for (const [name, quantity] of Object.entries(list ?? {}))
    amounts[name] = name === 'cpu' ? milliValue(quantity) : quantityValue(quantity);
  return amounts;
}

/** Adds amounts to a sum, or with `sign` -1 takes them away; what comes to nothing is left out. */
export function addInto(sum: Record<string, number>, amounts: Amounts, sign: 1 | -1): void {
  for (const name of Object.keys(amounts)) {
    const value = (sum[name] ?? 0) + sign * (amounts[name] ?? 0);
    if (value === 0) delete sum[name];
    else sum[name] = value;
  }
}
