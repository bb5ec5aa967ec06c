import type { KubeObject } from '#libs/apimachinery';
import { defaulted, definitionFor, told } from '#libs/testing';

const metadata = { name: 'a', namespace: 'default' };

const objectOf = (apiVersion: string, kind: string, members: object): KubeObject => defaulted({ apiVersion, kind, metadata, ...members });

const problems = (apiVersion: string, kind: string, members: object): readonly string[] =>
  told(definitionFor({ apiVersion, kind }).strategy.validate(objectOf(apiVersion, kind, members)));

const changeProblems = (apiVersion: string, kind: string, next: object, old: object): readonly string[] =>
  told(definitionFor({ apiVersion, kind }).strategy.validateUpdate(objectOf(apiVersion, kind, next), objectOf(apiVersion, kind, old)));

const c = { name: 'c', image: 'i' };
const pod = (spec: object): readonly string[] => problems('v1', 'Pod', { spec: { containers: [c], ...spec } });
const container = (members: object, spec: object = {}): readonly string[] => pod({ ...spec, containers: [{ ...c, ...members }] });
const volume = (source: object): readonly string[] => pod({ volumes: [{ name: 'v', ...source }] });
const LABEL =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";

describe('a pod is refused', () => {
  it.each<[string, readonly string[], readonly string[]]>([
    ['without containers', pod({ containers: [] }), ['spec.containers: Required value']],
    [
      'with a container without a name or an image',
      pod({ containers: [{}] }),
      ['spec.containers[0].name: Required value', 'spec.containers[0].image: Required value'],
    ],
    [
      'with a container’s name that is no label',
      pod({ containers: [{ name: 'A', image: 'i' }] }),
      [`spec.containers[0].name: Invalid value: "A": ${LABEL}`],
    ],
    ['with two containers of one name', pod({ containers: [c, c] }), ['spec.containers[1].name: Duplicate value: "c"']],
    ['with an init container named as another', pod({ initContainers: [c] }), ['spec.initContainers[0].name: Duplicate value: "c"']],
    [
      'with an unknown restart policy',
      pod({ restartPolicy: 'Sometimes' }),
      ['spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "OnFailure", "Never"'],
    ],
    [
      'with an unknown DNS policy',
      pod({ dnsPolicy: 'x' }),
      ['spec.dnsPolicy: Unsupported value: "x": supported values: "ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"'],
    ],
    [
      'without DNS and without a server of its own',
      pod({ dnsPolicy: 'None' }),
      ['spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None'],
    ],
    [
      'with padding around an image',
      container({ image: ' i' }),
      ['spec.containers[0].image: Invalid value: " i": must not have leading or trailing whitespace'],
    ],
    [
      'with an unknown pull policy',
      container({ imagePullPolicy: 'x' }),
      ['spec.containers[0].imagePullPolicy: Unsupported value: "x": supported values: "Always", "IfNotPresent", "Never"'],
    ],
    [
      'with a port out of range',
      container({ ports: [{ containerPort: 70000 }] }),
      ['spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive'],
    ],
    [
      'with an unknown protocol',
      container({ ports: [{ containerPort: 1, protocol: 'x' }] }),
      ['spec.containers[0].ports[0].protocol: Unsupported value: "x": supported values: "SCTP", "TCP", "UDP"'],
    ],
    [
      'with two ports of one name',
      container({
        ports: [
          { name: 'p', containerPort: 1 },
          { name: 'p', containerPort: 2 },
        ],
      }),
      ['spec.containers[0].ports[1].name: Duplicate value: "p"'],
    ],
    [
      'with a host port twice',
      container({
        ports: [
          { containerPort: 1, hostPort: 9 },
          { containerPort: 2, hostPort: 9 },
        ],
      }),
      ['spec.containers[0].ports[1].hostPort: Duplicate value: "TCP//9"'],
    ],
    [
      'with a host port that is not the container’s, on the host network',
      container({ ports: [{ containerPort: 1, hostPort: 9 }] }, { hostNetwork: true }),
      ['spec.containers[0].ports[0].hostPort: Invalid value: 9: must match `containerPort` when `hostNetwork` is true'],
    ],
    ['with a variable without a name', container({ env: [{ name: '' }] }), ['spec.containers[0].env[0].name: Required value']],
    [
      'with a variable from nowhere',
      container({ env: [{ name: 'E', valueFrom: {} }] }),
      [
        'spec.containers[0].env[0].valueFrom: Invalid value: "": must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`',
      ],
    ],
    [
      'with a variable from a field that is not offered',
      container({ env: [{ name: 'E', valueFrom: { fieldRef: { fieldPath: 'status.phase' } } }] }),
      [
        'spec.containers[0].env[0].valueFrom.fieldRef.fieldPath: Unsupported value: "status.phase": supported values: "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName", "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs"',
      ],
    ],
    [
      'with a request above its limit',
      container({ resources: { requests: { cpu: '2' }, limits: { cpu: '1' } } }),
      ['spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1'],
    ],
    [
      'with an amount below zero',
      container({ resources: { limits: { cpu: '-1' }, requests: { cpu: '0' } } }),
      [
        'spec.containers[0].resources.limits[cpu]: Invalid value: "-1": must be greater than or equal to 0',
        'spec.containers[0].resources.requests: Invalid value: "0": must be less than or equal to cpu limit of -1',
      ],
    ],
    [
      'with a resource nobody knows',
      container({ resources: { requests: { gpu: '1' } } }),
      [
        'spec.containers[0].resources.requests[gpu]: Invalid value: "gpu": must be a standard resource type or fully qualified',
        'spec.containers[0].resources.requests[gpu]: Invalid value: "gpu": must be a standard resource for containers',
      ],
    ],
    [
      'with half a device',
      container({ resources: { limits: { 'x.org/gpu': '500m' } } }),
      [
        'spec.containers[0].resources.limits[x.org/gpu]: Invalid value: "500m": must be an integer',
        'spec.containers[0].resources.requests[x.org/gpu]: Invalid value: "500m": must be an integer',
      ],
    ],
    [
      'with a device requested without a limit',
      container({ resources: { requests: { 'x.org/gpu': '1' } } }),
      ['spec.containers[0].resources.limits: Required value: Limit must be set for non overcommitable resources'],
    ],
    [
      'with a probe of no kind',
      container({ livenessProbe: { periodSeconds: 1 } }),
      ['spec.containers[0].livenessProbe: Required value: must specify a handler type'],
    ],
    [
      'with a probe of two kinds',
      container({ readinessProbe: { exec: { command: ['a'] }, tcpSocket: { port: 1 } } }),
      ['spec.containers[0].readinessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type'],
    ],
    [
      'with a liveness probe that wants two successes',
      container({ livenessProbe: { tcpSocket: { port: 1 }, successThreshold: 2 } }),
      ['spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1'],
    ],
    [
      'with a probe in an init container',
      pod({ initContainers: [{ ...c, name: 'x', livenessProbe: { tcpSocket: { port: 1 } } }] }),
      ['spec.initContainers[0].livenessProbe: Forbidden: may not be set for init containers without restartPolicy=Always'],
    ],
    [
      'with a mount of no volume',
      container({ volumeMounts: [{ name: 'v', mountPath: '/x' }] }),
      ['spec.containers[0].volumeMounts[0].name: Not found: "v"'],
    ],
    [
      'with two mounts on one path',
      container(
        {
          volumeMounts: [
            { name: 'v', mountPath: '/x' },
            { name: 'v', mountPath: '/x' },
          ],
        },
        { volumes: [{ name: 'v' }] },
      ),
      ['spec.containers[0].volumeMounts[1].mountPath: Invalid value: "/x": must be unique'],
    ],
    [
      'with a volume of two kinds',
      volume({ emptyDir: {}, configMap: { name: 'a' } }),
      ['spec.volumes[0].configMap: Forbidden: may not specify more than 1 volume type'],
    ],
    ['with two volumes of one name', pod({ volumes: [{ name: 'v' }, { name: 'v' }] }), ['spec.volumes[1].name: Duplicate value: "v"']],
    ['with a config map volume without a name', volume({ configMap: {} }), ['spec.volumes[0].configMap.name: Required value']],
    [
      'with a mode that is none',
      volume({ secret: { secretName: 'a', defaultMode: 1000 } }),
      ['spec.volumes[0].secret.defaultMode: Invalid value: 1000: must be a number between 0 and 0777 (octal), both inclusive'],
    ],
    [
      'with a key’s file outside of the volume',
      volume({ configMap: { name: 'a', items: [{ key: 'k', path: '../x' }] } }),
      ['spec.volumes[0].configMap.items[0].path: Invalid value: "../x": must not contain \'..\''],
    ],
    [
      'with two sources at one path',
      volume({
        projected: {
          sources: [
            { secret: { name: 'a', items: [{ key: 'k', path: 'x' }] } },
            { configMap: { name: 'b', items: [{ key: 'k', path: 'x' }] } },
          ],
        },
      }),
      ['spec.volumes[0].projected: Invalid value: "b": conflicting duplicate paths'],
    ],
    [
      'with a short-lived token and no account',
      volume({ projected: { sources: [{ serviceAccountToken: { path: 't', expirationSeconds: 60 } }] } }),
      [
        'spec.volumes[0].projected.sources[0].serviceAccountToken.expirationSeconds: Invalid value: 60: may not specify a duration less than 10 minutes',
        'spec.volumes[0].projected.sources[0].serviceAccountToken: Forbidden: must not be specified when serviceAccountName is not set',
      ],
    ],
    [
      'with a toleration of everything that is not Exists',
      pod({ tolerations: [{ operator: 'Equal' }] }),
      [
        'spec.tolerations[0].operator: Invalid value: "Equal": operator must be Exists when `key` is empty, which means "match all values and all keys"',
      ],
    ],
    [
      'with toleration seconds of another effect',
      pod({ tolerations: [{ key: 'k', tolerationSeconds: 1, effect: 'NoSchedule' }] }),
      ['spec.tolerations[0].effect: Invalid value: "NoSchedule": effect must be \'NoExecute\' when `tolerationSeconds` is set'],
    ],
    [
      'with node affinity without terms',
      pod({ affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [] } } } }),
      [
        'spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms: Required value: must have at least one node selector term',
      ],
    ],
    [
      'with pod affinity without a topology',
      pod({
        affinity: {
          podAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 0, podAffinityTerm: { topologyKey: 'x' } }] },
        },
      }),
      ['spec.affinity.podAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].weight: Invalid value: 0: must be in the range 1-100'],
    ],
    [
      'with a spread of no skew',
      pod({ topologySpreadConstraints: [{ maxSkew: 0, topologyKey: 'k', whenUnsatisfiable: 'DoNotSchedule' }] }),
      ['spec.topologySpreadConstraints[0].maxSkew: Invalid value: 0: must be greater than zero'],
    ],
    [
      'with a deadline of zero seconds',
      pod({ activeDeadlineSeconds: 0 }),
      ['spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive'],
    ],
    [
      'with privileges and without escalation',
      container({ securityContext: { privileged: true, allowPrivilegeEscalation: false } }),
      [
        'spec.containers[0].securityContext: Invalid value: {"privileged":true,"allowPrivilegeEscalation":false}: cannot set `allowPrivilegeEscalation` to false and `privileged` to true',
      ],
    ],
    [
      'with gates on a node',
      pod({ nodeName: 'n', schedulingGates: [{ name: 'g' }] }),
      ['spec.nodeName: Forbidden: cannot be set until all schedulingGates have been cleared'],
    ],
    [
      'with ephemeral containers',
      pod({ ephemeralContainers: [{ ...c, name: 'e' }] }),
      ['spec.ephemeralContainers: Forbidden: cannot be set on create'],
    ],
  ])('%s', (_what, found, expected) => {
    expect(found).toEqual(expected);
  });
});

