import { AGE, NAME, column } from '../../columns.js';
import type { ResourceDefinition } from '../../definition.js';
import type { ConfigMap } from '../../generated/types.js';
import { CONFIGMAPS } from '../../resources.js';
import { standardStrategy } from '../../strategy.js';
import { ALL_VERBS } from '../../verbs.js';

import { validateConfigMap, validateConfigMapUpdate } from './data-validation.js';

const count = (map: object | undefined): number => (map === undefined ? 0 : Object.keys(map).length);

export const configmaps: ResourceDefinition<ConfigMap> = {
  resource: CONFIGMAPS,
  kind: 'ConfigMap',
  listKind: 'ConfigMapList',
  singular: 'configmap',
  shortNames: ['cm'],
  categories: [],
  scope: 'Namespaced',
  verbs: ALL_VERBS,
  model: 'io.k8s.api.core.v1.ConfigMap',
  stream: 'state',
  subresources: [],
  fields: {},
  strategy: standardStrategy<ConfigMap>({ validate: validateConfigMap, validateUpdate: validateConfigMapUpdate }),
  columns: [NAME, column('Data', ({ data, binaryData }) => count(data) + count(binaryData)), AGE],
};
