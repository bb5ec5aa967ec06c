import { byteLength } from './quote.js';

/** A rule for names and other short strings: what is wrong with a value, in upstream's words; nothing where it is right. */
export type TextRule = (value: string) => readonly string[];

/** The rule of a kind's names; `prefix` marks a generateName, to which a suffix will be added. */
export type NameRule = (name: string, prefix: boolean) => readonly string[];

const NONE: readonly string[] = [];

const tooManyCharacters = (most: number): string => `must be no more than ${most} characters`;
const tooManyBytes = (most: number): string => `must be no more than ${most} bytes`;

/** `<message> (e.g. 'a',  or 'b', regex used for validation is '...')`, comma and all, as upstream writes it. */
export const regexMessage = (message: string, regex: string, ...examples: readonly string[]): string =>
  examples.length === 0
    ? `${message} (regex used for validation is '${regex}')`
    : `${message} (e.g. ${examples.map((example) => `'${example}', `).join(' or ')}regex used for validation is '${regex}')`;

/** `must be between 1 and 65535, inclusive` */
export const inclusiveRangeMessage = (low: number, high: number): string => `must be between ${low} and ${high}, inclusive`;

/** A rule that is a length limit in bytes and a regular expression. */
function rule(most: number, lengthMessage: (most: number) => string, regex: string, message: string, ...examples: string[]): TextRule {
  const pattern = new RegExp(`^(?:${regex})$`);
  return (value) => {
    const matches = pattern.test(value);
    if (matches && value.length <= most) return NONE;
    const messages = byteLength(value) > most ? [lengthMessage(most)] : [];
    return matches ? messages : [...messages, regexMessage(message, regex, ...examples)];
  };
}

const LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const UNDERSCORE_LABEL = '_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?';
const SUBDOMAIN = `${LABEL}(\\.${LABEL})*`;
const UNDERSCORE_SUBDOMAIN = `${UNDERSCORE_LABEL}(\\.${UNDERSCORE_LABEL})*`;
const SUBDOMAIN_PATTERN = new RegExp(`^(?:${SUBDOMAIN})$`);
const UNLIMITED = Number.MAX_SAFE_INTEGER;
const subdomainMessage = (characters: string): string =>
  `a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, ${characters}, and must ` +
  `start and end with an alphanumeric character`;

const dns1123Label = rule(
  63,
  tooManyCharacters,
  LABEL,
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end " +
    'with an alphanumeric character',
  'my-name',
  '123-abc',
);

/** A DNS label as RFC 1123 has it: names of namespaces, containers, volumes. */
export const isDns1123Label: TextRule = (value) => {
  const messages = dns1123Label(value);
  if (messages.length === 0 || !SUBDOMAIN_PATTERN.test(value) || !value.includes('.')) return messages;
  return [...messages.slice(0, -1), 'must not contain dots'];
};

/** A DNS subdomain as RFC 1123 has it: names of most objects. */
export const isDns1123Subdomain = rule(253, tooManyCharacters, SUBDOMAIN, subdomainMessage("'-' or '.'"), 'example.com');

/** A DNS subdomain whose labels may hold underscores: search paths of resolvers. */
export const isDns1123SubdomainWithUnderscore = rule(
  253,
  tooManyCharacters,
  UNDERSCORE_SUBDOMAIN,
  subdomainMessage("'_', '-' or '.'"),
  'example.com',
);

/** A DNS label as RFC 1035 has it: it starts with a letter. */
export const isDns1035Label = rule(
  63,
  tooManyCharacters,
  '[a-z]([-a-z0-9]*[a-z0-9])?',
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic " +
    'character, and end with an alphanumeric character',
  'my-name',
  'abc-123',
);

/** The name of an HTTP header. */
export const isHttpHeaderName = rule(
  UNLIMITED,
  tooManyCharacters,
  '[-A-Za-z0-9]+',
  "a valid HTTP header must consist of alphanumeric characters or '-'",
  'X-Header-Name',
);

/** Digits and `%`. */
export const isValidPercent = rule(
  UNLIMITED,
  tooManyCharacters,
  '[0-9]+%',
  "a valid percent string must be a numeric string followed by an ending '%'",
  '1%',
  '93%',
);

const KEY_NAME = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';
const KEY_NAME_PATTERN = new RegExp(`^(?:${KEY_NAME})$`);
const KEY_MESSAGE = regexMessage(
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
  KEY_NAME,
  'MyName',
  'my.name',
  '123-abc',
);
const keyPrefix = rule(253, tooManyBytes, SUBDOMAIN, subdomainMessage("'-' or '.'"), 'example.com');

