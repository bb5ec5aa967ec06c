export * from './catalog.js';
export * from './definition.js';
export type * from './generated/types.js';
export * from './resources.js';
export type { NodeClaim } from './allocation/v1/nodeclaim.js';
export * from './api-discovery/index.js';
export * from './apiregistration/v1/priorities.js';
export {
  apiServiceName,
  isAvailable,
  locallyAvailable,
  type APIService,
  type APIServiceCondition,
  type APIServiceSpec,
} from './apiregistration/v1/apiservice.js';
export * from './merge-schema/index.js';
export * from './openapi/index.js';
export * from './quota/index.js';
export * from './schema/index.js';
export * from './strategic-merge/index.js';
export * from './strategy.js';
export { TEMPLATE_GENERATION, templateGenerationOf } from './apps/v1/daemonset.js';
export { nextScheduleTime, parseCronSchedule, CronScheduleError, type CronSchedule } from './batch/v1/cron-schedule.js';
export { isTimeZone, zonedTime } from './batch/v1/time-zone.js';
export { countOfIndexes, IndexesError, indexesText, parseIndexes, type IndexInterval } from './batch/v1/indexes.js';
export * from './batch/v1/job-conditions.js';
export { claimNameOf, claimNamesOf, namedStorageClass, requestedStorage, storageClassOf } from './core/v1/claims.js';
export { NAMESPACE_FINALIZER, NAMESPACE_NAME_LABEL } from './core/v1/namespace.js';
export { DELETION_COST, MIRROR } from './core/v1/pod-validation.js';
export { isRestartableInitContainer, podLimits, podRequests, qosClassOf } from './core/v1/pod-resources.js';
export * from './core/v1/kubernetes-events.js';
export { meetsNodeTerm, selectsNode } from './core/v1/node-selection.js';
export * from './core/v1/pod-status.js';
export * from './core/v1/tolerations.js';
export type { ResourceList } from './core/v1/resource-list.js';
export { needsHealthCheck } from './core/v1/service-validation.js';
export { SERVICE_NAME_LABEL } from './discovery/v1/endpointslice.js';
export { fromCoreEvent, toCoreEvent } from './events/v1/event.js';
export { RBAC_GROUP } from './rbac/v1/binding.js';
export { SYSTEM_PRIORITY_CLASSES } from './scheduling/v1/priorityclass.js';
export { DEFAULT_STORAGE_CLASS_ANNOTATIONS, isDefaultStorageClass } from './storage/v1/storageclass.js';
export { CUSTOM_RESOURCE_CLEANUP_FINALIZER } from './apiextensions/v1/customresourcedefinition.js';
export type { CustomResourceDefinition, CustomResourceDefinitionCondition, CustomResourceDefinitionNames } from '#libs/custom-resources';
export { catalogOfView, catalogWith } from './apiextensions/catalog.js';
export { BUILT_IN, DEFINITIONS, definitionByKind, definitionOf } from './registry.js';
export * from './protobuf/index.js';
export * from './certificates/request.js';
export { hasCondition as hasCertificateCondition } from './certificates/v1/certificatesigningrequest.js';
export { AUTOUPDATE_SPEC, MANDATORY_LEVELS, MANDATORY_SCHEMAS, SUGGESTED_LEVELS, SUGGESTED_SCHEMAS } from './flowcontrol/v1/bootstrap.js';
export * from './admissionregistration/expressions.js';
export { modelType, resourceType, type TypedSchema } from './admissionregistration/schema-types.js';
export * from './admissionregistration/type-check.js';
export { validateClientConfig } from './admissionregistration/v1/webhooks.js';
export { AGE, column, NAME, wideColumn } from './columns.js';
export { kindOf } from './kind.js';
export { ownSchema } from './own-schema.js';
