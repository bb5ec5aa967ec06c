import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { CONFIGMAPS, NAMESPACES, SECRETS } from '#libs/api';
import { ApiClient } from '#libs/client';
import { startTestApiServer, type TestApiServer } from '#libs/testing';
import { Command } from 'commander';

import { addHistory } from './commands.js';

let api: TestApiServer;
let client: ApiClient;
let folder: string;
let kubeconfig: string;

const base64 = (text: string | Buffer): string => Buffer.from(text).toString('base64');

/** Runs a command as a user of the kubeconfig would; what it printed, its exit code, and what it failed with. */
async function run(...args: readonly string[]): Promise<{ out: string; code: number; failure?: string }> {
  let out = '';
  let code = 0;
  const spy = jest.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += String(text);
    return true;
  });
  const program = new Command('decklog').exitOverride();
  addHistory(program, { signal: new AbortController().signal, catchInterrupts: () => undefined, setExitCode: (set) => (code = set) });
  try {
    await program.parseAsync(['node', 'decklog', ...args, '--kubeconfig', kubeconfig]);
    return { out, code };
  } catch (error) {
    const { message, exitCode } = error as { message: string; exitCode?: number };
    return { out, code: exitCode ?? 1, failure: message };
  } finally {
    spy.mockRestore();
  }
}

beforeAll(async () => {
  api = await startTestApiServer();
  const url = `https://127.0.0.1:${api.server.port}`;
  client = new ApiClient({ url, ca: api.authority.cert, cert: api.admin.cert, key: api.admin.key, userAgent: 'kubectl/v1.36.0' });
  folder = await mkdtemp(join(tmpdir(), 'decklog-history-'));
  kubeconfig = join(folder, 'config');
  await writeFile(join(folder, 'admin.key'), api.admin.key);
  await writeFile(
    kubeconfig,
    JSON.stringify({
      'current-context': 'a',
      contexts: [{ name: 'a', context: { cluster: 'c', user: 'u', namespace: 'prod' } }],
      clusters: [{ name: 'c', cluster: { server: url, 'certificate-authority-data': base64(api.authority.cert) } }],
      users: [{ name: 'u', user: { 'client-certificate-data': base64(api.admin.cert), 'client-key': 'admin.key' } }],
    }),
  );
  await client.create(NAMESPACES, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'prod' } });
  // Everybody may look, where what is looked at may be read.
  const rbac = { group: 'rbac.authorization.k8s.io', version: 'v1', apiVersion: 'rbac.authorization.k8s.io/v1' };
  const rules = [
    { nonResourceURLs: ['/api', '/apis'], verbs: ['get'] },
    { apiGroups: ['history.decklog.dev'], resources: ['*'], verbs: ['get', 'list'] },
  ];
  const name = 'curious';
  await client.create({ ...rbac, resource: 'clusterroles' }, { ...rbac, kind: 'ClusterRole', metadata: { name }, rules } as never);
  const subjects = [{ apiGroup: rbac.group, kind: 'Group', name: 'system:authenticated' }];
  const roleRef = { apiGroup: rbac.group, kind: 'ClusterRole', name };
  const binding = { ...rbac, kind: 'ClusterRoleBinding', metadata: { name }, subjects, roleRef };
  await client.create({ ...rbac, resource: 'clusterrolebindings' }, binding as never);
  const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', namespace: 'prod' } };
  await client.create(CONFIGMAPS, { ...map, data: { color: 'red' } } as never);
  await client.patch(CONFIGMAPS, 'prod', 'a', { data: { color: 'blue' } }, { fieldManager: 'kubectl-edit' });
  await client.delete(CONFIGMAPS, 'prod', 'a');
  await client.create(CONFIGMAPS, { ...map, data: { color: 'green' } } as never);
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's', namespace: 'prod' } };
  await client.create(SECRETS, { ...secret, stringData: { p: 'hunter2' } } as never);
  await client.patch(SECRETS, 'prod', 's', { stringData: { p: 'hunter3' } });
});

afterAll(async () => {
  client.close();
  await api.close();
  await rm(folder, { recursive: true, force: true });
});

