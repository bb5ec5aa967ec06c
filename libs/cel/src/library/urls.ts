import { CelError, Opaque, type Value } from '../evaluation/values.js';
import { global, member, type CostOf, type Overload } from './function.js';
import { TRAVERSAL } from './operators.js';

interface Parts {
  readonly scheme: string;
  readonly host: string;
  readonly path: string;
  readonly query: string;
}

const SHAPE = /^(?:([a-zA-Z][a-zA-Z0-9+.-]*):)?(?:\/\/([^/?]*))?([^?]*)(?:\?([\s\S]*))?$/;

/** Go's url.ParseRequestURI, as far as it tells texts apart: an absolute URL or an absolute path. */
function parse(text: string): Parts | undefined {
  const found = SHAPE.exec(text);
  if (!found || /[\0-\x20\x7f"<>\\^`{|}]/.test(text.replace(/\?[\s\S]*$/, ''))) return undefined;
  const [, scheme = '', authority, path = '', query = ''] = found;
  if (scheme === '' && !(authority === undefined && path.startsWith('/')) && !text.startsWith('/')) return undefined;
  if (scheme !== '' && authority === undefined && !path.startsWith('/')) return undefined;
  if (/%(?![0-9a-fA-F]{2})/.test(path)) return undefined;
  const host = (authority ?? '').replace(/^[^@]*@/, '');
  if (!/^(\[[0-9a-fA-F:.%]*\]|[^:[\]]*)(:\d*)?$/.test(host)) return undefined;
  return { scheme: scheme.toLowerCase(), host, path, query };
}

class UrlValue extends Opaque {
  readonly type = 'kubernetes.URL';
  constructor(
    readonly text: string,
    readonly parts: Parts,
  ) {
    super();
  }
  equals(other: Opaque): boolean {
    return other instanceof UrlValue && this.text === other.text;
  }
}

function url(text: string): UrlValue {
  const parts = parse(text);
  if (!parts) throw new CelError(`URL parse error during conversion from string: parse ${JSON.stringify(text)}: invalid URI for request`);
  return new UrlValue(text, parts);
}

const decode = (text: string): string => {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return text;
  }
};

function query(text: string): Readonly<Record<string, readonly string[]>> {
  const found = new Map<string, string[]>();
  for (const pair of text.split('&')) {
    if (pair === '') continue;
    const [key = '', ...rest] = pair.split('=');
    found.set(decode(key), [...(found.get(decode(key)) ?? []), decode(rest.join('='))]);
  }
  return Object.fromEntries(found);
}

const parts = (value: Value | undefined): Parts => (value as UrlValue).parts;
const ofText: CostOf = ([text]) => Math.ceil((text as string).length * TRAVERSAL);
const hostname = (host: string): string => host.replace(/:\d*$/, '').replace(/^\[|\]$/g, '');
const TYPE = 'kubernetes.URL';

/** Kubernetes' URLs. */
export const URLS: readonly Overload[] = [
  global(`url(string): ${TYPE}`, ([text]) => url(text as string), ofText),
  global('isURL(string): bool', ([text]) => parse(text as string) !== undefined, ofText),
  member(`${TYPE}.getScheme(): string`, ([value]) => parts(value).scheme),
  member(`${TYPE}.getHost(): string`, ([value]) => parts(value).host),
  member(`${TYPE}.getHostname(): string`, ([value]) => hostname(parts(value).host)),
  member(`${TYPE}.getPort(): string`, ([value]) => /:(\d*)$/.exec(parts(value).host)?.[1] ?? ''),
  member(`${TYPE}.getEscapedPath(): string`, ([value]) => parts(value).path),
  member(`${TYPE}.getQuery(): map<string, list<string>>`, ([value]) => query(parts(value).query)),
];
/** Whether a text is what isURL() takes for one. */
export const isUrl = (text: string): boolean => parse(text) !== undefined;
