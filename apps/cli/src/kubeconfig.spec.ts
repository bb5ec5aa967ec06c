import { parse } from 'yaml';

import { Failure } from './failure.js';
import { checkKubeconfig, mergeKubeconfig, removeFromKubeconfig } from './kubeconfig.js';
import type { KubeconfigEntry } from './kubeconfig.js';

const entry: KubeconfigEntry = {
  name: 'decklog',
  id: '0a1b2c',
  server: 'https://127.0.0.1:6443',
  authority: 'CA',
  certificate: 'CERT',
  key: 'KEY',
};

const FOREIGN = `# my clusters
apiVersion: v1
kind: Config
preferences: {}
clusters:
- name: work # the one that pays
  cluster: {server: "https://work:6443", insecure-skip-tls-verify: true}
users:
- name: me
  user:
    exec: {apiVersion: client.authentication.k8s.io/v1, command: get-token, args: ["--long", "1e3"]}
contexts:
- context: {cluster: work, user: me}
  name: work
current-context: work
`;

interface Parsed {
  readonly clusters: readonly { readonly name: string }[];
  readonly users: readonly { readonly name: string }[];
  readonly contexts: readonly { readonly name: string }[];
  readonly 'current-context': string;
}

const read = (text: string) => parse(text) as Parsed;

describe('merging into a kubeconfig', () => {
  it('makes a whole one out of nothing', () => {
    const config = parse(mergeKubeconfig('', entry)) as Record<string, unknown>;
    expect(config).toMatchObject({ apiVersion: 'v1', kind: 'Config', 'current-context': 'decklog' });
    expect(config['clusters']).toMatchObject([
      {
        name: 'decklog',
        cluster: { server: 'https://127.0.0.1:6443', 'certificate-authority-data': Buffer.from('CA').toString('base64') },
      },
    ]);
    expect(config['users']).toMatchObject([{ name: 'decklog', user: { 'client-key-data': Buffer.from('KEY').toString('base64') } }]);
  });

  it('leaves everything else as it is, comments included', () => {
    const merged = mergeKubeconfig(FOREIGN, entry);
    const [before, after] = [read(FOREIGN), read(merged)];
    expect(after.clusters[0]).toEqual(before.clusters[0]);
    expect(after.users[0]).toEqual(before.users[0]);
    expect(after.contexts[0]).toEqual(before.contexts[0]);
    expect(merged).toContain('# my clusters');
    expect(merged).toContain('# the one that pays');
    expect(after['current-context']).toBe('decklog');
  });

  it('done twice is done once, and renews what changed', () => {
    const once = mergeKubeconfig(FOREIGN, entry);
    expect(mergeKubeconfig(once, entry)).toBe(once);
    const moved = read(mergeKubeconfig(once, { ...entry, server: 'https://127.0.0.1:7443' }));
    expect(moved.clusters).toHaveLength(2);
    expect(moved.clusters[1]).toMatchObject({ cluster: { server: 'https://127.0.0.1:7443' } });
  });

  it.each(['clusters: null\nusers: []\ncontexts:\n', '{"apiVersion":"v1","kind":"Config","clusters":[]}', '# nothing\n'])(
    'takes %p as having no entries',
    (text) => {
      expect(read(mergeKubeconfig(text, entry)).contexts).toHaveLength(1);
    },
  );

  it('refuses a context of that name which is someone else’s', () => {
    const text = FOREIGN.replace('  name: work\n', '  name: decklog\n');
    expect(() => mergeKubeconfig(text, entry)).toThrow(Failure);
    expect(() => checkKubeconfig(text, 'decklog')).toThrow('not Decklog');
  });

  it.each(['- a\n- b\n', 'a: [1, 2\n', 'plain'])('refuses %p, which is no kubeconfig', (text) => {
    expect(() => mergeKubeconfig(text, entry)).toThrow(Failure);
  });
});

describe('removing from a kubeconfig', () => {
  it('takes away our entries alone', () => {
    const after = removeFromKubeconfig(mergeKubeconfig(FOREIGN, entry), 'decklog', '0a1b2c') ?? '';
    expect(read(after)).toEqual({ ...read(FOREIGN), 'current-context': '' });
    expect(after).toContain('# my clusters');
  });

  it('leaves the current context when it is another', () => {
    const text = mergeKubeconfig(FOREIGN, entry).replace('current-context: decklog', 'current-context: work');
    expect(read(removeFromKubeconfig(text, 'decklog', '0a1b2c') ?? '')['current-context']).toBe('work');
  });

  it.each([
    ['another cluster’s entries of the same name', mergeKubeconfig('', { ...entry, id: 'ffffff' })],
    ['a kubeconfig without them', FOREIGN],
    ['an id made of digits only, of another cluster', mergeKubeconfig('', { ...entry, id: '123456' })],
  ])('does nothing to %s', (_, text) => {
    expect(removeFromKubeconfig(text, 'decklog', '0a1b2c')).toBeUndefined();
  });

  it('knows an id that YAML could read as a number', () => {
    for (const id of ['123456', '000012', '1e1000', '0x1234'])
      expect(removeFromKubeconfig(mergeKubeconfig('', { ...entry, id }), 'decklog', id)).toBeDefined();
  });
});