/** A label key: a name of at most 63 bytes, with an optional DNS subdomain before a slash. Also of annotations and finalizers. */
export const isQualifiedName: TextRule = (value) => {
  const slash = value.indexOf('/');
  if (slash >= 0 && value.includes('/', slash + 1)) {
    return [`a valid label key ${KEY_MESSAGE} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`];
  }
  const name = value.slice(slash + 1);
  const messages: string[] = [];
  if (slash === 0) messages.push('prefix part must be non-empty');
  else if (slash > 0) for (const message of keyPrefix(value.slice(0, slash))) messages.push(`prefix part ${message}`);
  if (name === '') messages.push('name part must be non-empty');
  else if (byteLength(name) > 63) messages.push(`name part ${tooManyBytes(63)}`);
  if (!KEY_NAME_PATTERN.test(name)) messages.push(`name part ${KEY_MESSAGE}`);
  return messages.length === 0 ? NONE : messages;
};

/** A label's value: empty, or as a key's name. */
export const isValidLabelValue = rule(
  63,
  tooManyBytes,
  `(${KEY_NAME})?`,
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start " +
    'and end with an alphanumeric character',
  'MyValue',
  'my_value',
  '12345',
);

/** No path can leave its folder by this name. */
function climbsOut(value: string): readonly string[] {
  if (value === '.') return ["must not be '.'"];
  if (value === '..') return ["must not be '..'"];
  return value.startsWith('..') ? ["must not start with '..'"] : NONE;
}

const configMapKey = rule(
  253,
  tooManyCharacters,
  '[-._a-zA-Z0-9]+',
  "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
  'key.name',
  'KEY_NAME',
  'key-name',
);

/** A key of a ConfigMap or Secret: it can be a file's name. */
export const isConfigMapKey: TextRule = (value) => [...configMapKey(value), ...climbsOut(value)];

/** The name of an environment variable as 1.36 has it: printable ASCII without `=`. */
export const isEnvVarName: TextRule = (value) => {
  if (value === '') return ['environment variable name must be non-empty'];
  if (/^[ -<>-~]+$/.test(value)) return NONE;
  return ["a valid environment variable name must consist only of printable ASCII characters other than '='"];
};

/** A port of a protocol of the internet. */
export const isValidPortNumber = (port: number): readonly string[] => isInRange(port, 1, 65535);

/** A number within bounds, both included. */
export const isInRange = (value: number, low: number, high: number): readonly string[] =>
  value >= low && value <= high ? NONE : [inclusiveRangeMessage(low, high)];

/** A user's or group's number. */
export const isValidUserId = (id: number): readonly string[] => isInRange(id, 0, 2147483647);
export const isValidGroupId = isValidUserId;

/** A port's name: at most 15 of a-z, 0-9 and hyphens, with a letter among them. */
export const isValidPortName: TextRule = (value) => {
  const messages: string[] = [];
  if (byteLength(value) > 15) messages.push(tooManyCharacters(15));
  if (!/^[-a-z0-9]+$/.test(value)) messages.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)');
  if (!/[a-z]/.test(value)) messages.push('must contain at least one letter (a-z)');
  if (value.includes('--')) messages.push('must not contain consecutive hyphens');
  if (value.startsWith('-') || value.endsWith('-')) messages.push('must not begin or end with a hyphen');
  return messages;
};

/** A name that is one segment of a URL's path; `prefix`: the beginning of one. */
export const pathSegmentNames: NameRule = (name, prefix) => {
  if (!prefix && (name === '.' || name === '..')) return [`may not be '${name}'`];
  return ['/', '%'].filter((part) => name.includes(part)).map((part) => `may not contain '${part}'`);
};

/** A generateName may end in a hyphen, since more will follow (upstream drops the letter before it as well). */
const masked = (name: string, prefix: boolean): string =>
  prefix && name.length > 1 && name.endsWith('-') ? `${name.slice(0, -2)}a` : name;

/** Names that are DNS subdomains: of most kinds. */
export const dnsSubdomainNames: NameRule = (name, prefix) => isDns1123Subdomain(masked(name, prefix));
/** Names that are DNS labels: of namespaces. */
export const dnsLabelNames: NameRule = (name, prefix) => isDns1123Label(masked(name, prefix));
/** Names that are DNS labels starting with a letter: of services. */
export const dns1035LabelNames: NameRule = (name, prefix) => isDns1035Label(masked(name, prefix));
