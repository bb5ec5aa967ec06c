import type { ConnectionOptions } from 'nats';

/**
 * The client's options for `nats://user:password@host:port`, or several such, comma-separated. The client itself
 * takes no credentials out of a URL; those of the first one count for all.
 */
export function serverOptions(url: string): Pick<ConnectionOptions, 'servers' | 'user' | 'pass' | 'token'> {
  const urls = url.split(',').map((one) => new URL(one));
  const { username, password } = urls[0] ?? { username: '', password: '' };
  for (const one of urls) one.username = one.password = '';
  const servers = urls.map((one) => one.toString());
  if (username === '') return { servers };
  const user = decodeURIComponent(username);
  return password === '' ? { servers, token: user } : { servers, user, pass: decodeURIComponent(password) };
}
