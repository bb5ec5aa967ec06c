import { invalidValue, keyed, item, type FieldError } from './field-error.js';
import type { SelectorSpec } from './label-selector-validation.js';
import { isQualifiedName, isValidLabelValue } from './name-rules.js';
import { ownMember } from './own-member.js';
import { badRequest } from './status-error.js';

/** How a requirement compares; `gt` and `lt` compare integers. */
export type SelectorOperator = '=' | '==' | '!=' | 'in' | 'notin' | 'exists' | '!' | 'gt' | 'lt';

/** One condition on labels. `values` are sorted and without repetition. */
export interface LabelRequirement {
  readonly key: string;
  readonly operator: SelectorOperator;
  readonly values: readonly string[];
}

/** Labels of an object, as in its metadata. */
export type Labels = Readonly<Record<string, string>>;

/** A selector ready to be matched: all requirements hold. None at all matches everything. */
export interface LabelSelector {
  /** Sorted by key. */
  readonly requirements: readonly LabelRequirement[];
  matches(labels: Labels | undefined): boolean;
  /** As a query parameter would say it. */
  toString(): string;
}

const INTEGER = /^[+-]?\d+$/;
const MOST_INT64 = 2n ** 63n;
const int64 = (text: string): bigint | undefined => {
  if (!INTEGER.test(text) || text.length > 40) return undefined;
  const value = BigInt(text.replace(/^\+/, ''));
  return value >= -MOST_INT64 && value < MOST_INT64 ? value : undefined;
};

/** Whether labels have this value for a key. What objects inherit is never text, so nothing else has to be asked: this is asked most of all. */
export const isLabelled = (labels: Labels | undefined, key: string, value: string | undefined): boolean =>
  value !== undefined && labels !== undefined && labels[key] === value;

function holds({ key, operator, values }: LabelRequirement, labels: Labels | undefined): boolean {
  if (operator === '=' || operator === '==') return isLabelled(labels, key, values[0]);
  const value = ownMember(labels, key);
  switch (operator) {
    case 'in':
      return value !== undefined && values.includes(value);
    case '!=':
    case 'notin':
      return value === undefined || !values.includes(value);
    case 'exists':
      return value !== undefined;
    case '!':
      return value === undefined;
    case 'gt':
    case 'lt': {
      const actual = value === undefined ? undefined : int64(value);
      const bound = int64(values[0] ?? '');
      if (actual === undefined || bound === undefined) return false;
      return operator === 'gt' ? actual > bound : actual < bound;
    }
  }
}

function requirementText({ key, operator, values }: LabelRequirement): string {
  const list = values.join(',');
  switch (operator) {
    case '=':
    case '==':
    case '!=':
      return `${key}${operator}${list}`;
    case 'in':
    case 'notin':
      return `${key} ${operator} (${list})`;
    case 'exists':
      return key;
    case '!':
      return `!${key}`;
    case 'gt':
      return `${key}>${list}`;
    case 'lt':
      return `${key}<${list}`;
  }
}

function selector(unsorted: readonly LabelRequirement[]): LabelSelector {
  const requirements = [...unsorted].sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  const [only] = requirements;
  return {
    requirements,
    matches:
      only && requirements.length === 1
        ? (labels) => holds(only, labels)
        : (labels) => requirements.every((requirement) => holds(requirement, labels)),
    toString: () => requirements.map(requirementText).join(','),
  };
}

/** Selects every object. */
export const EVERYTHING: LabelSelector = selector([]);

/** Selects no object: an absent metav1.LabelSelector. */
export const NOTHING: LabelSelector = { requirements: [], matches: () => false, toString: () => '' };

/** The selector that wants exactly these labels, as `spec.selector` of a Service says it. */
export const selectorFromLabels = (labels: Labels): LabelSelector =>
  selector(Object.entries(labels).map(([key, value]) => ({ key, operator: '=' as const, values: [value] })));

const OPERATOR: Readonly<Record<string, SelectorOperator>> = { In: 'in', NotIn: 'notin', Exists: 'exists', DoesNotExist: '!' };

/** The selector a manifest describes: an absent one selects nothing, an empty one everything. It was validated before. */
export function labelSelectorOf(spec: SelectorSpec | null | undefined): LabelSelector {
  if (!spec) return NOTHING;
  const equal = Object.entries(spec.matchLabels ?? {}).map(([key, value]) => ({ key, operator: '=' as const, values: [value] }));
  const rest = (spec.matchExpressions ?? []).map(({ key, operator, values }) => {
    const known = OPERATOR[operator];
    if (known === undefined) throw new RangeError(`"${operator}" is not a valid label selector operator`);
    return { key, operator: known, values: [...new Set(values ?? [])].sort() };
  });
  return equal.length + rest.length === 0 ? EVERYTHING : selector([...equal, ...rest]);
}

type Token = { readonly kind: 'word' | 'symbol' | 'end'; readonly text: string };

const END: Token = { kind: 'end', text: '' };
const LEXEME = /[ \t\r\n]*(?:(==|!=|[=!(),><])|([^ \t\r\n=!(),><]+))/y;

function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  LEXEME.lastIndex = 0;
  for (let match = LEXEME.exec(text); match; match = LEXEME.exec(text)) {
    tokens.push(match[1] === undefined ? { kind: 'word', text: match[2] ?? '' } : { kind: 'symbol', text: match[1] });
  }
  return tokens;
}

class SelectorSyntaxError extends Error {
  override readonly name = 'SelectorSyntaxError';
}

const expected = (found: string, what: string): SelectorSyntaxError => new SelectorSyntaxError(`found '${found}', expected: ${what}`);

