import { DEPLOYMENTS, NAMESPACES, PODS } from '#libs/api';
import type { KubeObject } from '#libs/apimachinery';
import { aDeployment, aPod, aServiceAccount, decidedIn, refusedIn } from '#libs/testing';
import { printedViolations, violationsOf } from './evaluate.js';

const namespace = (labels: object = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: {
    name: 'default',
    labels: Object.fromEntries(Object.entries(labels).map(([mode, value]) => [`pod-security.kubernetes.io/${mode}`, value as string])),
  },
});
const world = (labels: object, ...more: readonly KubeObject[]): readonly KubeObject[] => [
  namespace(labels),
  aServiceAccount('default'),
  ...more,
];

const container = (securityContext: object, more: object = {}): object => ({
  containers: [{ name: 'a', image: 'echo:1.0', securityContext, ...more }],
});
const SAFE = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  runAsNonRoot: true,
  seccompProfile: { type: 'RuntimeDefault' },
};
const wrongIn = (level: 'baseline' | 'restricted', spec: object, minor = Infinity, annotations: Record<string, string> = {}): string =>
  printedViolations(violationsOf({ level, minor }, { containers: [], ...spec }, { annotations }));

describe('the baseline standard', () => {
  const two = (securityContext: object): object => ({
    initContainers: [{ name: 'a', securityContext }],
    containers: [{ name: 'b', securityContext }],
  });
  it.each([
    [{ hostNetwork: true, hostPID: true, hostIPC: true }, 'host namespaces (hostNetwork=true, hostPID=true, hostIPC=true)'],
    [container({ privileged: true }), 'privileged (container "a" must not set securityContext.privileged=true)'],
    [two({ privileged: true }), 'privileged (containers "a", "b" must not set securityContext.privileged=true)'],
    [
      container({ capabilities: { add: ['SYS_ADMIN', 'NET_RAW', 'CHOWN'] } }),
      'non-default capabilities (container "a" must not include "NET_RAW", "SYS_ADMIN" in securityContext.capabilities.add)',
    ],
    [{ volumes: [{ name: 'v', hostPath: { path: '/' } }] }, 'hostPath volumes (volume "v")'],
    [container({}, { ports: [{ containerPort: 80, hostPort: 80 }] }), 'hostPort (container "a" uses hostPort 80)'],
    [
      container(
        {},
        {
          ports: [
            { containerPort: 80, hostPort: 80 },
            { containerPort: 81, hostPort: 443 },
          ],
        },
      ),
      'hostPorts (container "a" uses hostPorts 443, 80)',
    ],
    [
      container({}, { livenessProbe: { httpGet: { port: 80, host: 'other' } } }),
      'probe or lifecycle host (container "a" uses probe or lifecycle host "other")',
    ],
    [container({ procMount: 'Unmasked' }), 'procMount (container "a" must not set securityContext.procMount to "Unmasked")'],
    [
      { securityContext: { seLinuxOptions: { type: 'spc_t', user: 'u' } } },
      'seLinuxOptions (pod set forbidden securityContext.seLinuxOptions: type "spc_t"; user may not be set)',
    ],
    [
      { securityContext: { seccompProfile: { type: 'Unconfined' } }, ...container({ seccompProfile: { type: 'Unconfined' } }) },
      'seccompProfile (pod and container "a" must not set securityContext.seccompProfile.type to "Unconfined")',
    ],
    [
      { securityContext: { appArmorProfile: { type: 'Unconfined' } } },
      'forbidden AppArmor profile (pod must not set AppArmor profile type to "Unconfined")',
    ],
    [{ securityContext: { sysctls: [{ name: 'kernel.msgmax', value: '1' }] } }, 'forbidden sysctls (kernel.msgmax)'],
    [
      { securityContext: { windowsOptions: { hostProcess: true } } },
      'hostProcess (pod must not set securityContext.windowsOptions.hostProcess=true)',
    ],
    [container({ runAsUser: 0, capabilities: { add: ['KILL'] }, seLinuxOptions: { type: 'container_t' } }), ''],
    [{ securityContext: { sysctls: [{ name: 'net.ipv4.tcp_rmem', value: '1' }] } }, ''],
  ])('of %j says %j', (spec, said) => {
    expect(wrongIn('baseline', spec)).toBe(said);
  });

  it('looks at annotations where releases before did', () => {
    const annotations = {
      'container.apparmor.security.beta.kubernetes.io/a': 'unconfined',
      'seccomp.security.alpha.kubernetes.io/pod': 'x',
    };
    expect(wrongIn('baseline', container({}), 18, annotations)).toBe(
      'forbidden AppArmor profile (annotation must not set AppArmor profile type to ' +
        '"container.apparmor.security.beta.kubernetes.io/a="unconfined""), ' +
        'seccompProfile (forbidden annotation seccomp.security.alpha.kubernetes.io/pod="x")',
    );
  });

  it('of an earlier release asks for what that asked for', () => {
    const rmem = { securityContext: { sysctls: [{ name: 'net.ipv4.tcp_rmem', value: '1' }] } };
    expect([wrongIn('baseline', rmem, 31), wrongIn('baseline', rmem, 32)]).toEqual(['forbidden sysctls (net.ipv4.tcp_rmem)', '']);
    const probe = container({}, { livenessProbe: { tcpSocket: { port: 80, host: 'other' } } });
    expect(wrongIn('baseline', probe, 33)).toBe('');
  });
});

