import type { Taint, Toleration } from '../../generated/types.js';

/** Whether a toleration covers a taint: upstream's Toleration.ToleratesTaint. */
export function tolerates({ effect, key, operator, value }: Toleration, taint: Taint): boolean {
  if (effect && effect !== taint.effect) return false;
  if (key && key !== taint.key) return false;
  switch (operator ?? 'Equal') {
    case '':
    case 'Equal':
      return key !== undefined && key !== '' && (value ?? '') === (taint.value ?? '');
    case 'Exists':
      return true;
    case 'Gt':
    case 'Lt':
      return compares(operator === 'Gt', value, taint.value);
    default:
      return false;
  }
}

/** A numeric toleration: the taint's value is greater, or less, than the toleration's. */
function compares(greater: boolean, wanted: string | undefined, actual: string | undefined): boolean {
  const integer = /^-?\d+$/;
  if (!integer.test(wanted ?? '') || !integer.test(actual ?? '')) return false;
  return greater ? BigInt(actual ?? '0') > BigInt(wanted ?? '0') : BigInt(actual ?? '0') < BigInt(wanted ?? '0');
}
