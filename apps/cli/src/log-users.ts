import { publishable, SERVICE_USERS, SUBSCRIBABLE, type LogUser } from '#libs/log';

/** Users of the log's server, by the name they have there. */
const USERS: readonly (readonly [name: string, user: LogUser])[] = [
  ['decklog', 'control-plane'],
  ...SERVICE_USERS.map((user) => [`decklog-${user}`, user] as const),
  ['decklog-archiver', 'archiver'],
  ['decklog-backup', 'backup'],
];

/** The variable of the server's environment that a user's password is in. */
export const passwordVariable = (name: string): string => `${name.toUpperCase().replaceAll('-', '_')}_PASSWORD`;

/**
 * The users of a cluster on a log's server of someone else's, as nats-server's settings have them: passwords are in variables of its
 * environment. The one who may restore is left out unless asked for.
 */
export function logUsersText(cluster: string, withRestorer: boolean): string {
  const users = [...USERS, ...(withRestorer ? [['decklog-restorer', 'restorer'] as const] : [])].map(
    ([name, user]) => `    {
      user: "${name}", password: $${passwordVariable(name)}
      permissions {
        publish: ${JSON.stringify(publishable(cluster, user))}
        subscribe: ${JSON.stringify(SUBSCRIBABLE)}
      }
    }`,
  );
  return `authorization {\n  users: [\n${users.join('\n')}\n  ]\n}\n`;
}

/** Of a composed cluster's other servers. */
const OTHERS = ['ROUTE_PASSWORD', 'POSTGRES_PASSWORD'] as const;

/** Every password that `docker-compose.yml` wants, a line each; `draw` makes one of hexadecimal digits. The letter keeps nats-server from reading a number. */
export function composePasswords(draw: () => string): string {
  return [...OTHERS, ...USERS.map(([name]) => passwordVariable(name))].map((name) => `${name}=p${draw()}\n`).join('');
}
