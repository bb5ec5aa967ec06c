import type { KubeObject } from '#libs/apimachinery';
import { AGE, NAME, column } from './columns.js';
import type { SubresourceDefinition } from './definition.js';
import type { Scale } from './generated/types.js';

/** What can be done with most resources, sorted as discovery lists it. */
export const ALL_VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'] as const;

const READ_AND_WRITE = ['get', 'patch', 'update'] as const;

/** The `status` subresource of a kind. */
export const statusOf = (kind: string): SubresourceDefinition => ({ name: 'status', kind, verbs: READ_AND_WRITE });

/** The `proxy` subresource of a kind that answers HTTP: `PodProxyOptions` and the like. */
export const proxyOf = (kind: string): SubresourceDefinition => ({
  name: 'proxy',
  kind: `${kind}ProxyOptions`,
  verbs: ['create', 'delete', 'get', 'patch', 'update'],
});

/** The `scale` subresource of a workload: autoscaling/v1 Scale. */
export const SCALE: SubresourceDefinition = {
  name: 'scale',
  kind: 'Scale',
  group: 'autoscaling',
  version: 'v1',
  verbs: READ_AND_WRITE,
  columns: [
    NAME,
    column('Desired', (object: KubeObject) => (object as Scale).spec?.replicas ?? 0, 'integer'),
    column('Available', (object: KubeObject) => (object as Scale).status?.replicas ?? 0, 'integer'),
    AGE,
  ],
};
