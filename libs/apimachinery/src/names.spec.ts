import {
  dnsLabelNames,
  dnsSubdomainNames,
  isConfigMapKey,
  isDns1035Label,
  isDns1123Label,
  isDns1123Subdomain,
  isEnvVarName,
  isQualifiedName,
  isValidLabelValue,
  isValidPortName,
  isValidPortNumber,
  pathSegmentNames,
  type TextRule,
} from './name-rules.js';
import { byteLength, quoted } from './quote.js';

const LABEL =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const SUBDOMAIN =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const KEY =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";

describe('rules for names speak in upstream words', () => {
  it.each<[string, TextRule, string, readonly string[]]>([
    ['label', isDns1123Label, 'a-1', []],
    ['label', isDns1123Label, 'A', [LABEL]],
    ['label', isDns1123Label, '', [LABEL]],
    ['label', isDns1123Label, 'a.b', ['must not contain dots']],
    ['label', isDns1123Label, 'a'.repeat(64), ['must be no more than 63 characters']],
    ['label', isDns1123Label, `${'a'.repeat(63)}.b`, ['must be no more than 63 characters', 'must not contain dots']],
    ['subdomain', isDns1123Subdomain, 'a.b-c', []],
    ['subdomain', isDns1123Subdomain, 'a..b', [SUBDOMAIN]],
    ['subdomain', isDns1123Subdomain, 'a'.repeat(254), ['must be no more than 253 characters']],
    ['RFC 1035 label', isDns1035Label, 'a-1', []],
    [
      'RFC 1035 label',
      isDns1035Label,
      '1a',
      [
        "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')",
      ],
    ],
    ['label key', isQualifiedName, 'example.com/Name_1', []],
    ['label key', isQualifiedName, '/a', ['prefix part must be non-empty']],
    ['label key', isQualifiedName, 'a/', ['name part must be non-empty', `name part ${KEY}`]],
    [
      'label key',
      isQualifiedName,
      'a/b/c',
      [`a valid label key ${KEY} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`],
    ],
    ['label key', isQualifiedName, 'A/b', [`prefix part ${SUBDOMAIN}`]],
    ['label key', isQualifiedName, 'a'.repeat(64), ['name part must be no more than 63 bytes']],
    ['label value', isValidLabelValue, '', []],
    ['label value', isValidLabelValue, 'a'.repeat(64), ['must be no more than 63 bytes']],
    ['config map key', isConfigMapKey, '.a', []],
    ['config map key', isConfigMapKey, '..a', ["must not start with '..'"]],
    ['config map key', isConfigMapKey, '..', ["must not be '..'"]],
    ['environment variable', isEnvVarName, '1 a!', []],
    [
      'environment variable',
      isEnvVarName,
      'a=b',
      ["a valid environment variable name must consist only of printable ASCII characters other than '='"],
    ],
    ['environment variable', isEnvVarName, '', ['environment variable name must be non-empty']],
    ['port name', isValidPortName, 'http-1', []],
    ['port name', isValidPortName, '-1', ['must contain at least one letter (a-z)', 'must not begin or end with a hyphen']],
    ['port name', isValidPortName, 'a--b', ['must not contain consecutive hyphens']],
  ])('%s', (_title, rule, value, messages) => {
    expect(rule(value)).toEqual(messages);
  });

  it('takes a hyphen at the end of a generateName', () => {
    expect(dnsSubdomainNames('web-', true)).toEqual([]);
    expect(dnsSubdomainNames('web-', false)).toEqual([SUBDOMAIN]);
    expect(dnsLabelNames('a.b-', true)).toEqual(['must not contain dots']);
  });

  it('keeps names of RBAC objects out of other paths', () => {
    expect(pathSegmentNames('system:node', false)).toEqual([]);
    expect(pathSegmentNames('..', false)).toEqual(["may not be '..'"]);
    expect(pathSegmentNames('a/b%', false)).toEqual(["may not contain '/'", "may not contain '%'"]);
  });

  it('bounds port numbers', () => {
    expect(isValidPortNumber(1)).toEqual([]);
    expect(isValidPortNumber(0)).toEqual(['must be between 1 and 65535, inclusive']);
  });
});

describe('quoted prints as Go does', () => {
  it.each([
    ['a"b\\', '"a\\"b\\\\"'],
    ['a\nb\u0001\u007f', '"a\\nb\\x01\\x7f"'],
    ['é世\u200b', '"é世\\u200b"'],
  ])('%j', (text, wanted) => {
    expect(quoted(text)).toBe(wanted);
  });

  it.each(['', 'a', 'é', '世', '😀', 'a😀é'])('byteLength counts %j as UTF-8', (text) => {
    expect(byteLength(text)).toBe(new TextEncoder().encode(text).length);
  });
});
