import {
  dnsLabelNames,
  invalidValue,
  isQualifiedName,
  STANDARD_FINALIZERS,
  UNQUALIFIED_FINALIZER,
  type FieldError,
} from '#libs/apimachinery';
import { AGE, NAME, column } from '../../columns.js';
import type { ResourceDefinition } from '../../definition.js';
import type { Namespace } from '../../generated/types.js';
import { judge, type Problems } from '../../problems.js';
import { NAMESPACES } from '../../resources.js';
import { standardStrategy } from '../../strategy.js';
import { statusOf } from '../../verbs.js';

/** The label by which selectors find a namespace by its name. */
export const NAMESPACE_NAME_LABEL = 'kubernetes.io/metadata.name';

/** The finalizer in `spec` by which the namespace controller holds a namespace until it is empty. */
export const NAMESPACE_FINALIZER = 'kubernetes';

function labelled(namespace: Namespace): Namespace {
  const { name, labels } = namespace.metadata;
  if (!name || labels?.[NAMESPACE_NAME_LABEL] === name) return namespace;
  return { ...namespace, metadata: { ...namespace.metadata, labels: { ...labels, [NAMESPACE_NAME_LABEL]: name } } };
}

function defaults(sent: Namespace): Namespace {
  const namespace = labelled(sent);
  return namespace.status?.phase ? namespace : { ...namespace, status: { ...namespace.status, phase: 'Active' } };
}

/** Every namespace starts out active and held; the name a generateName has got by now becomes a label too. */
function prepareForCreate(namespace: Namespace): Namespace {
  const finalizers = namespace.spec?.finalizers ?? [];
  const held = finalizers.includes(NAMESPACE_FINALIZER) ? finalizers : [...finalizers, NAMESPACE_FINALIZER];
  return { ...labelled(namespace), spec: { ...namespace.spec, finalizers: held }, status: { phase: 'Active' } };
}

/** A finalizer in `spec`: one of Kubernetes' own, or with a domain. */
function validate({ spec }: Namespace): readonly FieldError[] {
  const into: Problems = [];
  for (const finalizer of spec?.finalizers ?? []) {
    judge(into, 'spec.finalizers', finalizer, isQualifiedName);
    if (finalizer.includes('/') || STANDARD_FINALIZERS.includes(finalizer)) continue;
    into.push(invalidValue('spec.finalizers', finalizer, UNQUALIFIED_FINALIZER));
  }
  return into;
}

/** The phase says no more than the deletion timestamp does. */
function phaseProblems({ metadata, status }: Namespace): readonly FieldError[] {
  const deleting = metadata.deletionTimestamp !== undefined;
  const phase = deleting ? 'Terminating' : 'Active';
  if (status?.phase === phase) return [];
  const detail = `may only be '${phase}' if \`deletionTimestamp\` is ${deleting ? 'not ' : ''}empty`;
  return [invalidValue('status.Phase', status?.phase ?? '', detail)];
}

export const namespaces: ResourceDefinition<Namespace> = {
  resource: NAMESPACES,
  kind: 'Namespace',
  listKind: 'NamespaceList',
  singular: 'namespace',
  shortNames: ['ns'],
  categories: [],
  scope: 'Cluster',
  names: dnsLabelNames,
  verbs: ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'],
  model: 'io.k8s.api.core.v1.Namespace',
  stream: 'state',
  subresources: [{ name: 'finalize', kind: 'Namespace', verbs: ['update'] }, statusOf('Namespace')],
  fields: { 'status.phase': ({ status }) => status?.phase ?? '' },
  strategy: standardStrategy<Namespace>({
    defaults,
    prepareForCreate,
    prepareForUpdate: (next, old) => ({ ...next, spec: { ...old.spec }, status: { ...old.status } }),
    validate,
    validateUpdate: () => [],
    validateStatusUpdate: (next) => phaseProblems(next),
  }),
  columns: [NAME, column('Status', ({ status }) => status?.phase ?? ''), AGE],
};
