import { isJsonObject } from '#libs/apimachinery';

/** A part of a path, applied to all that the parts before have found. */
type Step = (values: readonly unknown[]) => readonly unknown[];

/** A path that can't be read. */
export class JsonPathError extends Error {
  override readonly name = 'JsonPathError';
}

/** Most values that one part of a path may yield. */
const MOST_VALUES = 10_000;
const MOST_STEPS = 100;

const members = (value: unknown): readonly unknown[] =>
  Array.isArray(value) ? (value as readonly unknown[]) : isJsonObject(value) ? Object.values(value) : [];

const field =
  (name: string): Step =>
  (values) =>
    values.flatMap((value) => (isJsonObject(value) && Object.hasOwn(value, name) ? [value[name]] : []));

const wildcard: Step = (values) => values.flatMap(members);

const slice = (from: number | undefined, to: number | undefined, by: number): Step => {
  return (values) =>
    values.flatMap((value) => {
      if (!Array.isArray(value)) return [];
      const list: readonly unknown[] = value;
      const cut = list.slice(from, to);
      return by === 1 ? cut : cut.filter((_, index) => index % by === 0);
    });
};

const index = (at: number): Step => {
  return (values) =>
    values.flatMap((value) => {
      if (!Array.isArray(value)) return [];
      const list: readonly unknown[] = value;
      const place = at < 0 ? list.length + at : at;
      return place >= 0 && place < list.length ? [list[place]] : [];
    });
};

const everyField = (name: string): Step => {
  const descend = (value: unknown, found: unknown[], depth: number): void => {
    if (depth > MOST_STEPS || found.length >= MOST_VALUES) return;
    if (isJsonObject(value) && Object.hasOwn(value, name)) found.push(value[name]);
    for (const member of members(value)) descend(member, found, depth + 1);
  };
  return (values) => {
    const found: unknown[] = [];
    for (const value of values) descend(value, found, 0);
    return found;
  };
};

const OPERATORS: Readonly<Record<string, (a: unknown, b: unknown) => boolean>> = {
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '<': (a, b) => typeof a === typeof b && (a as number) < (b as number),
  '<=': (a, b) => typeof a === typeof b && (a as number) <= (b as number),
  '>': (a, b) => typeof a === typeof b && (a as number) > (b as number),
  '>=': (a, b) => typeof a === typeof b && (a as number) >= (b as number),
};

/** Reads a path's text from left to right. */
class Parser {
  #at = 0;

  constructor(private readonly text: string) {}

  steps(): readonly Step[] {
    const steps: Step[] = [];
    if (this.text[this.#at] === '$' || this.text[this.#at] === '@') this.#at += 1;
    while (this.#at < this.text.length) {
      if (steps.length >= MOST_STEPS) throw new JsonPathError('the path is too long');
      const step = this.#step();
      if (step) steps.push(step);
    }
    return steps;
  }

  #step(): Step | undefined {
    const char = this.text[this.#at];
    if (char === '[') return this.#bracket();
    if (char !== '.') throw new JsonPathError(`unrecognized character in action: ${JSON.stringify(char)}`);
    this.#at += 1;
    const recursive = this.text[this.#at] === '.';
    if (recursive) this.#at += 1;
    if (this.text[this.#at] === '*') {
      this.#at += 1;
      return wildcard;
    }
    const name = this.#name();
    if (name === '') return undefined;
    return recursive ? everyField(name) : field(name);
  }

  #name(): string {
    let name = '';
    for (; this.#at < this.text.length; this.#at += 1) {
      const char = this.text[this.#at] as string;
      if (char === '\\') {
        this.#at += 1;
        name += this.text[this.#at] ?? '';
      } else if ('.[] {}'.includes(char)) break;
      else name += char;
    }
    return name;
  }

  #bracket(): Step {
    const end = this.#closing();
    const inner = this.text.slice(this.#at + 1, end);
    this.#at = end + 1;
    if (inner === '*') return wildcard;
    const quoted = /^(['"])(.*)\1$/s.exec(inner);
    if (quoted) return field((quoted[2] ?? '').replace(/\\(.)/g, '$1'));
    const filter = /^\?\((.*)\)$/s.exec(inner);
    if (filter) return filterOf(filter[1] ?? '');
    if (/^-?\d+$/.test(inner)) return index(Number(inner));
    const range = /^(-?\d+)?:(-?\d+)?(?::(\d+))?$/.exec(inner);
    if (!range) throw new JsonPathError(`invalid array index ${inner}`);
    const [, from, to, by] = range;
    return slice(from === undefined ? undefined : Number(from), to === undefined ? undefined : Number(to), Math.max(1, Number(by ?? 1)));
  }

  /** Where the bracket ends, quoted text skipped. */
  #closing(): number {
    let quote = '';
    let depth = 0;
    for (let at = this.#at; at < this.text.length; at += 1) {
      const char = this.text[at] as string;
      if (char === '\\') at += 1;
      else if (quote !== '') quote = char === quote ? '' : quote;
      else if (char === '"' || char === "'") quote = char;
      else if (char === '[') depth += 1;
      else if (char === ']' && (depth -= 1) === 0) return at;
    }
    throw new JsonPathError('unterminated array');
  }
}

type Operand = (value: unknown) => readonly unknown[];

function operandOf(text: string): Operand {
  const trimmed = text.trim();
  const quoted = /^(['"])(.*)\1$/s.exec(trimmed);
  if (quoted) return () => [(quoted[2] ?? '').replace(/\\(.)/g, '$1')];
  if (/^-?\d+(\.\d+)?$/.test(trimmed)) return () => [Number(trimmed)];
  if (trimmed === 'true' || trimmed === 'false') return () => [trimmed === 'true'];
  const find = compileJsonPath(trimmed);
  return (value) => find(value);
}

function filterOf(text: string): Step {
  const match = /^((?:[^'"=!<>]|'[^']*'|"[^"]*")*)(==|!=|<=|>=|<|>)(.*)$/s.exec(text);
  if (!match) {
    const find = operandOf(text);
    return (values) => values.flatMap(members).filter((value) => find(value).length > 0);
  }
  const left = operandOf(match[1] ?? '');
  const right = operandOf(match[3] ?? '');
  const compare = OPERATORS[match[2] ?? ''];
  return (values) =>
    values.flatMap(members).filter((value) => {
      const [a] = left(value);
      const [b] = right(value);
      return a !== undefined && b !== undefined && compare?.(a, b) === true;
    });
}

/**
 * A path into an object, as client-go's `util/jsonpath` reads it between braces: members, quoted members, indices,
 * slices, wildcards, filters, descent. What is not there yields nothing. Throws JsonPathError where it can't be read.
 */
export function compileJsonPath(path: string): (value: unknown) => readonly unknown[] {
  const steps = new Parser(path).steps();
  return (value) => {
    let values: readonly unknown[] = [value];
    for (const step of steps) {
      values = step(values);
      if (values.length > MOST_VALUES) values = values.slice(0, MOST_VALUES);
      if (values.length === 0) return values;
    }
    return values;
  };
}

/** The members of a path that has only members, such as `.spec.replicas`; undefined for any other path. */
export function simplePath(path: string): readonly string[] | undefined {
  if (!/^(\.[^.[\]{}\\'"*?()@$ ]+)+$/.test(path)) return undefined;
  return path.slice(1).split('.');
}

/** What is at a path of members; undefined where nothing is. */
export function valueAt(value: unknown, path: readonly string[]): unknown {
  let at = value;
  for (const name of path) at = isJsonObject(at) && Object.hasOwn(at, name) ? at[name] : undefined;
  return at;
}
