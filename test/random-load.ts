import { readFileSync } from 'node:fs';
import https from 'node:https';
import path from 'node:path';
import type { TestCluster } from './cluster.js';

/** Chance from a seed: the same seed asks for the same things, though not at the same moments. */
export class Chance {
  private state: number;

  constructor(seed: number) {
    this.state = (seed >>> 0) + 1;
  }

  /** In [0, 1). */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), this.state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  of<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)] as T;
  }
}

/** What an answer of the API came to. */
export interface Answer {
  readonly code: number;
  readonly body: string;
}

interface Kubeconfig {
  readonly clusters: readonly { readonly cluster: { readonly server: string; readonly 'certificate-authority-data': string } }[];
  readonly users: readonly { readonly user: { readonly 'client-certificate-data': string; readonly 'client-key-data': string } }[];
}

/** A client of a cluster's API as its administrator, which takes a server that is gone for an answer too. */
export class RandomClient {
  private readonly agent: https.Agent;
  private readonly server: URL;

  private constructor(config: Kubeconfig) {
    const { cluster } = config.clusters[0] ?? {};
    const { user } = config.users[0] ?? {};
    if (!cluster || !user) throw new Error('a kubeconfig without cluster or user');
    const bytes = (text: string): Buffer => Buffer.from(text, 'base64');
    this.server = new URL(cluster.server);
    this.agent = new https.Agent({
      keepAlive: true,
      ca: bytes(cluster['certificate-authority-data']),
      cert: bytes(user['client-certificate-data']),
      key: bytes(user['client-key-data']),
    });
  }

  static async of(cluster: TestCluster): Promise<RandomClient> {
    return new RandomClient(JSON.parse(await cluster.kubectl('config view --raw --minify -o json')) as Kubeconfig);
  }

