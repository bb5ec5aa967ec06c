import { chooseMirror, codenameOf } from './apt.js';
import { causeIn } from './components.js';
import { mountsBelow } from './delete.js';
import { deletionsOf, tablesOf } from './network.js';
import { parseStat } from './processes.js';
import { atLeast, parseVersion } from './programs.js';

describe('the version of a program', () => {
  it.each([
    ['nats-server: v2.15.1', 2, 12, true],
    ['nats-server: v2.10.27', 2, 12, false],
    ['nats-server: v3.0.0-preview', 2, 12, true],
    ['Client Version: v1.36.4\nKustomize Version: v5.8.1', 1, 30, true],
    ['Client Version: v1.32.4-dispatcher', 1, 36, false],
  ])('%p is at least %i.%i: %s', (text, major, minor, expected) => {
    const version = parseVersion(text);
    expect(version !== undefined && atLeast(version, major, minor)).toBe(expected);
  });

  it('is unknown where the answer has none', () => {
    expect(parseVersion('command not found')).toBeUndefined();
  });
});

describe('the mirror that programs are fetched from', () => {
  const targets =
    'https://deb.example/other|nodistro|main\nhttps://mirror.example/debian|bookworm|main\nhttps://mirror.example/security|bookworm-security|main\n';
  it('is the one that has the machine’s own release', () => {
    expect(chooseMirror(targets, 'bookworm')).toBe('https://mirror.example/debian');
  });
  it('is none of another vendor’s', () => {
    expect(chooseMirror('https://deb.example/other|nodistro|main\n', 'bookworm')).toBeUndefined();
  });
  it('needs the release’s name, which os-release has', () => {
    expect(codenameOf('ID=debian\nVERSION_CODENAME=bookworm\n')).toBe('bookworm');
    expect(codenameOf('ID=other\n')).toBeUndefined();
  });
});

describe('a process', () => {
  it('is told by its start, whatever its name holds', () => {
    const rest = 'S 1 7 7 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 987654 1000';
    expect(parseStat(`7 (evil) name (x)) ${rest}`)).toEqual({ state: 'S', startTicks: '987654' });
  });
  it('is unknown where the text is cut short', () => {
    expect(parseStat('7 (x) S 1')).toBeUndefined();
  });
});

describe('what a cluster has in the packet filters', () => {
  it('are the tables of its id', () => {
    const listing = 'table ip decklog_0a1b2c\ntable inet decklog_0a1b2c_v6\ntable ip decklog_0a1b2cd\ntable ip nat\n';
    expect(tablesOf(listing, '0a1b2c')).toEqual(['ip decklog_0a1b2c', 'inet decklog_0a1b2c_v6']);
  });

  it('are the rules whose comment names it, of whatever table', () => {
    const saved = [
      '*nat',
      ':POSTROUTING ACCEPT [0:0]',
      '-A POSTROUTING -s 10.64.0.0/16 ! -d 10.64.0.0/16 -m comment --comment "decklog 0a1b2c" -j MASQUERADE',
      '-A POSTROUTING -s 10.65.0.0/16 -m comment --comment "decklog ffffff" -j MASQUERADE',
      'COMMIT',
      '*filter',
      '-A DOCKER-USER -s 10.64.0.0/16 -m comment --comment decklog_0a1b2c -j ACCEPT',
      '-A DOCKER-USER -s 10.64.0.0/16 -m comment --comment decklog-0a1b2cd -j ACCEPT',
      '-A INPUT -m comment --comment "someone else: 0a1b2c" -j ACCEPT',
      '-A INPUT -j ACCEPT',
      'COMMIT',
    ].join('\n');
    expect(deletionsOf(saved, '0a1b2c')).toEqual([
      '-t nat -D POSTROUTING -s 10.64.0.0/16 ! -d 10.64.0.0/16 -m comment --comment'
        .split(' ')
        .concat('decklog 0a1b2c', '-j', 'MASQUERADE'),
      '-t filter -D DOCKER-USER -s 10.64.0.0/16 -m comment --comment decklog_0a1b2c -j ACCEPT'.split(' '),
    ]);
  });
});

describe('why a process ended', () => {
  const stack = '    at main (/x/main.js:1:2)';
  it.each([
    [
      'what was thrown last, without its stack',
      ['{"level":30,"msg":"up"}', 'Error: old', 'WrongSettings: max_payload is small', stack],
      ['WrongSettings: max_payload is small'],
    ],
    [
      'all lines of it',
      ['Error: the environment does not fit:', '  CLUSTER: letters', stack],
      ['Error: the environment does not fit:', '  CLUSTER: letters'],
    ],
    ['without colours', ['\x1b[31mError: no\x1b[39m'], ['Error: no']],
    [
      'a fatal line',
      ['LOG: x', '2026 FATAL:  could not create lock file', 'LOG: y'],
      ['2026 FATAL:  could not create lock file', 'LOG: y'],
    ],
    ['the last lines where none names an error', ['a', 'b'], ['a', 'b']],
  ])('is %s', (_, lines, expected) => {
    expect(causeIn(lines)).toEqual(expected);
  });
});

it('mounts below a folder are taken away the deepest first, those of neighbours stay', () => {
  const info = [
    '30 1 0:20 / / rw - ext4 /dev/vda rw',
    '31 30 0:21 / /home/x/.decklog/a rw - tmpfs tmpfs rw',
    '32 31 0:22 / /home/x/.decklog/a/nodes/with\\040space rw - tmpfs tmpfs rw',
    '33 30 0:23 / /home/x/.decklog/ab rw - tmpfs tmpfs rw',
  ].join('\n');
  expect(mountsBelow(info, '/home/x/.decklog/a')).toEqual(['/home/x/.decklog/a/nodes/with space', '/home/x/.decklog/a']);
});