describe('the commands of the past, with no more than a kubeconfig', () => {
  it('history tells every revision, across a deletion', async () => {
    const { out } = await run('history', 'cm/a');
    const rows = out.split('\n').map((line) => line.replace(/^\d+ +\d+s +/, ''));
    expect(rows.slice(1)).toEqual([
      expect.stringMatching(/create \(kubectl\) +\+created$/),
      '--- not there for 0s; before, another object of this name ---',
      expect.stringMatching(/delete \(kubectl\) +-deleted$/),
      expect.stringMatching(/patch \(kubectl edit\) +data\.color: red -> blue$/),
      expect.stringMatching(/create \(kubectl\) +\+created$/),
      '',
    ]);
    expect((await run('history', 'cm/a', '--fields', 'data.color', '-o', 'name')).out).toMatch(/^revision\/state-\d+\n$/);
    expect(JSON.parse((await run('history', 'configmap', 'a', '-o', 'json', '--limit', '2')).out)).toMatchObject({
      kind: 'RevisionList',
      items: [{ type: 'Created' }, { type: 'Deleted' }],
    });
  });

  it('why tells who made it, now and as of a moment', async () => {
    const names = (await run('history', 'cm/a', '-o', 'name')).out.trim().split('\n');
    const deletion = names[1]?.replace('revision/state-', '') ?? '';
    expect((await run('why', 'cm/a')).out).toMatch(/^ConfigMap a has been there for \d+s, made by \S+\.\n\nHow it came about:\n/);
    expect((await run('why', 'cm/a', '--at', deletion)).out).toMatch(/^ConfigMap a was deleted \d+s ago by \S+\.\n/);
    expect(JSON.parse((await run('why', 'cm/a', '-o', 'json')).out)).toMatchObject({ kind: 'Explanation', fate: 'exists' });
  });

  it('diff compares moments, and says in its exit code whether they differ', async () => {
    const first = (await run('history', 'cm/a', '-o', 'name')).out.trim().split('\n').at(-1)?.replace('revision/state-', '') ?? '';
    const { out, code } = await run('diff', 'cm/a', '--from', first);
    expect(code).toBe(1);
    expect(out).toContain('~ ConfigMap prod/a (deleted, and created again)\n-   data.color: red\n+   data.color: green\n');
    expect(await run('diff', 'cm/a', '--from', 'now')).toEqual({ out: '', code: 0 });
    expect((await run('diff', '-n', 'prod', '--from', first)).out).toContain('+ Secret prod/s (created)');
    expect(await run('diff', 'cm/none', '--from', first)).toMatchObject({ code: 2, failure: 'configmap/none was there at neither moment' });
  });

  it('activity is a log of who did what', async () => {
    const { out } = await run('activity', '-n', 'prod', '--kind', 'cm', '--category', 'change');
    expect(out.trim().split('\n')).toEqual([
      expect.stringContaining('create prod: configmaps/a  created'),
      expect.stringContaining('patch prod: configmaps/a  data.color'),
      expect.stringContaining('delete prod: configmaps/a  deleted'),
      expect.stringContaining('create prod: configmaps/a  created'),
    ]);
    expect((await run('activity', '--verb', 'delete', '-o', 'ndjson')).out.trim().split('\n')).toHaveLength(1);
  });

  it('none of them shows what a Secret holds, and a user who may not read it learns nothing of it', async () => {
    for (const args of [
      ['history', 'secret/s'],
      ['why', 'secret/s'],
      ['diff', '-A', '--from', '1', '-o', 'yaml'],
      ['activity', '-o', 'ndjson'],
    ]) {
      const { out } = await run(...args);
      expect(out).not.toBe('');
      for (const value of ['hunter2', 'hunter3']) expect(out).not.toMatch(new RegExp(`${value}|${base64(value).replace(/=+$/, '')}`));
    }
    for (const command of ['history', 'why'])
      expect(await run(command, 'secret/s', '--as', 'eve')).toEqual({
        out: '',
        code: 1,
        failure: 'secrets "s" is forbidden: User "eve" cannot get resource "secrets" in API group "" in the namespace "prod"',
      });
  });

  it.each([
    [['history', 'cm/none'], 1, 'configmap/none has no history in namespace prod'],
    [['why', 'cm/none'], 1, 'configmap/none has no history in namespace prod'],
    [['history', 'gadget/a'], 1, 'the server doesn\'t have a resource type "gadget"'],
    [['why', 'cm/a', '--at', 'yesterday'], 2, '"yesterday" is no moment'],
    [['diff', '--from', '1h'], 2, 'what is to be compared?'],
    [['activity', '-f', '-o', 'yaml'], 2, "--follow can't be printed as yaml"],
    [['history', 'cm/a', '--as-group', 'x'], 2, '--as-group and --as-uid need --as: whom to act as'],
    [['history', 'cm/a', '--context', 'b'], 1, expect.stringContaining('there is no context "b"')],
  ])('%j fails, and says why', async (args, code, failure) => {
    expect(await run(...args)).toEqual({ out: '', code, failure });
  });
});