  /** Code 0: no answer came. */
  ask(method: string, place: string, body?: unknown, type = 'application/json'): Promise<Answer> {
    return new Promise((resolve) => {
      const failed = (): void => resolve({ code: 0, body: '' });
      const options = { method, agent: this.agent, timeout: 15_000, headers: { 'content-type': type, accept: 'application/json' } };
      const request = https.request(new URL(place, this.server), options, (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (piece: string) => (text += piece));
        response.on('end', () => resolve({ code: response.statusCode ?? 0, body: text }));
        response.on('error', failed);
      });
      request.on('timeout', () => request.destroy());
      request.on('error', failed);
      request.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }

  close(): void {
    this.agent.destroy();
  }
}

const NAMESPACES = ['load-0', 'load-1', 'load-2', 'load-3'];
const APPS = ['web', 'api', 'db', 'batch', 'cache', 'queue'];

const pods = (app: string, chance: Chance) => ({
  metadata: { labels: { app, tier: chance.of(['front', 'back']) } },
  spec: {
    terminationGracePeriodSeconds: chance.below(3),
    containers: [
      {
        name: 'main',
        image: `${app}:${chance.below(9)}`,
        resources: { requests: { cpu: `${20 + chance.below(300)}m`, memory: `${8 + chance.below(64)}Mi` } },
        ports: [{ containerPort: 8080, name: 'http' }],
      },
    ],
    ...(chance.below(8) === 0 ? { priorityClassName: 'system-cluster-critical' } : {}),
  },
});

interface Made {
  readonly place: (namespace: string) => string;
  readonly object: (name: string, chance: Chance) => object;
  /** Patches of one that is there, as merge patches. */
  readonly patches: readonly ((chance: Chance) => object)[];
}

const selector = (app: string) => ({ matchLabels: { app } });
const replicas = (chance: Chance): object => ({ spec: { replicas: chance.below(6) } });
const labelled = (chance: Chance): object => ({ metadata: { labels: { mark: `m${chance.below(5)}` } } });
const image = (chance: Chance): object => ({
  spec: { template: { metadata: { annotations: { at: String(chance.below(1_000)) } } } },
});

/** What there may be in a namespace, and how it changes. */
const KINDS: Readonly<Record<string, Made>> = {
  deployment: {
    place: (namespace) => `/apis/apps/v1/namespaces/${namespace}/deployments`,
    object: (name, chance) => ({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name },
      spec: {
        replicas: chance.below(6),
        revisionHistoryLimit: chance.below(3),
        selector: selector(name),
        template: pods(name, chance),
        ...(chance.below(4) === 0 ? { strategy: { type: 'Recreate' } } : {}),
      },
    }),
    patches: [replicas, replicas, image, labelled, (chance) => ({ spec: { paused: chance.below(2) === 0 } })],
  },
  replicaset: {
    place: (namespace) => `/apis/apps/v1/namespaces/${namespace}/replicasets`,
    object: (name, chance) => ({
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      metadata: { name: `${name}-set` },
      spec: { replicas: chance.below(4), selector: selector(`${name}-set`), template: pods(`${name}-set`, chance) },
    }),
    patches: [replicas],
  },
  statefulset: {
    place: (namespace) => `/apis/apps/v1/namespaces/${namespace}/statefulsets`,
    object: (name, chance) => ({
      apiVersion: 'apps/v1',
      kind: 'StatefulSet',
      metadata: { name: `${name}-sts` },
      spec: {
        replicas: chance.below(4),
        serviceName: name,
        podManagementPolicy: chance.of(['OrderedReady', 'Parallel']),
        selector: selector(`${name}-sts`),
        template: pods(`${name}-sts`, chance),
      },
    }),
    patches: [replicas, image],
  },
  daemonset: {
    place: (namespace) => `/apis/apps/v1/namespaces/${namespace}/daemonsets`,
    object: (name, chance) => ({
      apiVersion: 'apps/v1',
      kind: 'DaemonSet',
      metadata: { name: `${name}-ds` },
      spec: { selector: selector(`${name}-ds`), template: pods(`${name}-ds`, chance) },
    }),
    patches: [image, labelled],
  },
  job: {
    place: (namespace) => `/apis/batch/v1/namespaces/${namespace}/jobs`,
    object: (name, chance) => ({
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { name: `${name}-job` },
      spec: {
        completions: 1 + chance.below(4),
        parallelism: 1 + chance.below(3),
        backoffLimit: chance.below(3),
        completionMode: chance.of(['Indexed', 'NonIndexed']),
        ttlSecondsAfterFinished: chance.below(20),
        ...(chance.below(3) === 0 ? { activeDeadlineSeconds: 5 + chance.below(20) } : {}),
        template: { ...pods(`${name}-job`, chance), spec: { ...pods(`${name}-job`, chance).spec, restartPolicy: 'Never' } },
      },
    }),
    patches: [(chance) => ({ spec: { suspend: chance.below(2) === 0 } }), (chance) => ({ spec: { parallelism: chance.below(4) } })],
  },
  cronjob: {
    place: (namespace) => `/apis/batch/v1/namespaces/${namespace}/cronjobs`,
    object: (name, chance) => ({
      apiVersion: 'batch/v1',
      kind: 'CronJob',
      metadata: { name: `${name}-cron` },
      spec: {
        schedule: '* * * * *',
        concurrencyPolicy: chance.of(['Allow', 'Forbid', 'Replace']),
        jobTemplate: { spec: { template: { spec: { ...pods(name, chance).spec, restartPolicy: 'Never' } } } },
      },
    }),
    patches: [(chance) => ({ spec: { suspend: chance.below(2) === 0 } })],
  },
  service: {
    place: (namespace) => `/api/v1/namespaces/${namespace}/services`,
    object: (name, chance) => ({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name },
      spec: {
        type: chance.of(['ClusterIP', 'ClusterIP', 'NodePort']),
        ...(chance.below(4) === 0 ? {} : { selector: { app: name } }),
        ports: [{ port: 80, targetPort: chance.of<string | number>(['http', 8080]) }],
      },
    }),
    patches: [labelled, (chance) => ({ spec: { selector: { app: chance.of(APPS) } } })],
  },
  endpoints: {
    place: (namespace) => `/api/v1/namespaces/${namespace}/endpoints`,
    object: (name, chance) => ({
      apiVersion: 'v1',
      kind: 'Endpoints',
      metadata: { name },
      subsets: [{ addresses: [{ ip: `192.0.2.${1 + chance.below(200)}` }], ports: [{ port: 80 }] }],
    }),
    patches: [labelled],
  },
  configmap: {
    place: (namespace) => `/api/v1/namespaces/${namespace}/configmaps`,
    object: (name, chance) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { value: String(chance.below(1e6)) } }),
    patches: [(chance) => ({ data: { value: String(chance.below(1e6)) } })],
  },
  secret: {
    place: (namespace) => `/api/v1/namespaces/${namespace}/secrets`,
    object: (name, chance) => ({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: `${name}-token`, annotations: { 'kubernetes.io/service-account.name': chance.of(['default', name]) } },
      type: 'kubernetes.io/service-account-token',
    }),
    patches: [labelled],
  },
  serviceaccount: {
    place: (namespace) => `/api/v1/namespaces/${namespace}/serviceaccounts`,
    object: (name) => ({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name } }),
    patches: [labelled],
  },
  pod: {
    place: (namespace) => `/api/v1/namespaces/${namespace}/pods`,
    object: (name, chance) => ({
      apiVersion: 'v1',
      kind: 'Pod',
      ...pods(name, chance),
      metadata: { name: `${name}-alone`, labels: { app: name } },
    }),
    patches: [labelled, (chance) => ({ metadata: { labels: { app: chance.of(APPS) } } })],
  },
  claim: {
    place: (namespace) => `/api/v1/namespaces/${namespace}/persistentvolumeclaims`,
    object: (name, chance) => ({
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: `${name}-data` },
      spec: { storageClassName: '', accessModes: ['ReadWriteOnce'], resources: { requests: { storage: `${1 + chance.below(5)}Gi` } } },
    }),
    patches: [labelled],
  },
  quota: {
    place: (namespace) => `/api/v1/namespaces/${namespace}/resourcequotas`,
    object: (name, chance) => ({
      apiVersion: 'v1',
      kind: 'ResourceQuota',
      metadata: { name: `${name}-quota` },
      spec: { hard: { pods: String(6 + chance.below(30)), configmaps: '20', 'requests.cpu': `${2 + chance.below(6)}` } },
    }),
    patches: [(chance) => ({ spec: { hard: { pods: String(6 + chance.below(30)) } } })],
  },
  budget: {
    place: (namespace) => `/apis/policy/v1/namespaces/${namespace}/poddisruptionbudgets`,
    object: (name, chance) => ({
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: { name },
      spec: { minAvailable: chance.of<string | number>([1, 2, '50%']), selector: selector(name) },
    }),
    patches: [(chance) => ({ spec: { minAvailable: chance.below(4) } })],
  },
  autoscaler: {
    place: (namespace) => `/apis/autoscaling/v2/namespaces/${namespace}/horizontalpodautoscalers`,
    object: (name) => ({
      apiVersion: 'autoscaling/v2',
      kind: 'HorizontalPodAutoscaler',
      metadata: { name },
      spec: {
        scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name },
        minReplicas: 1,
        maxReplicas: 4,
        metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } }],
      },
    }),
    patches: [(chance) => ({ spec: { maxReplicas: 2 + chance.below(4) } })],
  },
  widget: {
    place: (namespace) => `/apis/load.example.com/v1/namespaces/${namespace}/widgets`,
    object: (name, chance) => ({ apiVersion: 'load.example.com/v1', kind: 'Widget', metadata: { name }, spec: { size: chance.below(9) } }),
    patches: [(chance) => ({ spec: { size: chance.below(9) } }), labelled],
  },
};

