import type { IncomingHttpHeaders } from 'node:http';
import type { User } from '../authorization/authorizer.js';

/** Which proxies are believed when they say who asks, and where they say it: the `--requestheader-*` flags upstream. */
export interface RequestHeaderSettings {
  /** Authority of the proxies' client certificates, PEM. */
  readonly clientCa: string;
  /** Common names that a proxy's certificate may have; empty: any. */
  readonly allowedNames: readonly string[];
  /** Default `X-Remote-User`. */
  readonly usernameHeaders?: readonly string[];
  /** Default `X-Remote-Uid`. */
  readonly uidHeaders?: readonly string[];
  /** Default `X-Remote-Group`. */
  readonly groupHeaders?: readonly string[];
  /** Default `X-Remote-Extra-`. */
  readonly extraHeaderPrefixes?: readonly string[];
}

const lower = (names: readonly string[]): readonly string[] => names.map((name) => name.toLowerCase());

/** Reads the user whom a proxy names, and takes the headers out of the request; undefined where it names none. */
export function requestHeaders(
  settings: RequestHeaderSettings,
): (headers: IncomingHttpHeaders, raw: readonly string[]) => User | undefined {
  const names = lower(settings.usernameHeaders ?? ['x-remote-user']);
  const uids = lower(settings.uidHeaders ?? ['x-remote-uid']);
  const groups = lower(settings.groupHeaders ?? ['x-remote-group']);
  const prefixes = lower(settings.extraHeaderPrefixes ?? ['x-remote-extra-']);
  return (headers, raw) => {
    const all = valuesOf(raw);
    const first = (wanted: readonly string[]): string => wanted.map((name) => all.get(name)?.[0] ?? '').find((value) => value !== '') ?? '';
    const name = first(names);
    if (name === '') return undefined;
    const uid = first(uids);
    const extra: Record<string, readonly string[]> = {};
    for (const prefix of prefixes) {
      for (const [header, values] of all) {
        if (!header.startsWith(prefix)) continue;
        const key = unescaped(header.slice(prefix.length));
        extra[key] = [...(extra[key] ?? []), ...values];
      }
    }
    const groupNames = groups.flatMap((group) => all.get(group) ?? []).filter((group) => group !== '');
    for (const header of all.keys()) {
      if ([...names, ...uids, ...groups].includes(header) || prefixes.some((prefix) => header.startsWith(prefix))) delete headers[header];
    }
    return { name, ...(uid === '' ? {} : { uid }), groups: groupNames, ...(Object.keys(extra).length === 0 ? {} : { extra }) };
  };
}

/** Each header's values as they were sent: node joins what comes several times. */
export function valuesOf(raw: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const all = new Map<string, string[]>();
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = (raw[i] ?? '').toLowerCase();
    const values = all.get(name);
    if (values) values.push(raw[i + 1] ?? '');
    else all.set(name, [raw[i + 1] ?? '']);
  }
  return all;
}

/** A key of `extra` as headers carry it, decoded; as it is where it is not percent-encoded. */
export function unescaped(key: string): string {
  try {
    return decodeURIComponent(key);
  } catch {
    return key;
  }
}