describe('the restricted standard', () => {
  it.each([
    [container(SAFE), ''],
    [
      container({}),
      'allowPrivilegeEscalation != false (container "a" must set securityContext.allowPrivilegeEscalation=false), ' +
        'unrestricted capabilities (container "a" must set securityContext.capabilities.drop=["ALL"]), ' +
        'runAsNonRoot != true (pod or container "a" must set securityContext.runAsNonRoot=true), ' +
        'seccompProfile (pod or container "a" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")',
    ],
    [{ ...container(SAFE), hostNetwork: true }, 'host namespaces (hostNetwork=true)'],
    [{ ...container(SAFE), securityContext: { runAsUser: 0 } }, 'runAsUser=0 (pod must not set runAsUser=0)'],
    [container({ ...SAFE, runAsNonRoot: false }), 'runAsNonRoot != true (container "a" must not set securityContext.runAsNonRoot=false)'],
    [
      container({ ...SAFE, capabilities: { drop: ['ALL'], add: ['CHOWN', 'NET_BIND_SERVICE'] } }),
      'unrestricted capabilities (container "a" must not include "CHOWN" in securityContext.capabilities.add)',
    ],
    [
      {
        ...container(SAFE),
        volumes: [
          { name: 'v', hostPath: { path: '/' } },
          { name: 'w', emptyDir: {} },
        ],
      },
      'restricted volume types (volume "v" uses restricted volume type "hostPath")',
    ],
    [{ ...container({ ...SAFE, runAsNonRoot: undefined, runAsUser: 0 }), hostUsers: false }, ''],
  ])('of %j says %j', (spec, said) => {
    expect(wrongIn('restricted', spec)).toBe(said);
  });
});

describe('a namespace', () => {
  const bad = { hostNetwork: true };

  it('that says nothing takes any pod', () => {
    expect(decidedIn(world({}), { resource: PODS, object: aPod('a', bad) }).warnings).toEqual([]);
  });

  it('that enforces a standard refuses what violates it', () => {
    expect(refusedIn(world({ enforce: 'baseline', warn: 'restricted' }), { resource: PODS, object: aPod('a', bad) })).toMatchObject({
      code: 403,
      message: 'pods "a" is forbidden: violates PodSecurity "baseline:latest": host namespaces (hostNetwork=true)',
    });
  });

  it('that warns of a standard takes what violates it, of a version too', () => {
    const { warnings, writes } = decidedIn(world({ warn: 'baseline', 'warn-version': 'v1.30' }), {
      resource: PODS,
      object: aPod('a', bad),
    });
    expect([warnings, writes.length]).toEqual([['would violate PodSecurity "baseline:v1.30": host namespaces (hostNetwork=true)'], 1]);
  });

  it('says of a template only what it warns of', () => {
    const object = aDeployment('d', {
      template: { metadata: { labels: { app: 'web' } }, spec: { ...bad, containers: [{ name: 'main', image: 'echo:1.0' }] } },
    });
    expect(decidedIn(world({ enforce: 'baseline' }), { resource: DEPLOYMENTS, object }).warnings).toEqual([]);
    expect(decidedIn(world({ warn: 'baseline' }), { resource: DEPLOYMENTS, object }).warnings).toEqual([
      'would violate PodSecurity "baseline:latest": host namespaces (hostNetwork=true)',
    ]);
  });

  it('takes only labels that it understands', () => {
    const object = namespace({ enforce: 'strict', 'warn-version': '1.30' });
    expect(refusedIn([], { resource: NAMESPACES, object })).toMatchObject({
      code: 422,
      message:
        'Namespace "default" is invalid: [metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: "strict": must be one of privileged, ' +
        'baseline, restricted, metadata.labels[pod-security.kubernetes.io/warn-version]: Invalid value: "1.30": must be "latest" or "v1.x"]',
    });
  });

  it('that becomes stricter is told of the pods it would not take', () => {
    const objects = world({}, aPod('b', bad), aPod('a', bad), aPod('c', { hostPID: true }), aPod('d'));
    const patch = { type: 'merge', body: { metadata: { labels: { 'pod-security.kubernetes.io/enforce': 'baseline' } } } } as const;
    const { warnings } = decidedIn(objects, { resource: NAMESPACES, verb: 'patch', name: 'default', patch });
    expect(warnings).toEqual([
      'existing pods in namespace "default" violate the new PodSecurity enforce level "baseline:latest"',
      'a (and 2 other pods): host namespaces',
    ]);
  });

  it('lets be updated what was there before, unless its image changes', () => {
    const stored = aPod('a', { ...bad, containers: [{ name: 'main', image: 'echo:1.0', resources: {} }] });
    const objects = world({ enforce: 'baseline' }, stored);
    const patched = (body: object) =>
      ({ resource: PODS, verb: 'patch', namespace: 'default', name: 'a', patch: { type: 'strategic', body } }) as const;
    expect(decidedIn(objects, patched({ metadata: { labels: { x: 'y' } } })).writes).toHaveLength(1);
    expect(refusedIn(objects, patched({ spec: { containers: [{ name: 'main', image: 'other:2' }] } })).code).toBe(403);
  });
});