describe('a change of a pod', () => {
  const change = (next: object, old: object = {}): readonly string[] =>
    changeProblems('v1', 'Pod', { spec: { containers: [c], ...next } }, { spec: { containers: [c], ...old } });

  it('may bring another image, a deadline and more tolerations', () => {
    const next = {
      containers: [{ ...c, image: 'j', imagePullPolicy: 'Always' }],
      activeDeadlineSeconds: 5,
      tolerations: [{ operator: 'Exists' }],
    };
    expect(change(next, { containers: [{ ...c, imagePullPolicy: 'Always' }] })).toEqual([]);
  });

  it('may not touch anything else, and is told what may be', () => {
    const [problem = '', ...more] = change({ nodeSelector: { a: 'b' } });
    expect(more).toEqual([]);
    expect(problem).toContain(
      'spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)\n',
    );
    expect(problem).toContain('nodeSelector');
  });

  it.each<[string, readonly string[], readonly string[]]>([
    [
      'add containers',
      change({ containers: [c, { ...c, name: 'd' }] }),
      ['spec.containers: Forbidden: pod updates may not add or remove containers'],
    ],
    [
      'lengthen a deadline',
      change({ activeDeadlineSeconds: 9 }, { activeDeadlineSeconds: 5 }),
      ['spec.activeDeadlineSeconds: Invalid value: 9: must be less than or equal to previous value'],
    ],
    [
      'take a toleration away',
      change({}, { tolerations: [{ operator: 'Exists' }] }),
      ['spec.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds'],
    ],
    [
      'add a gate',
      change({ schedulingGates: [{ name: 'g' }] }),
      ["spec.schedulingGates[0].name: Forbidden: only deletion is allowed, but found new scheduling gate 'g'"],
    ],
  ])('may not %s', (_what, found, expected) => {
    expect(found).toEqual(expected);
  });

  it('may open gates', () => {
    expect(change({}, { schedulingGates: [{ name: 'g' }] })).toEqual([]);
  });

  it('of status may not bring an ended container back where nothing restarts it', () => {
    const status = (state: object): object => ({
      spec: { containers: [c], restartPolicy: 'Never' },
      status: {
        phase: 'Running',
        qosClass: 'BestEffort',
        containerStatuses: [{ name: 'c', image: 'i', imageID: '', ready: false, restartCount: 0, state }],
      },
    });
    const { strategy } = definitionFor({ apiVersion: 'v1', kind: 'Pod' });
    const next = objectOf('v1', 'Pod', status({ running: {} }));
    const old = objectOf('v1', 'Pod', status({ terminated: { exitCode: 0 } }));
    expect(told(strategy.validateStatusUpdate(next, old))).toEqual([
      'status.containerStatuses[0].state: Forbidden: may not be transitioned to non-terminated state',
    ]);
  });
});

