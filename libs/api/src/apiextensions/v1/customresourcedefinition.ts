import { deepEqual, formatTime, invalidValue, parseTime, type FieldError, type Instant } from '#libs/apimachinery';
import {
  unrecognizedFormats,
  validateDefinition,
  validateDefinitionUpdate,
  validateStatus,
  type CustomResourceDefinition,
  type CustomResourceDefinitionCondition,
  type CustomResourceDefinitionSpec,
} from '#libs/custom-resources';
import { column, NAME } from '../../columns.js';
import { kindOf } from '../../kind.js';
import { CUSTOMRESOURCEDEFINITIONS } from '../../resources.js';
import { CRD_MODEL } from '../../schema/apiextensions-facts.js';
import { standardStrategy, withGeneration } from '../../strategy.js';
import { statusOf } from '../../verbs.js';

/** Keeps a definition until all its objects are gone. */
export const CUSTOM_RESOURCE_CLEANUP_FINALIZER = 'customresourcecleanup.apiextensions.k8s.io';

/** The port of a Service that a webhook listens at unless it says otherwise. */
const WEBHOOK_PORT = 443;

function defaultSpec(spec: CustomResourceDefinitionSpec): CustomResourceDefinitionSpec {
  const { names, conversion } = spec;
  const service = conversion?.webhook?.clientConfig?.service;
  return {
    ...spec,
    names: {
      ...names,
      ...(names.singular ? {} : names.kind ? { singular: names.kind.toLowerCase() } : {}),
      ...(names.listKind ? {} : names.kind ? { listKind: `${names.kind}List` } : {}),
    },
    conversion:
      conversion === undefined
        ? { strategy: 'None' }
        : service === undefined || service.port !== undefined
          ? conversion
          : withPort(conversion),
  };
}

function withPort(conversion: NonNullable<CustomResourceDefinitionSpec['conversion']>): typeof conversion {
  const { webhook } = conversion;
  const service = webhook?.clientConfig?.service;
  if (!webhook || !service) return conversion;
  return { ...conversion, webhook: { ...webhook, clientConfig: { ...webhook.clientConfig, service: { ...service, port: WEBHOOK_PORT } } } };
}

const EMPTY_STATUS = { conditions: null, acceptedNames: { plural: '', kind: '' }, storedVersions: null } as const;

/** The status with the storage version among those that objects may be stored in. */
function withStoredVersion(crd: CustomResourceDefinition): CustomResourceDefinition {
  const storage = crd.spec.versions.find((version) => version.storage)?.name;
  const status = crd.status ?? EMPTY_STATUS;
  const stored = status.storedVersions ?? [];
  if (storage === undefined || stored.includes(storage)) return crd;
  return { ...crd, status: { ...status, storedVersions: [...stored, storage] } };
}

/** A definition's name says what it defines. */
function validateName({ metadata, spec }: CustomResourceDefinition): readonly FieldError[] {
  const { name = '' } = metadata;
  if (name === `${spec.names.plural}.${spec.group}`) return [];
  return [invalidValue('metadata.name', name, 'must be spec.names.plural+"."+spec.group')];
}

/** The first request to delete a definition says that its objects go first. */
function prepareForDelete(crd: CustomResourceDefinition, now: Instant): CustomResourceDefinition {
  const { metadata } = crd;
  if (metadata.deletionTimestamp !== undefined) return crd;
  const finalizers = metadata.finalizers ?? [];
  const terminating: CustomResourceDefinitionCondition = {
    type: 'Terminating',
    status: 'True',
    lastTransitionTime: formatTime(now),
    reason: 'InstanceDeletionPending',
    message: 'CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon',
  };
  const status = crd.status ?? EMPTY_STATUS;
  const others = (status.conditions ?? []).filter(({ type }) => type !== 'Terminating');
  return {
    ...crd,
    metadata: finalizers.includes(CUSTOM_RESOURCE_CLEANUP_FINALIZER)
      ? metadata
      : { ...metadata, finalizers: [...finalizers, CUSTOM_RESOURCE_CLEANUP_FINALIZER] },
    status: { ...status, conditions: [...others, terminating] },
  };
}

export const customresourcedefinitions = kindOf<CustomResourceDefinition>(CUSTOMRESOURCEDEFINITIONS, 'CustomResourceDefinition', {
  scope: 'Cluster',
  shortNames: ['crd', 'crds'],
  categories: ['api-extensions'],
  model: CRD_MODEL,
  unconditionalUpdate: false,
  subresources: [statusOf('CustomResourceDefinition')],
  strategy: standardStrategy<CustomResourceDefinition>({
    defaults: (crd) => {
      const spec = defaultSpec(crd.spec);
      return withStoredVersion(deepEqual(spec, crd.spec) ? crd : { ...crd, spec });
    },
    prepareForCreate: (crd) => withStoredVersion(withGeneration({ ...crd, status: EMPTY_STATUS })),
    prepareForUpdate: (next, old) => withStoredVersion(withGeneration({ ...next, status: old.status ?? EMPTY_STATUS }, old)),
    prepareForDelete: (crd, { now }) => prepareForDelete(crd, now),
    validate: (crd) => [...validateName(crd), ...validateDefinition(crd)],
    validateUpdate: validateDefinitionUpdate,
    validateStatusUpdate: ({ status }) => validateStatus(status),
    warnings: (crd) => warningsOf(crd.spec),
  }),
  columns: [NAME, column('Created At', ({ metadata }) => createdAt(metadata.creationTimestamp), 'date')],
});

const createdAt = (time: string | undefined): string | null => (parseTime(time) === undefined ? null : (time ?? null));

/** What a definition's author ought to know: formats that nobody checks. */
const warningsOf = ({ versions }: CustomResourceDefinitionSpec): readonly string[] => [
  ...new Set(
    versions.flatMap(({ schema }) =>
      unrecognizedFormats(schema?.openAPIV3Schema ?? {}).map((format) => `unrecognized format ${JSON.stringify(format)}`),
    ),
  ),
];
