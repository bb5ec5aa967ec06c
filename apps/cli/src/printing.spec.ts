import { SERVICE_USERS } from '#libs/log';
import { natsConfig, type NatsServer } from './nats.js';
import { portsOfBlock } from './addresses.js';
import { serviceRows } from './service.js';
import { framedTable, plainTable } from './table.js';
import { formatDuration, makeTerminal } from './terminal.js';

describe('progress', () => {
  const lines = (env: Record<string, string>, isTTY: boolean) => {
    const written: string[] = [];
    return { terminal: makeTerminal({ isTTY, columns: 80, write: (text) => written.push(text) }, env), written };
  };

  it('without a terminal is plain lines, each with its time', async () => {
    const { terminal, written } = lines({}, false);
    await terminal.step('🐳', 'Container engine', (say) => Promise.resolve(say('Docker 28')));
    expect(written.join('')).toMatch(/^ {4}- Docker 28\n\* Container engine \(\d+\.\ds\)\n$/);
  });

  it('on a terminal has icons, and the spinner leaves nothing behind', async () => {
    const { terminal, written } = lines({ LANG: 'C.UTF-8' }, true);
    await terminal.step('🐳', 'Container engine', () => Promise.resolve());
    const screen = written.join('');
    expect(screen.slice(screen.lastIndexOf('\x1b[K') + 3)).toMatch(/^🐳 {2}Container engine \(\d+\.\ds\)\n$/);
  });

  it('says which step failed, and passes the failure on', async () => {
    const { terminal, written } = lines({}, false);
    await expect(terminal.step('🐳', 'Container engine', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(written.join('')).toMatch(/^X Container engine: failed after/);
  });

  it.each([
    [340, '0.3s'],
    [12_340, '12.3s'],
    [65_000, '1m 5s'],
  ])('%i ms are %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });
});

describe('tables', () => {
  it('of services look as minikube’s', () => {
    expect(
      framedTable(['NAMESPACE', 'NAME', 'TARGET PORT', 'URL'], [['default', 'hello-minikube', '8080', 'http://10.64.1.1:30651']]),
    ).toBe(
      [
        '|-----------|----------------|-------------|------------------------|',
        '| NAMESPACE |      NAME      | TARGET PORT |          URL           |',
        '|-----------|----------------|-------------|------------------------|',
        '| default   | hello-minikube |        8080 | http://10.64.1.1:30651 |',
        '|-----------|----------------|-------------|------------------------|',
      ].join('\n'),
    );
  });

  it('of components look as kubectl’s', () => {
    expect(
      plainTable(
        ['NAME', 'PID'],
        [
          ['nats', '12'],
          ['control-plane', '7'],
        ],
      ),
    ).toBe('NAME            PID\nnats            12\ncontrol-plane   7');
  });
});

describe('the ways into a service', () => {
  it('are its node ports; ports without one have none', () => {
    const service = {
      metadata: { name: 'web', namespace: 'default' },
      spec: { ports: [{ port: 80, nodePort: 30080 }, { name: 'https', port: 443, nodePort: 30443 }, { port: 9 }] },
    };
    expect(serviceRows(service, '10.64.1.1', 'http')).toEqual([
      { targetPort: '80', url: 'http://10.64.1.1:30080' },
      { targetPort: 'https/443', url: 'http://10.64.1.1:30443' },
    ]);
  });
});

describe('the log’s server', () => {
  const secrets = { nats: 'secret', natsArchiver: 'other', natsBackup: 'third', natsRoute: 'fourth', postgres: '' };
  const serverOf = (number: number): NatsServer => {
    const [client = 0, monitor = 0, route = 0] = portsOfBlock(0).slice(number * 3);
    return { component: `nats-${number}`, name: `decklog-0a1b2c-${number}`, client, monitor, route, folder: `/data/nats/${number}` };
  };
  const { route: _, ...alone } = serverOf(0);
  const config = natsConfig({ id: '0a1b2c' }, secrets, { ...alone, client: 21_001 }, []);

  it('is one of several only where there are several, and for who knows their password', () => {
    expect(config).not.toContain('cluster {');
    const all = [0, 1, 2].map(serverOf);
    const one = natsConfig({ id: '0a1b2c' }, secrets, serverOf(1), all);
    expect(one).toContain(`listen: "127.0.0.1:${serverOf(1).route}"`);
    for (const { route } of all) expect(one).toContain(`nats://route:fourth@127.0.0.1:${route}`);
  });

  it('listens on loopback alone and flushes each message', () => {
    expect(config).toContain('listen: "127.0.0.1:21001"');
    expect(config).toContain('sync_interval: always');
    expect(config).toContain('max_payload: 4MB');
  });

  it('has a user for the control plane, one for the archiver and one for backups, and lists what each may do', () => {
    const users = [...config.matchAll(/user: "(.*)"\n *password: "(.*)"/g)].map(([, user, password]) => [user, password]);
    expect(users.slice(0, 3)).toEqual([
      ['decklog', 'secret'],
      ['decklog-archiver', 'other'],
      ['decklog-backup', 'third'],
    ]);
    expect(users.slice(3).map(([user]) => user)).toEqual(SERVICE_USERS.map((user) => `decklog-${user}`));
    expect(new Set(users.map(([, password]) => password)).size).toBe(users.length);
    const [control, archiver] = [...config.matchAll(/publish: (\[.*\])/g)].map(([, list]) => JSON.parse(list ?? '') as string[]);
    expect(control).toContain('decklog.0a1b2c.>');
    expect(control?.filter((subject) => /PURGE|DELETE/.test(subject))).toEqual(['$JS.API.STREAM.PURGE.KV_decklog_0a1b2c_keys']);
    expect(archiver?.filter((subject) => /PURGE|DELETE/.test(subject))).toEqual([
      '$JS.API.CONSUMER.DELETE.decklog_0a1b2c_state.>',
      '$JS.API.STREAM.MSG.DELETE.decklog_0a1b2c_state',
    ]);
  });
});
