import type { ConnectionOptions } from 'nats';

type ServerOptions = Pick<ConnectionOptions, 'servers' | 'user' | 'pass' | 'token' | 'tls' | 'pingInterval' | 'maxPingOut' | 'timeout'>;

/** What a URL's query may name: files of a certificate authority, and of a certificate of one's own. */
const FILES = { ca: 'caFile', cert: 'certFile', key: 'keyFile' } as const;

/** A server that is stopped keeps its connections: it is given up after three pings. */
const ALONE = { pingInterval: 2_000, maxPingOut: 2 };
/** Where there are others it is left before they can have chosen another leader, and one that takes a connection and says nothing is passed by. */
const ONE_OF_SEVERAL = { pingInterval: 1_000, maxPingOut: 2, timeout: 2_000 };

/**
 * The client's options for `nats://user:password@host:port`, or several such, comma-separated. The client itself
 * takes no credentials out of a URL; those of the first one count for all. `tls://` is encrypted or not at all; whom to believe, and what
 * to show, is in the first one's query: `?ca=<file>&cert=<file>&key=<file>`. Throws TypeError for anything else there.
 */
export function serverOptions(url: string): ServerOptions {
  const urls = url.split(',').map((one) => new URL(one));
  const { username, password, searchParams } = urls[0] ?? new URL('nats://127.0.0.1');
  const named = [...searchParams].map(([name, file]) => {
    if (!(name in FILES)) throw new TypeError(`the log's URL says ?${name}, which is none of ${Object.keys(FILES).join(', ')}`);
    return [FILES[name as keyof typeof FILES], file] as const;
  });
  const tls = named.length > 0 || urls.some(({ protocol }) => protocol === 'tls:') ? { tls: Object.fromEntries(named) } : {};
  for (const one of urls) one.username = one.password = one.search = '';
  const options = { servers: urls.map((one) => one.toString()), ...tls, ...(urls.length > 1 ? ONE_OF_SEVERAL : ALONE) };
  if (username === '') return options;
  const user = decodeURIComponent(username);
  return password === '' ? { ...options, token: user } : { ...options, user, pass: decodeURIComponent(password) };
}
