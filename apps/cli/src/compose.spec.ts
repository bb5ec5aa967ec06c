import { readFileSync } from 'node:fs';

import { publishable, SUBSCRIBABLE, type LogUser } from '#libs/log';

describe('docker-compose.yml', () => {
  // What Compose itself would take for a variable is written twice there.
  const text = readFileSync('docker-compose.yml', 'utf8').replaceAll('$$', '$');

  it.each<[string, LogUser]>([
    ['decklog', 'control-plane'],
    ['decklog-archiver', 'archiver'],
  ])('gives %s of the log’s server what such a user may do', (name, user) => {
    const [, own = ''] = text.split(`user: "${name}"`);
    const listOf = (what: string): unknown => JSON.parse(new RegExp(`${what}: (\\[.*\\])`).exec(own)?.[1] ?? 'null');
    expect(listOf('publish')).toEqual(publishable('compose', user));
    expect(listOf('subscribe')).toEqual(SUBSCRIBABLE);
  });
});
