import type { ConnectionOptions } from 'nats';

type ServerOptions = Pick<ConnectionOptions, 'servers' | 'user' | 'pass' | 'token' | 'pingInterval' | 'maxPingOut' | 'timeout'>;

/** A server that is stopped keeps its connections: it is given up after three pings. */
const ALONE = { pingInterval: 2_000, maxPingOut: 2 };
/** Where there are others it is left before they can have chosen another leader, and one that takes a connection and says nothing is passed by. */
const ONE_OF_SEVERAL = { pingInterval: 1_000, maxPingOut: 2, timeout: 2_000 };

/**
 * The client's options for `nats://user:password@host:port`, or several such, comma-separated. The client itself
 * takes no credentials out of a URL; those of the first one count for all.
 */
export function serverOptions(url: string): ServerOptions {
  const urls = url.split(',').map((one) => new URL(one));
  const { username, password } = urls[0] ?? { username: '', password: '' };
  for (const one of urls) one.username = one.password = '';
  const options = { servers: urls.map((one) => one.toString()), ...(urls.length > 1 ? ONE_OF_SEVERAL : ALONE) };
  if (username === '') return options;
  const user = decodeURIComponent(username);
  return password === '' ? { ...options, token: user } : { ...options, user, pass: decodeURIComponent(password) };
}