const WIDGETS = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'widgets.load.example.com' },
  spec: {
    group: 'load.example.com',
    scope: 'Namespaced',
    names: { plural: 'widgets', singular: 'widget', kind: 'Widget' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', properties: { size: { type: 'integer' } } } } },
        },
      },
    ],
  },
};

const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const MERGE = 'application/merge-patch+json';

const namesIn = ({ code, body }: Answer): readonly { readonly name: string; readonly uid: string; readonly ownerReferences?: unknown }[] =>
  code !== 200 ? [] : (JSON.parse(body) as { items: { metadata: { name: string; uid: string } }[] }).items.map(({ metadata }) => metadata);

/** One thing that somebody might ask of a cluster. */
type Act = (client: RandomClient, chance: Chance) => Promise<Answer | undefined>;

const create: Act = (client, chance) => {
  const { place, object } = chance.of(Object.values(KINDS));
  return client.ask('POST', place(chance.of(NAMESPACES)), object(chance.of(APPS), chance));
};

const change: Act = async (client, chance) => {
  const { place, patches } = chance.of(Object.values(KINDS));
  const where = place(chance.of(NAMESPACES));
  const found = namesIn(await client.ask('GET', where));
  return found.length === 0 ? undefined : client.ask('PATCH', `${where}/${chance.of(found).name}`, chance.of(patches)(chance), MERGE);
};

const remove: Act = async (client, chance) => {
  const { place } = chance.of(Object.values(KINDS));
  const where = place(chance.of(NAMESPACES));
  const found = namesIn(await client.ask('GET', where));
  const propagationPolicy = chance.of(['Background', 'Background', 'Foreground', 'Orphan']);
  return found.length === 0 ? undefined : client.ask('DELETE', `${where}/${chance.of(found).name}`, { propagationPolicy });
};

/** A pod is evicted, deleted, or said to have ended: what its job or its set answers to. */
const disturbPod: Act = async (client, chance) => {
  const where = KINDS['pod']?.place(chance.of(NAMESPACES)) ?? '';
  const found = namesIn(await client.ask('GET', where));
  if (found.length === 0) return undefined;
  const { name } = chance.of(found);
  const way = chance.below(4);
  if (way === 0) return client.ask('POST', `${where}/${name}/eviction`, { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name } });
  if (way === 1) return client.ask('DELETE', `${where}/${name}`, { gracePeriodSeconds: 0 });
  return client.ask('PATCH', `${where}/${name}/status`, { status: { phase: chance.of(['Succeeded', 'Failed']) } }, MERGE);
};

