import { serverOptions } from './server-url.js';

describe('the address of the log’s server', () => {
  it.each([
    ['nats://127.0.0.1:4222', { servers: ['nats://127.0.0.1:4222'] }],
    ['nats://me:a%40b@127.0.0.1:4222', { servers: ['nats://127.0.0.1:4222'], user: 'me', pass: 'a@b' }],
    ['nats://secret@one:4222,nats://two:4222', { servers: ['nats://one:4222', 'nats://two:4222'], token: 'secret' }],
    ['tls://me:p@one:4222', { servers: ['tls://one:4222'], user: 'me', pass: 'p', tls: {} }],
    [
      'tls://me:p@one:4222?ca=/pki/ca.crt&cert=/pki/me.crt&key=/pki/me.key,tls://two:4222',
      {
        servers: ['tls://one:4222', 'tls://two:4222'],
        user: 'me',
        pass: 'p',
        tls: { caFile: '/pki/ca.crt', certFile: '/pki/me.crt', keyFile: '/pki/me.key' },
      },
    ],
  ])('%s carries its credentials', (url, options) => {
    expect(serverOptions(url)).toMatchObject(options);
  });

  it('a server that says nothing is given up sooner where there are others', () => {
    const patienceMs = (url: string): number => {
      const { pingInterval = 0, maxPingOut = 0 } = serverOptions(url);
      return pingInterval * (maxPingOut + 1);
    };
    expect(patienceMs('nats://one:4222,nats://two:4222')).toBeLessThan(patienceMs('nats://one:4222'));
  });

  it('says nothing else in its query', () => {
    expect(() => serverOptions('tls://one:4222?verify=false')).toThrow('?verify, which is none of ca, cert, key');
  });
});
