import { DYN, type CelType } from '../types.js';

/** What type variables were found to stand for, while one expression is checked. */
export class Substitution {
  private mapping = new Map<string, CelType>();
  private count = 0;

  /** A variable that nothing is known of yet. */
  fresh(): CelType {
    return { kind: 'param', name: `_var${this.count++}` };
  }

  /** A signature's types with variables of their own in place of its parameters. */
  instantiate(types: readonly CelType[]): readonly CelType[] {
    const own = new Map<string, CelType>();
    const replace = (type: CelType): CelType => {
      if (type.kind !== 'param') return mapParts(type, replace);
      const found = own.get(type.name) ?? this.fresh();
      own.set(type.name, found);
      return found;
    };
    return types.map(replace);
  }

  /** A type with what is known filled in; `final`: what is not known is dyn. */
  resolve(type: CelType, final = false): CelType {
    if (type.kind !== 'param') return mapParts(type, (part) => this.resolve(part, final));
    const found = this.mapping.get(type.name);
    if (found) return this.resolve(found, final);
    return final ? DYN : type;
  }

  /** Whether each actual type can stand where the expected one is; what that says of variables is kept only where all can. */
  assign(expected: readonly CelType[], actual: readonly CelType[]): boolean {
    const before = this.mapping;
    this.mapping = new Map(before);
    if (expected.length === actual.length && expected.every((type, i) => this.fits(type, actual[i] as CelType))) return true;
    this.mapping = before;
    return false;
  }

  private bind(name: string, type: CelType): boolean {
    if (type.kind === 'param' && type.name === name) return true;
    if (mentions(type, name)) return false;
    this.mapping.set(name, type);
    return true;
  }

  private fits(expected: CelType, actual: CelType): boolean {
    const a = this.resolve(expected);
    const b = this.resolve(actual);
    if (b.kind === 'param') return this.bind(b.name, a);
    if (a.kind === 'param') return this.bind(a.name, b);
    if (a.kind === 'dyn' || b.kind === 'dyn' || a.kind === 'error' || b.kind === 'error') return true;
    if (a.kind === 'null' || b.kind === 'null') return a.kind === b.kind || nullable(a) || nullable(b);
    if (a.kind === 'list') return b.kind === 'list' && this.fits(a.element, b.element);
    if (a.kind === 'map') return b.kind === 'map' && this.fits(a.key, b.key) && this.fits(a.value, b.value);
    if (a.kind === 'optional') return b.kind === 'optional' && this.fits(a.of, b.of);
    if (a.kind === 'opaque' || a.kind === 'object') return (b.kind === 'opaque' || b.kind === 'object') && a.name === b.name;
    return a.kind === b.kind;
  }
}

const nullable = ({ kind }: CelType): boolean => kind === 'object' || kind === 'opaque' || kind === 'timestamp' || kind === 'duration';

function mapParts(type: CelType, map: (part: CelType) => CelType): CelType {
  switch (type.kind) {
    case 'list': {
      const element = map(type.element);
      return element === type.element ? type : { ...type, element };
    }
    case 'map': {
      const key = map(type.key);
      const value = map(type.value);
      return key === type.key && value === type.value ? type : { ...type, key, value };
    }
    case 'optional': {
      const of = map(type.of);
      return of === type.of ? type : { kind: 'optional', of };
    }
    default:
      return type;
  }
}

function mentions(type: CelType, name: string): boolean {
  if (type.kind === 'param') return type.name === name;
  if (type.kind === 'list') return mentions(type.element, name);
  if (type.kind === 'map') return mentions(type.key, name) || mentions(type.value, name);
  return type.kind === 'optional' && mentions(type.of, name);
}
