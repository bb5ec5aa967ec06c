import { CelError, Opaque, type Value } from '../evaluation/values.js';
import { global, member, type CostOf, type Overload } from './function.js';
import { TRAVERSAL } from './operators.js';

interface Version {
  readonly numbers: readonly [bigint, bigint, bigint];
  readonly pre: readonly string[];
}

const STRICT = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-([0-9A-Za-z.-]+))?(?:\+([0-9A-Za-z.-]+))?$/;
const NUMBER = /^\d+$/;

function parse(text: string): Version | undefined {
  const found = STRICT.exec(text);
  if (!found) return undefined;
  const pre = found[4]?.split('.') ?? [];
  if (pre.some((part) => part === '' || (NUMBER.test(part) && part.length > 1 && part.startsWith('0')))) return undefined;
  return { numbers: [BigInt(found[1] ?? 0), BigInt(found[2] ?? 0), BigInt(found[3] ?? 0)], pre };
}

/** A version as people write it (`v1.2`) as a strict one. */
function normalized(text: string): string {
  const found = /^v?(\d+)(?:\.(\d+))?(?:\.(\d+))?(.*)$/.exec(text);
  if (!found) return text;
  const number = (digits: string | undefined): string => (digits ?? '0').replace(/^0+(?=\d)/, '');
  return `${number(found[1])}.${number(found[2])}.${number(found[3])}${found[4] ?? ''}`;
}

function comparePre(a: string | undefined, b: string | undefined): number {
  if (a === undefined || b === undefined) return a === b ? 0 : a === undefined ? -1 : 1;
  const numeric = [NUMBER.test(a), NUMBER.test(b)];
  if (numeric[0] && numeric[1]) return BigInt(a) < BigInt(b) ? -1 : BigInt(a) > BigInt(b) ? 1 : 0;
  if (numeric[0] !== numeric[1]) return numeric[0] ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}

function compare(a: Version, b: Version): number {
  for (let i = 0; i < 3; i++) {
    const [left = 0n, right = 0n] = [a.numbers[i], b.numbers[i]];
    if (left !== right) return left < right ? -1 : 1;
  }
  if (a.pre.length === 0 || b.pre.length === 0) return Math.sign(b.pre.length - a.pre.length);
  for (let i = 0; i < Math.max(a.pre.length, b.pre.length); i++) {
    const difference = comparePre(a.pre[i], b.pre[i]);
    if (difference !== 0) return difference;
  }
  return 0;
}

class SemverValue extends Opaque {
  readonly type = 'kubernetes.Semver';
  constructor(readonly version: Version) {
    super();
  }
  equals(other: Opaque): boolean {
    return other instanceof SemverValue && compare(this.version, other.version) === 0;
  }
}

function semver(text: string): SemverValue {
  const version = parse(text);
  if (!version)
    throw new CelError(
      /^[\d.]*$/.test(text)
        ? 'No Major.Minor.Patch elements found'
        : `Invalid character(s) found in version number ${JSON.stringify(text)}`,
    );
  return new SemverValue(version);
}

const v = (value: Value | undefined): Version => (value as SemverValue).version;
const ofText: CostOf = ([text]) => Math.ceil((text as string).length * TRAVERSAL);
const chosen = ([text, normalize]: readonly Value[]): string => (normalize === true ? normalized(text as string) : (text as string));
const TYPE = 'kubernetes.Semver';

/** Kubernetes' semantic versions. */
export const SEMVER: readonly Overload[] = [
  ...['string', 'string, bool'].flatMap((args) => [
    global(`semver(${args}): ${TYPE}`, (given) => semver(chosen(given)), ofText),
    global(`isSemver(${args}): bool`, (given) => parse(chosen(given)) !== undefined, ofText),
  ]),
  member(`${TYPE}.isGreaterThan(${TYPE}): bool`, ([a, b]) => compare(v(a), v(b)) > 0),
  member(`${TYPE}.isLessThan(${TYPE}): bool`, ([a, b]) => compare(v(a), v(b)) < 0),
  member(`${TYPE}.compareTo(${TYPE}): int`, ([a, b]) => BigInt(compare(v(a), v(b)))),
  ...['major', 'minor', 'patch'].map((name, i) => member(`${TYPE}.${name}(): int`, ([a]) => v(a).numbers[i] ?? 0n)),
];