describe('warnings', () => {
  const warned = (spec: object): readonly string[] => {
    const { strategy } = definitionFor({ apiVersion: 'v1', kind: 'Pod' });
    return strategy.warnings(objectOf('v1', 'Pod', { spec: { containers: [c], ...spec } }), undefined);
  };

  it.each([
    [
      'a variable that hides another',
      {
        containers: [
          {
            ...c,
            env: [
              { name: 'A', value: '1' },
              { name: 'A', value: '2' },
            ],
          },
        ],
      },
      'spec.containers[0].env[1]: hides previous definition of "A", which may be dropped when using apply',
    ],
    [
      'half a byte',
      { containers: [{ ...c, resources: { requests: { memory: '500m' } } }] },
      'spec.containers[0].resources.requests[memory]: fractional byte value "500m" is invalid, must be an integer',
    ],
    [
      'a spread over no pods',
      { topologySpreadConstraints: [{ maxSkew: 1, topologyKey: 'k', whenUnsatisfiable: 'DoNotSchedule' }] },
      'spec.topologySpreadConstraints[0].labelSelector: a null labelSelector results in matching no pod',
    ],
  ])('tell of %s', (_what, spec, expected) => {
    expect(warned(spec)).toEqual([expected]);
  });

  it('are silent about a plain pod', () => {
    expect(warned({})).toEqual([]);
  });
});
