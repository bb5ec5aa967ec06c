import { dnsLabelNames, dnsSubdomainNames } from '#libs/apimachinery';

type Format = (text: string) => boolean;

const matches =
  (pattern: RegExp): Format =>
  (text) =>
    pattern.test(text);

/** A character of a host name: letters and symbols of all scripts among them. */
const C = '[a-zA-Z0-9\\p{S}\\p{L}]';
const INNER = '[-a-zA-Z0-9\\p{S}\\p{L}]';
const HOSTNAME = new RegExp(`^(${C}((-?${C}{0,62})?)|(${C}((${INNER}{0,61}${C})?)(\\.)){1,}([a-zA-Z\\p{L}]){2,63})$`, 'u');

const isHostname: Format = (text) => text.length <= 255 && HOSTNAME.test(text) && text.split('.').every((label) => label.length <= 63);

const isIpv4: Format = (text) => {
  const parts = text.split('.');
  return parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255);
};

const isIpv6: Format = (text) => {
  if (text.length > 45 || !/^[0-9a-fA-F:.]+$/.test(text)) return false;
  const halves = text.split('::');
  if (halves.length > 2) return false;
  const groups = halves.flatMap((half) => (half === '' ? [] : half.split(':')));
  const last = groups.at(-1) ?? '';
  const dotted = last.includes('.');
  if (dotted && !isIpv4(last)) return false;
  const plain = dotted ? groups.slice(0, -1) : groups;
  if (!plain.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return false;
  const count = plain.length + (dotted ? 2 : 0);
  return halves.length === 2 ? count < 8 : count === 8;
};

const isCidr: Format = (text) => {
  const [address = '', length, ...rest] = text.split('/');
  if (rest.length > 0 || length === undefined || !/^(0|[1-9]\d{0,2})$/.test(length)) return false;
  return isIpv4(address) ? Number(length) <= 32 : isIpv6(address) && Number(length) <= 128;
};

const daysIn = (year: number, month: number): number => new Date(Date.UTC(year, month, 0)).getUTCDate();

const isDate: Format = (text) => {
  const match = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text);
  if (!match) return false;
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])];
  return month >= 1 && month <= 12 && day >= 1 && day <= daysIn(year, month);
};

const DATE_TIME = /^(\d{4}-\d\d-\d\d)[Tt ](\d\d):(\d\d):(\d\d)(\.\d+)?([Zz]|[+-]\d\d:?\d\d)?$/;

const isDateTime: Format = (text) => {
  const match = DATE_TIME.exec(text);
  if (!match) return false;
  return isDate(match[1] ?? '') && Number(match[2]) <= 23 && Number(match[3]) <= 59 && Number(match[4]) <= 59;
};

const DURATION = /^[+-]?(0|(\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)((\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h))*)$/;
const WORDS = /(\d+)\s*(ns|nano|us|µs|micro|ms|milli|s|sec|m|min|h|hr|hour|d|day|w|wk|week)[A-Za-zµ]*/i;

const isDuration: Format = (text) => DURATION.test(text) || WORDS.test(text);

/** What Go's `IsRequestURI` takes: an absolute URI, or a path from the root. */
const isUri: Format = (text) => /^(\/|[A-Za-z][A-Za-z0-9+.-]*:)[^\s\x00-\x1f\x7f]*$/.test(text) && !/%(?![0-9A-Fa-f]{2})/.test(text);

const digitsOf = (text: string): string => text.replace(/[\s-]/g, '');

const isIsbn10: Format = (text) => {
  const digits = digitsOf(text);
  if (!/^\d{9}[\dX]$/.test(digits)) return false;
  return [...digits].reduce((sum, digit, at) => sum + (digit === 'X' ? 10 : Number(digit)) * (10 - at), 0) % 11 === 0;
};

const isIsbn13: Format = (text) => {
  const digits = digitsOf(text);
  return /^\d{13}$/.test(digits) && [...digits].reduce((sum, digit, at) => sum + Number(digit) * (at % 2 === 0 ? 1 : 3), 0) % 10 === 0;
};

const isCreditCard: Format = (text) => {
  const digits = text.replace(/[^\d]/g, '');
  if (!/^(4\d{12}(\d{3})?|5[1-5]\d{14}|6(011|5\d\d)\d{12}|3[47]\d{13}|3(0[0-5]|[68]\d)\d{11}|(2131|1800|35\d{3})\d{11})$/.test(digits))
    return false;
  const sum = [...digits].reverse().reduce((total, digit, at) => {
    const value = at % 2 === 0 ? Number(digit) : Number(digit) * 2;
    return total + (value > 9 ? value - 9 : value);
  }, 0);
  return sum % 10 === 0;
};

const uuid = (third: string, fourth: string): Format =>
  matches(new RegExp(`^[0-9a-f]{8}-?[0-9a-f]{4}-?${third}-?${fourth}-?[0-9a-f]{12}$`, 'i'));

const ANY = '[0-9a-f]{4}';
const VARIANT = '[89ab][0-9a-f]{3}';

/** The formats that are checked (apiextensions-apiserver `validation/formats.go`), by their names without dashes; any other says nothing. */
const FORMATS: ReadonlyMap<string, Format> = new Map<string, Format>([
  ['bsonobjectid', matches(/^[0-9a-f]{24}$/i)],
  ['uri', isUri],
  ['email', matches(/^([^\s@<>()[\],;:"\\]+|"[^"]*")@[^\s@<>()[\],;:"\\]+$|^[^<>]*<[^\s@<>]+@[^\s@<>]+>$/)],
  ['hostname', isHostname],
  ['ipv4', isIpv4],
  ['ipv6', isIpv6],
  ['cidr', isCidr],
  ['mac', matches(/^([0-9a-f]{2}([:-][0-9a-f]{2}){5}|[0-9a-f]{2}([:-][0-9a-f]{2}){7}|[0-9a-f]{4}(\.[0-9a-f]{4}){2,3})$/i)],
  ['uuid', uuid(ANY, ANY)],
  ['uuid3', uuid('3[0-9a-f]{3}', ANY)],
  ['uuid4', uuid('4[0-9a-f]{3}', VARIANT)],
  ['uuid5', uuid('5[0-9a-f]{3}', VARIANT)],
  ['isbn', (text) => isIsbn10(text) || isIsbn13(text)],
  ['isbn10', isIsbn10],
  ['isbn13', isIsbn13],
  ['creditcard', isCreditCard],
  ['ssn', matches(/^\d{3}[- ]?\d{2}[- ]?\d{4}$/)],
  ['hexcolor', matches(/^#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$/)],
  ['rgbcolor', matches(/^rgb\(\s*(\d{1,2}|1\d\d|2[0-4]\d|25[0-5])\s*(,\s*(\d{1,2}|1\d\d|2[0-4]\d|25[0-5])\s*){2}\)$/)],
  ['byte', matches(/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})$/)],
  ['password', () => true],
  ['date', isDate],
  ['duration', isDuration],
  ['datetime', isDateTime],
  ['k8sshortname', (text) => dnsLabelNames(text, false).length === 0],
  ['k8slongname', (text) => dnsSubdomainNames(text, false).length === 0],
]);

/** The check of a format; undefined where nothing is known of it. */
export const formatOf = (name: string): Format | undefined => FORMATS.get(name.replaceAll('-', ''));
