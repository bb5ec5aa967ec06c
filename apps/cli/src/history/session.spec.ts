import { StatusError } from '#libs/apimachinery';
import { Unreachable } from '#libs/client';

import { credentialsOf } from './credentials.js';
import { namedObject, namedResource, objectText, resourcesOfDiscovery, type ServedResource } from './resources.js';
import { failureFor } from './session.js';

const base64 = (text: string): string => Buffer.from(text).toString('base64');

const KUBECONFIG = `
current-context: admin
clusters:
- name: here
  cluster: { server: 'https://127.0.0.1:6443', certificate-authority-data: ${base64('CA')} }
- name: there
  cluster: { server: 'https://there:6443/at/10m', certificate-authority: ca.crt, tls-server-name: kubernetes }
- name: plain
  cluster: { server: 'http://there' }
users:
- name: admin
  user: { client-certificate-data: ${base64('CERT')}, client-key: admin.key }
- name: robot
  user: { tokenFile: token }
- name: deputy
  user: { token: T, as: alice, as-groups: [ops] }
- name: cloud
  user: { exec: { command: aws } }
contexts:
- name: admin
  context: { cluster: here, user: admin, namespace: prod }
- name: robot
  context: { cluster: there, user: robot }
- name: deputy
  context: { cluster: here, user: deputy }
- name: cloud
  context: { cluster: here, user: cloud }
- name: plain
  context: { cluster: plain, user: admin }
- name: nowhere
  context: { cluster: gone, user: admin }
`;

describe('a kubeconfig says whom to ask and as whom', () => {
  const read = (context?: string) =>
    credentialsOf([{ path: '/etc/kc', text: KUBECONFIG }], context, (kubeconfig, file) => `${kubeconfig}>${file}\n`);

  it.each([
    [
      'the current context, its certificate and its namespace',
      undefined,
      {
        server: 'https://127.0.0.1:6443',
        namespace: 'prod',
        options: { ca: 'CA', cert: 'CERT', key: '/etc/kc>admin.key\n' },
      },
    ],
    [
      'a token and an authority in files, and the name of the server',
      'robot',
      { server: 'https://there:6443/at/10m', options: { ca: '/etc/kc>ca.crt\n', serverName: 'kubernetes', token: '/etc/kc>token' } },
    ],
    [
      'a token in place and whom to act as',
      'deputy',
      { server: 'https://127.0.0.1:6443', options: { ca: 'CA', token: 'T', impersonate: { user: 'alice', groups: ['ops'] } } },
    ],
  ])('%s', (_, context, expected) => {
    expect(read(context)).toEqual(expected);
  });

  it.each([
    ['a context that is not there', 'other', '/etc/kc: there is no context "other"'],
    ['a context without its cluster', 'nowhere', '/etc/kc: the context "nowhere" names no cluster with a server'],
    ['credentials of a plugin', 'cloud', '/etc/kc: credentials of a plugin (exec, auth-provider) are not supported'],
    ['a server without TLS', 'plain', '/etc/kc: the server of context "plain" is no https:// URL: http://there'],
  ])('%s can not be used', (_, context, message) => {
    expect(() => read(context)).toThrow(message);
  });

  it('takes the first entry of a name over several files, as kubectl', () => {
    const first = { path: '/a', text: 'contexts: [{ name: x, context: { cluster: here, user: robot } }]' };
    const second = { path: '/b', text: `${KUBECONFIG}- name: x\n  context: { cluster: gone }\n` };
    expect(credentialsOf([first, second], 'x', () => 'T').options).toEqual({ ca: 'CA', token: 'T' });
  });

  it('names the file that is none', () => {
    expect(() => credentialsOf([{ path: '/a', text: '[1' }], undefined, () => '')).toThrow('/a is no kubeconfig');
    expect(() => credentialsOf([{ path: '/a', text: '' }], undefined, () => '')).toThrow('/a: no context is current');
  });
});

