import {
  addQuantities,
  compareQuantities,
  parseQuantity,
  QuantityFormatError,
  subtractQuantities,
  type Quantity,
} from '#libs/apimachinery';
import { CelError, Double, MAX_INT, MIN_INT, Opaque, type Value } from '../evaluation/values.js';
import { global, member, type CostOf, type Overload } from './function.js';
import { TRAVERSAL } from './operators.js';

const NANO = 1_000_000_000n;

/** A quantity that an expression computes with. */
export class QuantityValue extends Opaque {
  readonly type = 'kubernetes.Quantity';
  constructor(readonly quantity: Quantity) {
    super();
  }
  equals(other: Opaque): boolean {
    return other instanceof QuantityValue && compareQuantities(this.quantity, other.quantity) === 0;
  }
}

function read(text: string): Quantity | QuantityFormatError {
  try {
    return parseQuantity(text);
  } catch (thrown) {
    if (thrown instanceof QuantityFormatError) return thrown;
    throw thrown;
  }
}

function quantity(text: string): QuantityValue {
  const found = read(text);
  if (found instanceof QuantityFormatError) throw new CelError(found.message);
  return new QuantityValue(found);
}

const q = (value: Value | undefined): Quantity => (value as QuantityValue).quantity;
const ofInt = (value: Value | undefined): Quantity => ({ nano: (value as bigint) * NANO, format: 'DecimalSI' });
const computed = (text: string): QuantityValue => new QuantityValue(parseQuantity(text));
const isInteger = ({ nano }: Quantity): boolean => nano % NANO === 0n && nano / NANO <= MAX_INT && nano / NANO >= MIN_INT;
const ofText: CostOf = ([text]) => Math.ceil((text as string).length * TRAVERSAL);
const TYPE = 'kubernetes.Quantity';

/** Kubernetes' quantities. */
export const QUANTITIES: readonly Overload[] = [
  global(`quantity(string): ${TYPE}`, ([text]) => quantity(text as string), ofText),
  global('isQuantity(string): bool', ([text]) => !(read(text as string) instanceof QuantityFormatError), ofText),
  // Upstream declares it as a plain function and as a member by one overload; expressions write the member.
  global(`sign(${TYPE}): int`, ([a]) => BigInt(compareQuantities(q(a), '0'))),
  member(`${TYPE}.sign(): int`, ([a]) => BigInt(compareQuantities(q(a), '0'))),
  member(`${TYPE}.isInteger(): bool`, ([a]) => isInteger(q(a))),
  member(`${TYPE}.asInteger(): int`, ([a]) => {
    if (!isInteger(q(a))) throw new CelError('cannot convert value to integer');
    return q(a).nano / NANO;
  }),
  member(`${TYPE}.asApproximateFloat(): double`, ([a]) => new Double(Number(q(a).nano) / Number(NANO))),
  member(`${TYPE}.isGreaterThan(${TYPE}): bool`, ([a, b]) => compareQuantities(q(a), q(b)) > 0),
  member(`${TYPE}.isLessThan(${TYPE}): bool`, ([a, b]) => compareQuantities(q(a), q(b)) < 0),
  member(`${TYPE}.compareTo(${TYPE}): int`, ([a, b]) => BigInt(compareQuantities(q(a), q(b)))),
  member(`${TYPE}.add(${TYPE}): ${TYPE}`, ([a, b]) => computed(addQuantities(q(a), q(b)))),
  member(`${TYPE}.add(int): ${TYPE}`, ([a, b]) => computed(addQuantities(q(a), ofInt(b)))),
  member(`${TYPE}.sub(${TYPE}): ${TYPE}`, ([a, b]) => computed(subtractQuantities(q(a), q(b)))),
  member(`${TYPE}.sub(int): ${TYPE}`, ([a, b]) => computed(subtractQuantities(q(a), ofInt(b)))),
];