/** A config map that belongs to a widget or to a deployment: what the garbage collector looks after. */
const own: Act = async (client, chance) => {
  const namespace = chance.of(NAMESPACES);
  const kind = chance.of(['widget', 'deployment'] as const);
  const owners = namesIn(await client.ask('GET', KINDS[kind]?.place(namespace) ?? ''));
  if (owners.length === 0) return undefined;
  const { name, uid } = chance.of(owners);
  const reference =
    kind === 'widget' ? { apiVersion: 'load.example.com/v1', kind: 'Widget' } : { apiVersion: 'apps/v1', kind: 'Deployment' };
  return client.ask('POST', KINDS['configmap']?.place(namespace) ?? '', {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { generateName: 'owned-', ownerReferences: [{ ...reference, name, uid, blockOwnerDeletion: chance.below(2) === 0 }] },
  });
};

const namespaces: Act = (client, chance) => {
  const name = chance.of(NAMESPACES);
  if (chance.below(3) === 0) return client.ask('DELETE', `/api/v1/namespaces/${name}`);
  return client.ask('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
};

const volumes: Act = (client, chance) => {
  const name = `volume-${chance.below(8)}`;
  if (chance.below(4) === 0) return client.ask('DELETE', `/api/v1/persistentvolumes/${name}`);
  return client.ask('POST', '/api/v1/persistentvolumes', {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name },
    spec: {
      storageClassName: '',
      persistentVolumeReclaimPolicy: chance.of(['Retain', 'Delete', 'Recycle']),
      accessModes: ['ReadWriteOnce'],
      capacity: { storage: `${1 + chance.below(8)}Gi` },
      hostPath: { path: `/srv/${name}` },
    },
  });
};

const nodes: Act = async (client, chance) => {
  const found = namesIn(await client.ask('GET', '/api/v1/nodes'));
  if (found.length === 0) return undefined;
  const taints = chance.below(3) === 0 ? [{ key: 'load', value: 'x', effect: chance.of(['NoSchedule', 'NoExecute']) }] : [];
  const spec = { unschedulable: chance.below(4) === 0, taints };
  return client.ask('PATCH', `/api/v1/nodes/${chance.of(found).name}`, { spec }, MERGE);
};

const kinds: Act = (client, chance) =>
  chance.below(4) === 0 ? client.ask('DELETE', `${CRDS}/widgets.load.example.com`) : client.ask('POST', CRDS, WIDGETS);

/** How often each thing is done. */
const ACTS: readonly (readonly [number, Act])[] = [
  [30, create],
  [30, change],
  [12, remove],
  [10, disturbPod],
  [6, own],
  [3, namespaces],
  [3, volumes],
  [1, nodes],
  [1, kinds],
];

function draw(chance: Chance): Act {
  let left = chance.below(ACTS.reduce((sum, [weight]) => sum + weight, 0));
  for (const [weight, act] of ACTS) if ((left -= weight) < 0) return act;
  return create;
}

/** What a load came to: how many answers of each code; 0 where none came. */
export type Codes = Readonly<Record<number, number>>;

/** Some clients that ask for whatever comes to their mind, until `until`. Answers of 500 are kept, for whoever asks why. */
export async function randomLoad(
  client: RandomClient,
  seed: number,
  until: () => boolean,
  clients = 4,
): Promise<{ readonly codes: Codes; readonly internal: readonly string[] }> {
  const codes: Record<number, number> = {};
  const internal: string[] = [];
  for (const name of NAMESPACES)
    await client.ask('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  await client.ask('POST', CRDS, WIDGETS);
  const one = async (number: number): Promise<void> => {
    const chance = new Chance(seed * 1_000 + number);
    while (!until()) {
      const answer = await draw(chance)(client, chance);
      if (answer === undefined) continue;
      codes[answer.code] = (codes[answer.code] ?? 0) + 1;
      if (answer.code === 500) internal.push(answer.body);
      // A server that is gone is asked again a little later.
      if (answer.code === 0 || answer.code === 503) await new Promise((resolve) => setTimeout(resolve, 200));
    }
  };
  await Promise.all(Array.from({ length: clients }, (_, number) => one(number)));
  return { codes, internal };
}

/** Whether a process is there and no zombie. */
function alive(pid: number): boolean {
  try {
    return !readFileSync(path.join('/proc', String(pid), 'stat'), 'utf8').includes(') Z ');
  } catch {
    return false;
  }
}

/** Kills a component of the cluster without a word, and brings the cluster up again after a while. */
export async function strike(cluster: TestCluster, component: string, downMs: number): Promise<void> {
  const found = (await cluster.components()).find(({ name, pid }) => name === component && pid > 0);
  if (!found) throw new Error(`${component} does not run`);
  process.kill(found.pid, 'SIGKILL');
  while (alive(found.pid)) await new Promise(setImmediate);
  await new Promise((resolve) => setTimeout(resolve, downMs));
  await cluster.start();
}
