import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { olderClients } from '../clients.js';
import { buildImage, eventually, TestCluster } from '../cluster.js';

jest.setTimeout(240_000);

const CHART: Readonly<Record<string, string>> = {
  'Chart.yaml': 'apiVersion: v2\nname: shop\nversion: 0.1.0\nappVersion: "1"\n',
  'values.yaml': 'replicas: 2\nimage: decklog-test/shell:1\ngreeting: hello\n',
  'crds/orders.yaml': `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: orders.shop.example.com}
spec:
  group: shop.example.com
  scope: Namespaced
  names: {plural: orders, singular: order, kind: Order}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec: {type: object, required: [item], properties: {item: {type: string}, count: {type: integer, default: 1, minimum: 1}}}
`,
  'templates/account.yaml': `
apiVersion: v1
kind: ServiceAccount
metadata: {name: {{ .Release.Name }}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: {{ .Release.Name }}}
rules: [{apiGroups: [""], resources: [configmaps], verbs: [get, list, watch]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: {{ .Release.Name }}}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: {{ .Release.Name }}}
subjects: [{kind: ServiceAccount, name: {{ .Release.Name }}, namespace: {{ .Release.Namespace }}}]
`,
  'templates/app.yaml': `
apiVersion: v1
kind: ConfigMap
metadata: {name: {{ .Release.Name }}}
data: {greeting: {{ .Values.greeting | quote }}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: {{ .Release.Name }}}
spec:
  replicas: {{ .Values.replicas }}
  selector: {matchLabels: {app: {{ .Release.Name }}}}
  template:
    metadata: {labels: {app: {{ .Release.Name }}}}
    spec: {serviceAccountName: {{ .Release.Name }}, terminationGracePeriodSeconds: 1, containers: [{name: main, image: {{ .Values.image | quote }}, command: [sh, -c, 'trap exit TERM; while true; do sleep 0.2; done'], ports: [{containerPort: 80}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: {{ .Release.Name }}}
spec: {selector: {app: {{ .Release.Name }}}, ports: [{port: 80}]}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: {{ .Release.Name }}}
spec: {minAvailable: 1, selector: {matchLabels: {app: {{ .Release.Name }}}}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: {{ .Release.Name }}}
spec: {rules: [{host: shop.example.com, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: {{ .Release.Name }}, port: {number: 80}}}}]}}]}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: {{ .Release.Name }}}
spec:
  minReplicas: 1
  maxReplicas: 10
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: {{ .Release.Name }}}
  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 80}}}]
---
apiVersion: shop.example.com/v1
kind: Order
metadata: {name: {{ .Release.Name }}}
spec: {item: {{ .Values.greeting }}}
`,
  'templates/hook.yaml': `
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ .Release.Name }}-migrate
  annotations: {helm.sh/hook: "pre-install,pre-upgrade", helm.sh/hook-delete-policy: "before-hook-creation"}
spec:
  backoffLimit: 0
  template: {spec: {restartPolicy: Never, containers: [{name: main, image: decklog-test/shell:1, command: ["true"]}]}}
`,
};

describe('Helm', () => {
  let cluster: TestCluster;
  const folder = mkdtempSync(path.join(tmpdir(), 'decklog-helm-'));
  const helm = async (...args: string[]): Promise<string> => {
    const home = { HELM_CACHE_HOME: `${folder}/cache`, HELM_CONFIG_HOME: `${folder}/config`, HELM_DATA_HOME: `${folder}/data` };
    const { code, out, err } = await cluster.run(olderClients().helm, args, { env: home, timeoutMs: 120_000 });
    if (code !== 0) throw new Error(`helm ${args.join(' ')}: exit code ${code}\n${out}\n${err}`);
    return out;
  };
  const read = (path: string): Promise<string> => cluster.kubectl(['get', ...path.split(' '), '-n', 'store']);

  beforeAll(async () => {
    for (const [name, text] of Object.entries(CHART)) {
      mkdirSync(path.dirname(path.join(folder, 'shop', name)), { recursive: true });
      writeFileSync(path.join(folder, 'shop', name), text);
    }
    for (const version of [1, 2]) buildImage('shell', `decklog-test/shell:${version}`);
    cluster = await TestCluster.start();
  });
  afterAll(async () => {
    await cluster?.delete();
    rmSync(folder, { recursive: true, force: true });
  });

  it('installs a chart with definitions and a hook, and waits until it runs', async () => {
    const chart = path.join(folder, 'shop');
    expect(await helm('install', 'web', chart, '-n', 'store', '--create-namespace', '--wait', '--timeout', '90s')).toContain(
      'STATUS: deployed',
    );
    expect(await read('deployment web -o jsonpath={.status.readyReplicas}')).toBe('2');
    expect(await read('order web -o jsonpath={.spec}')).toBe('{"count":1,"item":"hello"}');
    expect(await read('job web-migrate -o jsonpath={.status.succeeded}')).toBe('1');
    expect(JSON.parse(await helm('list', '-n', 'store', '-o', 'json'))).toMatchObject([{ name: 'web', revision: '1', status: 'deployed' }]);
  });

  it('upgrades it', async () => {
    await helm(
      'upgrade',
      'web',
      path.join(folder, 'shop'),
      '-n',
      'store',
      '--set',
      'replicas=3,greeting=hi,image=decklog-test/shell:2',
      '--wait',
      '--timeout',
      '90s',
    );
    expect(await read('configmap web -o jsonpath={.data.greeting}')).toBe('hi');
    expect(await read('deployment web -o jsonpath={.status.readyReplicas}:{..image}')).toMatch(/^3:decklog-test\/shell:2/);
    expect(await read('order web -o jsonpath={.spec.item}')).toBe('hi');
  });

  it('repairs by an upgrade what somebody else changed', async () => {
    await cluster.kubectl(['patch', 'configmap', 'web', '-n', 'store', '-p', '{"data":{"extra":"theirs"}}']);
    await helm('upgrade', 'web', path.join(folder, 'shop'), '-n', 'store', '--reuse-values', '--set', 'greeting=again');
    expect(JSON.parse(await read('configmap web -o jsonpath={.data}'))).toEqual({ greeting: 'again', extra: 'theirs' });
  });

  it('rolls it back', async () => {
    await helm('rollback', 'web', '1', '-n', 'store', '--wait', '--timeout', '90s');
    expect(await read('configmap web -o jsonpath={.data.greeting}')).toBe('hello');
    expect(await read('deployment web -o jsonpath={.spec.replicas}:{..image}')).toMatch(/^2:decklog-test\/shell:1/);
    const history = JSON.parse(await helm('history', 'web', '-n', 'store', '-o', 'json')) as { description: string }[];
    expect(history.map(({ description }) => description).at(-1)).toBe('Rollback to 1');
  });

  it('uninstalls it, and nothing of it stays but the definitions and what the hook has done', async () => {
    await helm('uninstall', 'web', '-n', 'store', '--wait', '--timeout', '90s');
    await eventually('everything is gone', async () => {
      const kinds = 'deployments,replicasets,services,ingresses,hpa,pdb,roles,rolebindings,orders';
      const left = await cluster.kubectl(['get', kinds, '-n', 'store', '-o', 'name']);
      const pods = await cluster.kubectl('get pods -n store -l app=web -o name');
      return left.trim() === '' && pods.trim() === '';
    });
    await cluster.kubectl('get crd orders.shop.example.com');
  });
});
