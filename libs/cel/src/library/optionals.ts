import { entriesOf, sizeOf } from '../evaluation/inspect.js';
import { CelError, Double, Optional, Uint, type Value } from '../evaluation/values.js';
import { global, member, type Overload } from './function.js';

const isZero = (value: Value): boolean =>
  value === null ||
  value === false ||
  value === 0n ||
  value === '' ||
  (value instanceof Double && value.value === 0) ||
  (value instanceof Uint && value.value === 0n) ||
  ((Array.isArray(value) || value instanceof Uint8Array || entriesOf(value) !== undefined) && sizeOf(value) === 0);

const orElse = ({ value }: Optional, other: Value): Value => (value === undefined ? other : value);

/** Optional values. or() and orValue() evaluate both sides, which differs only in what it costs. */
export const OPTIONALS: readonly Overload[] = [
  global('optional.of(A): optional<A>', ([value]) => new Optional(value)),
  global('optional.ofNonZeroValue(A): optional<A>', ([value]) => (isZero(value as Value) ? Optional.NONE : new Optional(value))),
  global('optional.none(): optional<A>', () => Optional.NONE),
  member('optional<A>.hasValue(): bool', ([from]) => (from as Optional).value !== undefined),
  member('optional<A>.value(): A', ([from]) => {
    const { value } = from as Optional;
    if (value === undefined) throw new CelError('optional.none() dereference');
    return value;
  }),
  member('optional<A>.or(optional<A>): optional<A>', ([from, other]) =>
    (from as Optional).value === undefined ? (other as Optional) : (from as Optional),
  ),
  member('optional<A>.orValue(A): A', ([from, other]) => orElse(from as Optional, other as Value)),
];
