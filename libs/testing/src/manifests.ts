import type { KubeObject } from '#libs/apimachinery';

const DEFAULT = 'default';

/** A Namespace as a client sends it. */
export const aNamespace = (name: string): KubeObject => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });

/** A ServiceAccount as a client sends it. */
export const aServiceAccount = (name: string, namespace = DEFAULT): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ServiceAccount',
  metadata: { name, namespace },
});

/** A ConfigMap as a client sends it. */
export const aConfigMap = (name: string, data?: Readonly<Record<string, string>>, namespace = DEFAULT): KubeObject =>
  ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace }, ...(data ? { data } : {}) }) as KubeObject;

const CONTAINERS = [{ name: 'main', image: 'echo:1.0' }];

/** A Pod of one container, labelled `app=web`, as a client sends it. */
export const aPod = (name: string, spec: object = {}, namespace = DEFAULT): KubeObject =>
  ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels: { app: 'web' } },
    spec: { containers: CONTAINERS, ...spec },
  }) as KubeObject;

/** A Service of port 80 that selects `app=web`, as a client sends it. */
export const aService = (name: string, spec: object = {}): KubeObject =>
  ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: DEFAULT },
    spec: { selector: { app: 'web' }, ports: [{ port: 80 }], ...spec },
  }) as KubeObject;

/** A Deployment of two pods, labelled `app=web`, as a client sends it. */
export const aDeployment = (name: string, spec: object = {}): KubeObject =>
  ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: DEFAULT },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: 'web' } },
      template: { metadata: { labels: { app: 'web' } }, spec: { containers: CONTAINERS } },
      ...spec,
    },
  }) as KubeObject;

/** A PodDisruptionBudget that wants one pod of `app=web`, as a client sends it. */
export const aBudget = (name: string): KubeObject =>
  ({
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name, namespace: DEFAULT },
    spec: { minAvailable: 1, selector: { matchLabels: { app: 'web' } } },
  }) as KubeObject;