const described = (errors: readonly FieldError[]): string => {
  const sentences = [...new Set(errors.map(({ field, message }) => `${field}: ${message}`))];
  return sentences.length === 1 ? (sentences[0] ?? '') : `[${sentences.join(', ')}]`;
};

/** A requirement whose values obey the operator and the rules of labels. */
function checked(key: string, operator: SelectorOperator, given: readonly string[]): LabelRequirement {
  const values = [...new Set(given)].sort();
  const errors: FieldError[] = [];
  if ((operator === 'gt' || operator === 'lt') && values[0] !== undefined && int64(values[0]) === undefined) {
    errors.push(invalidValue(item('values', 0), values[0], "for 'Gt', 'Lt' operators, the value must be an integer"));
  }
  for (const [index, value] of values.entries()) {
    const problems = isValidLabelValue(value);
    if (problems.length > 0) errors.push(invalidValue(keyed(item('values', index), key), value, problems.join('; ')));
  }
  if (errors.length > 0) throw new SelectorSyntaxError(described(errors));
  return { key, operator, values };
}

/** Reads the grammar of label selectors, token by token, with upstream's words for what it did not expect. */
class SelectorParser {
  private position = 0;
  private readonly tokens: readonly Token[];

  constructor(text: string) {
    this.tokens = tokensOf(text);
  }

  requirements(): LabelRequirement[] {
    const found: LabelRequirement[] = [];
    for (;;) {
      const token = this.peek();
      if (token.kind === 'end') return found;
      if (token.kind !== 'word' && token.text !== '!') throw expected(token.text, "!, identifier, or 'end of string'");
      found.push(this.wrapped());
      const separator = this.take();
      if (separator.kind === 'end') return found;
      if (separator.text !== ',' || separator.kind !== 'symbol') throw expected(separator.text, "',' or 'end of string'");
      const next = this.peek();
      if (next.kind !== 'word' && next.text !== '!') throw expected(next.text, "identifier after ','");
    }
  }

  private peek(): Token {
    return this.tokens[this.position] ?? END;
  }

  private take(): Token {
    const token = this.peek();
    this.position++;
    return token;
  }

  private wrapped(): LabelRequirement {
    try {
      return this.requirement();
    } catch (error) {
      if (!(error instanceof SelectorSyntaxError)) throw error;
      throw new SelectorSyntaxError(`unable to parse requirement: ${error.message}`);
    }
  }

  private requirement(): LabelRequirement {
    const negated = this.peek().text === '!';
    if (negated) this.position++;
    const token = this.take();
    if (token.kind !== 'word') throw expected(token.text, 'identifier');
    const key = token.text;
    const problems = isQualifiedName(key);
    if (problems.length > 0) throw new SelectorSyntaxError(described([invalidValue('<nil>', key, problems.join('; '))]));
    const next = this.peek();
    if (negated || next.kind === 'end' || next.text === ',') return { key, operator: negated ? '!' : 'exists', values: [] };
    return this.comparison(key);
  }

  private comparison(key: string): LabelRequirement {
    const { kind, text } = this.take();
    switch (text) {
      case '=':
      case '==':
      case '!=':
        return checked(key, text, [this.exactValue()]);
      case '>':
      case '<':
        return checked(key, text === '>' ? 'gt' : 'lt', [this.exactValue()]);
      case 'in':
      case 'notin':
        if (kind === 'word') return checked(key, text, this.valueList());
    }
    throw expected(text, 'in, notin, =, ==, !=, gt, lt');
  }

  private exactValue(): string {
    const next = this.peek();
    if (next.kind === 'end' || next.text === ',') return '';
    const token = this.take();
    if (token.kind !== 'word') throw expected(token.text, 'identifier');
    return token.text;
  }

  private valueList(): string[] {
    const open = this.take();
    if (open.text !== '(') throw new SelectorSyntaxError(`found '${open.text}' expected: '('`);
    const first = this.peek();
    if (first.text === ')') {
      this.position++;
      return [''];
    }
    if (first.kind !== 'word' && first.text !== ',') throw expected(first.text, "',', ')' or identifier");
    const values: string[] = [];
    for (;;) {
      const token = this.take();
      if (token.kind === 'word') {
        values.push(token.text);
        const after = this.peek();
        if (after.text !== ',' && after.text !== ')') throw expected(after.text, "',' or ')'");
        if (after.text === ')') break;
      } else if (token.text === ',') {
        if (values.length === 0) values.push('');
        const after = this.peek().text;
        if (after === ')' || after === ',') values.push('');
        if (after === ')') break;
      } else throw expected(token.text, "',', or identifier");
    }
    this.position++;
    return values;
  }
}

const EQUALITY = /^([A-Za-z0-9]|[A-Za-z0-9][-A-Za-z0-9_.]{0,61}[A-Za-z0-9])=([A-Za-z0-9]|[A-Za-z0-9][-A-Za-z0-9_.]{0,61}[A-Za-z0-9])$/;

/**
 * Reads a `labelSelector` parameter. Throws BadRequest with upstream's sentence.
 * Grammar and sentences: k8s.io/apimachinery/pkg/labels.
 */
export function parseLabelSelector(text: string): LabelSelector {
  if (text === '') return EVERYTHING;
  const [, key, value] = EQUALITY.exec(text) ?? [];
  if (key !== undefined && value !== undefined && key !== 'in' && key !== 'notin') {
    return selector([{ key, operator: '=', values: [value] }]);
  }
  try {
    const requirements = new SelectorParser(text).requirements();
    return requirements.length === 0 ? EVERYTHING : selector(requirements);
  } catch (error) {
    if (error instanceof SelectorSyntaxError) throw badRequest(error.message);
    throw error;
  }
}