const DISCOVERY = {
  items: [
    {
      metadata: {},
      versions: [
        { version: 'v1', resources: [one('pods', 'Pod', ['po']), one('events', 'Event', ['ev']), one('nodes', 'Node', ['no'], 'Cluster')] },
      ],
    },
    {
      metadata: { name: 'apps' },
      versions: [{ version: 'v1', resources: [one('deployments', 'Deployment', ['deploy'])] }],
    },
    { metadata: { name: 'events.k8s.io' }, versions: [{ version: 'v1', resources: [one('events', 'Event', ['ev'])] }] },
    {
      metadata: { name: 'example.com' },
      versions: ['v2', 'v1'].map((version) => ({ version, resources: [one('widgets', 'Widget', [])] })),
    },
  ],
};

function one(resource: string, kind: string, shortNames: readonly string[], scope = 'Namespaced'): object {
  return { resource, responseKind: { kind }, scope, singularResource: kind.toLowerCase(), shortNames, verbs: ['get', 'list'] };
}

describe('a kind is named as for kubectl', () => {
  const all: readonly ServedResource[] = resourcesOfDiscovery(DISCOVERY);

  it.each([
    ['its plural', 'pods', 'v1 pods'],
    ['its singular', 'pod', 'v1 pods'],
    ['its kind', 'Deployment', 'apps/v1 deployments'],
    ['a short name', 'deploy', 'apps/v1 deployments'],
    ['with its group', 'deployments.apps', 'apps/v1 deployments'],
    ['with version and group', 'deployments.v1.apps', 'apps/v1 deployments'],
    ['the first group that has it', 'events', 'v1 events'],
    ['the group that was meant', 'ev.events.k8s.io', 'events.k8s.io/v1 events'],
    ['a group’s beginning', 'ev.events', 'events.k8s.io/v1 events'],
    ['the preferred version', 'widgets', 'example.com/v2 widgets'],
    ['another version', 'widget.v1.example.com', 'example.com/v1 widgets'],
  ])('by %s', (_, text, expected) => {
    const { group, version, resource } = namedResource(text, all);
    expect(`${group === '' ? '' : `${group}/`}${version} ${resource}`).toBe(expected);
  });

  it('that is not served any more by its full name', () => {
    expect(namedResource('gadgets.example.org', all)).toEqual({ group: 'example.org', resource: 'gadgets' });
    expect(() => namedResource('gadgets', all)).toThrow('the server doesn\'t have a resource type "gadgets"');
  });

  it.each([
    ['KIND/NAME', ['deploy/web'], 'deployment/web'],
    ['KIND NAME', ['po', 'web-0'], 'pod/web-0'],
    ['a kind of somebody’s own', ['widget/a'], 'widget.example.com/a'],
  ])('and an object as %s', (_, args, expected) => {
    expect(objectText(namedObject(args, all))).toBe(expected);
  });

  it.each([[[]], [['pod']], [['pod/']], [['/a']], [['pod/a/b']], [['pod', 'a', 'b']], [['pod/a', 'b']]])('not as %j', (args) => {
    expect(() => namedObject(args, all)).toThrow('one object is expected, as KIND/NAME or KIND NAME');
  });
});

describe('what the server did not do', () => {
  it('is told in its words', () => {
    const refusal = new StatusError('Forbidden', 'pods is forbidden: User "eve" cannot list resource "pods"');
    expect(failureFor(refusal, 'https://a', [])).toMatchObject({ message: refusal.message, exitCode: 1 });
  });

  it('is told with where it was asked, when there was no answer', () => {
    const lost = new Unreachable('GET https://a/api: no', { cause: new Error('connect ECONNREFUSED') });
    expect(failureFor(lost, 'https://a', ['Start it.'])).toMatchObject({
      message: 'the API server https://a does not answer: connect ECONNREFUSED',
      advice: ['Start it.'],
    });
  });
});
