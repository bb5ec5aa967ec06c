/** How what a backend says of itself is turned into what a client can use: paths get what leads to the proxy. */
export interface Rewriting {
  /** What the proxied path begins with: `/api/v1/namespaces/a/pods/b/proxy`. */
  readonly prefix: string;
  /** Hosts, with their ports, that mean the backend: its own, and the one the client asked. */
  readonly hosts: readonly string[];
}

/** Attributes that hold URLs, by their tags (apimachinery `util/proxy/transport.go`). */
const URL_ATTRIBUTES: Readonly<Record<string, readonly string[]>> = {
  a: ['href'],
  applet: ['codebase'],
  area: ['href'],
  audio: ['src'],
  base: ['href'],
  blockquote: ['cite'],
  body: ['background'],
  button: ['formaction'],
  command: ['icon'],
  del: ['cite'],
  embed: ['src'],
  form: ['action'],
  frame: ['longdesc', 'src'],
  head: ['profile'],
  html: ['manifest'],
  iframe: ['longdesc', 'src'],
  img: ['longdesc', 'src', 'usemap'],
  input: ['src', 'usemap', 'formaction'],
  ins: ['cite'],
  link: ['href'],
  object: ['classid', 'codebase', 'data', 'usemap'],
  q: ['cite'],
  script: ['src'],
  source: ['src'],
  video: ['poster', 'src'],
};
const URL_PARTS = /^(?:([A-Za-z][A-Za-z0-9+.-]*):)?(?:\/\/([^/?#]*))?([^?#]*)(.*)$/s;

/** A URL as the client must ask for it: one of the backend's own gets the prefix and loses its host, any other stays. */
export function rewrittenUrl(url: string, { prefix, hosts }: Rewriting): string {
  const [, , host = '', path = '', rest = ''] = URL_PARTS.exec(url) ?? [];
  if ((host !== '' && !hosts.includes(host)) || !path.startsWith('/')) return url;
  return path.startsWith(prefix) ? `${path}${rest}` : `${prefix}${path}${rest}`;
}

/** The end of a tag that begins before `from`: the place of its `>` outside of quotes; -1 where it has none. */
function tagEnd(html: string, from: number): number {
  let quote = '';
  for (let at = from; at < html.length; at++) {
    const char = html.charAt(at);
    if (quote !== '') quote = char === quote ? '' : quote;
    else if (char === '"' || char === "'") quote = char;
    else if (char === '>') return at;
  }
  return -1;
}

const ATTRIBUTE = /([A-Za-z][A-Za-z0-9-]*)(\s*=\s*)(?:"([^"]*)"|'([^']*)'|([^\s"'=<>`]+))/g;

const rewrittenTag = (tag: string, names: readonly string[], rewriting: Rewriting): string =>
  tag.replace(ATTRIBUTE, (whole, name: string, equals: string, double?: string, single?: string, bare?: string) => {
    if (!names.includes(name.toLowerCase())) return whole;
    const quote = single === undefined ? '"' : "'";
    return `${name}${equals}${quote}${rewrittenUrl(double ?? single ?? bare ?? '', rewriting)}${quote}`;
  });

/** A page whose links lead through the proxy. Reads the text once; what is no HTML stays as it is. */
export function rewrittenHtml(html: string, rewriting: Rewriting): string {
  const parts: string[] = [];
  let done = 0;
  for (let at = html.indexOf('<'); at >= 0; at = html.indexOf('<', Math.max(done, at + 1))) {
    const name = /^[A-Za-z][A-Za-z0-9]*/.exec(html.slice(at + 1, at + 12))?.[0].toLowerCase();
    const names = name === undefined ? undefined : URL_ATTRIBUTES[name];
    if (names === undefined || name === undefined) continue;
    const end = tagEnd(html, at);
    if (end < 0) break;
    parts.push(html.slice(done, at), rewrittenTag(html.slice(at, end + 1), names, rewriting));
    done = end + 1;
  }
  parts.push(html.slice(done));
  return parts.join('');
}
