import { existsSync, readFileSync } from 'node:fs';

import { parse } from 'yaml';

import { SERVICE_USERS } from '#libs/log';
import { ControlPlaneConfig } from '#libs/platform';

import { composePasswords, logUsersText } from './log-users.js';

interface Service {
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly depends_on?: Readonly<Record<string, unknown>>;
  readonly configs?: readonly { readonly source: string }[];
  readonly volumes?: readonly string[];
}
interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: object;
  readonly configs: Readonly<Record<string, { readonly file: string }>>;
}

const text = readFileSync('docker-compose.yml', 'utf8');
const { services, volumes, configs } = parse(text, { merge: true }) as Compose;
const env = new Map(
  composePasswords(() => 'ab')
    .trim()
    .split('\n')
    .map((line) => line.split('=') as [string, string]),
);
/** As Compose puts the variables of `.env` into values. */
const filled = (value: string): string => value.replace(/\$\{(\w+)(:\?[^}]*)?\}/g, (_, name: string) => env.get(name) ?? '');
const appsOf = (app: string): readonly (readonly [string, Service])[] =>
  Object.entries(services).filter(([, { command }]) => command?.[1] === `dist/apps/${app}/src/main.js`);

describe('docker-compose.yml', () => {
  it.each(SERVICE_USERS)('runs two of %s, each with settings that it takes, a name of its own, and its own rights on the log', (app) => {
    const two = appsOf(app);
    expect(two.map(([name]) => name)).toEqual([`${app}-1`, `${app}-2`]);
    for (const [name, { environment = {} }] of two) {
      const settings = Object.fromEntries(Object.entries(environment).map(([key, value]) => [key, filled(value)]));
      const config = ControlPlaneConfig.parse(settings);
      expect(config).toMatchObject({ cluster: 'compose', logReplicas: 3, replica: name });
      expect(config.natsUrl).toMatch(
        new RegExp(`^tls://decklog-${app}:pab@nats-1:4222\\?ca=/pki/log/ca.crt&cert=\\S+,tls://nats-2:4222,tls://nats-3:4222$`),
      );
    }
  });

  it('has three servers of the log, which flush what they acknowledge, speak TLS, and know all users', () => {
    const servers = Object.entries(services).filter(([name]) => name.startsWith('nats-'));
    expect(servers.map(([, { environment }]) => environment?.['TLS_CERT'])).toEqual([1, 2, 3].map((n) => `/tls/nats-${n}.crt`));
    const config = readFileSync('deploy/nats.conf', 'utf8');
    expect(config).toMatch(/sync_interval: always/);
    expect(config).toMatch(/max_payload: 4MB/);
    const wanted = [...new Set([...`${config}${logUsersText('compose', false)}`.matchAll(/\$([A-Z_0-9]+)\b/g)].map(([, name]) => name))];
    const variables = wanted.filter((name) => !['JS', 'KV'].includes(name ?? ''));
    for (const [, { environment = {} }] of servers) expect(Object.keys(environment)).toEqual(expect.arrayContaining(variables));
  });

  it('gives the users of the log the rights that the code has', () => {
    expect(readFileSync('deploy/log-users.conf', 'utf8')).toBe(logUsersText('compose', false));
  });

  it('asks for no variable but those that are drawn for it', () => {
    const asked = [...new Set([...text.matchAll(/\$\{(\w+)/g)].map(([, name]) => name))];
    expect(asked.sort()).toEqual([...env.keys()].sort());
  });

  it('names nothing that is not there', () => {
    for (const [name, { depends_on: needed = {}, configs: used = [], volumes: mounted = [] }] of Object.entries(services)) {
      for (const other of Object.keys(needed)) expect([name, Object.keys(services)]).toEqual([name, expect.arrayContaining([other])]);
      for (const { source } of used) expect(existsSync(configs[source]?.file ?? '')).toBe(true);
      for (const one of mounted) expect(Object.keys(volumes)).toContain(one.split(':')[0]);
    }
  });
});
