import type { ModelFacts } from './field-fact.js';
import { OBJECT_META } from './meta-models.js';

const PACKAGE = 'io.k8s.kube-aggregator.pkg.apis.apiregistration.v1';

/** The model of APIService. */
export const API_SERVICE_MODEL = `${PACKAGE}.APIService`;

/**
 * The types of apiregistration.k8s.io/v1, which are not in the packages that the other facts come from: fields in Go's
 * order, with their protobuf numbers.
 */
export const APIREGISTRATION_FACTS: Readonly<Record<string, ModelFacts>> = {
  [API_SERVICE_MODEL]: {
    apiVersion: { type: 'string', omit: true, optional: true },
    kind: { type: 'string', omit: true, optional: true },
    metadata: { type: `#${OBJECT_META}`, proto: 1, omit: true, optional: true },
    spec: { type: `#${PACKAGE}.APIServiceSpec`, proto: 2, omit: true, optional: true },
    status: { type: `#${PACKAGE}.APIServiceStatus`, proto: 3, omit: true, optional: true },
  },
  [`${PACKAGE}.APIServiceSpec`]: {
    service: { type: `#${PACKAGE}.ServiceReference`, proto: 1, pointer: true, omit: true, optional: true },
    group: { type: 'string', proto: 2, omit: true, optional: true },
    version: { type: 'string', proto: 3, omit: true, optional: true },
    insecureSkipTLSVerify: { type: 'bool', proto: 4, omit: true, optional: true },
    caBundle: { type: 'bytes', proto: 5, omit: true, optional: true, listType: 'atomic' },
    groupPriorityMinimum: { type: 'int32', proto: 7 },
    versionPriority: { type: 'int32', proto: 8 },
  },
  [`${PACKAGE}.ServiceReference`]: {
    namespace: { type: 'string', proto: 1, omit: true, optional: true },
    name: { type: 'string', proto: 2, omit: true, optional: true },
    port: { type: 'int32', proto: 3, pointer: true, omit: true, optional: true },
  },
  [`${PACKAGE}.APIServiceStatus`]: {
    conditions: {
      type: `[]#${PACKAGE}.APIServiceCondition`,
      proto: 1,
      omit: true,
      optional: true,
      listType: 'map',
      listMapKeys: ['type'],
      patchStrategy: 'merge',
      patchMergeKey: 'type',
    },
  },
  [`${PACKAGE}.APIServiceCondition`]: {
    type: { type: 'string', proto: 1 },
    status: { type: 'string', proto: 2 },
    lastTransitionTime: { type: 'time', proto: 3, omit: true, optional: true },
    reason: { type: 'string', proto: 4, omit: true, optional: true },
    message: { type: 'string', proto: 5, omit: true, optional: true },
  },
};
