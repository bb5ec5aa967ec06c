import { dns1035LabelNames, dnsLabelNames, dnsSubdomainNames, isQualifiedName, isValidLabelValue, type TextRule } from '#libs/apimachinery';
import { decodeBase64 } from '../evaluation/inspect.js';
import { parseTimestamp } from '../evaluation/time.js';
import { Opaque, Optional, type Value } from '../evaluation/values.js';
import { global, member, type CostOf, type Overload } from './function.js';
import { TRAVERSAL } from './operators.js';
import { isUrl } from './urls.js';

class FormatValue extends Opaque {
  readonly type = 'kubernetes.NamedFormat';
  constructor(
    readonly name: string,
    readonly rule: TextRule,
    readonly patternSize: number,
  ) {
    super();
  }
  equals(other: Opaque): boolean {
    return other instanceof FormatValue && this.name === other.name;
  }
}

const rule =
  (holds: (text: string) => boolean, message: (text: string) => string): TextRule =>
  (text) =>
    holds(text) ? [] : [message(text)];

const UUID = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i;
const isDate = (text: string): boolean => /^\d{4}-\d{2}-\d{2}$/.test(text) && parseTimestamp(`${text}T00:00:00Z`) !== undefined;

/** Each format by its name: the rule, and how long upstream takes its pattern to be. */
const FORMATS: Readonly<Record<string, readonly [TextRule, number]>> = {
  dns1123Label: [(text) => dnsLabelNames(text, false), 30],
  dns1123Subdomain: [(text) => dnsSubdomainNames(text, false), 60],
  dns1035Label: [(text) => dns1035LabelNames(text, false), 30],
  qualifiedName: [isQualifiedName, 60],
  dns1123LabelPrefix: [(text) => dnsLabelNames(text, true), 30],
  dns1123SubdomainPrefix: [(text) => dnsSubdomainNames(text, true), 60],
  dns1035LabelPrefix: [(text) => dns1035LabelNames(text, true), 30],
  labelValue: [isValidLabelValue, 40],
  uri: [rule(isUrl, (text) => `parse ${JSON.stringify(text)}: invalid URI for request`), 1103],
  uuid: [
    rule(
      (text) => UUID.test(text),
      () => 'does not match the UUID format',
    ),
    96,
  ],
  byte: [
    rule(
      (text) => text.length % 4 === 0 && decodeBase64(text) !== undefined,
      () => 'invalid base64',
    ),
    84,
  ],
  date: [rule(isDate, () => 'invalid date'), 76],
  datetime: [
    rule(
      (text) => parseTimestamp(text) !== undefined,
      () => 'invalid datetime',
    ),
    76,
  ],
};

const VALUES = new Map(Object.entries(FORMATS).map(([name, [textRule, size]]) => [name, new FormatValue(name, textRule, size)]));

function validate([format, text]: readonly Value[]): Value {
  const problems = (format as FormatValue).rule(text as string);
  return problems.length === 0 ? Optional.NONE : new Optional(problems);
}

const cost: CostOf = ([format, text]) =>
  Math.ceil((1 + (text as string).length) * TRAVERSAL) * Math.ceil((format as FormatValue).patternSize * 0.25);

const TYPE = 'kubernetes.NamedFormat';

/** Kubernetes' named formats. */
export const FORMAT: readonly Overload[] = [
  ...[...VALUES].map(([name, value]) => global(`format.${name}(): ${TYPE}`, () => value)),
  global(`format.named(string): optional<${TYPE}>`, ([name]) => {
    const found = VALUES.get(name as string);
    return found ? new Optional(found) : Optional.NONE;
  }),
  member(`${TYPE}.validate(string): optional<list<string>>`, validate, cost),
];
