import type { Deployment, ReplicaSet, ReplicationController, ResourceDefinition, Scale, ScaleRules } from '#libs/api';
import {
  apiVersionOf,
  conflict,
  invalid,
  labelSelectorOf,
  notFound,
  selectorFromLabels,
  StatusError,
  validateNonnegative,
  type KubeObject,
} from '#libs/apimachinery';
import { admit, mutate } from '../admission/chain.js';
import type { Attributes } from '../admission/plugin.js';
import { currentOf, namespaceOf, trackingOf, withMetadata, type Case, type Decided } from '../case.js';
import { decodeBody, type DecodedBody, type Expected } from '../decoding.js';
import {
  applied,
  configurationOf,
  managedAfterScale,
  managedOfScale,
  tracked,
  withoutManagedFields,
  type TrackedKind,
} from '../field-management/index.js';
import { checkName, inNamespace } from '../metadata.js';
import { patched } from '../patch.js';
import { applyUpdate } from '../update.js';

const SCALE: Expected = { group: 'autoscaling', version: 'v1', kind: 'Scale', model: 'io.k8s.api.autoscaling.v1.Scale' };
const SCALE_KIND: TrackedKind = { ...SCALE, resource: { group: SCALE.group, version: SCALE.version, resource: 'scale' } };

/** A selector as text; that of a ReplicationController is a plain map of labels. */
function selectorTextOf(object: KubeObject): string {
  const { spec } = object as Deployment;
  if (object.kind !== 'ReplicationController') return labelSelectorOf(spec?.selector).toString();
  return selectorFromLabels((object as ReplicationController).spec?.selector ?? {}).toString();
}

type Amounts = Pick<Scale, 'spec' | 'status'>;

function amountsOf(object: Deployment | ReplicaSet): Amounts {
  const { spec, status } = object;
  const selector = selectorTextOf(object);
  return {
    spec: spec?.replicas ? { replicas: spec.replicas } : {},
    status: { replicas: status?.replicas ?? 0, ...(selector === '' ? {} : { selector }) },
  };
}

function amountsBy({ read, path }: ScaleRules, object: KubeObject): Amounts {
  const { found, spec, status } = read(object);
  if (!found) {
    throw new StatusError('InternalError', `Internal error occurred: the spec replicas field ${JSON.stringify(path)} does not exist`);
  }
  return { ...(spec ? { spec } : {}), ...(status ? { status } : {}) };
}

/** The rules by which a custom resource is scaled; undefined for built-in kinds. */
export const scaleRulesOf = ({ subresources }: ResourceDefinition): ScaleRules | undefined =>
  subresources.find(({ name }) => name === 'scale')?.scale;

/** The `autoscaling/v1 Scale` of a Deployment or ReplicaSet: its replicas, wanted and there, and how to find them. */
export function scaleOf(object: KubeObject, rules?: ScaleRules): Scale {
  const { metadata } = object;
  const { name, namespace, uid, resourceVersion, creationTimestamp } = metadata;
  const amounts = rules ? amountsBy(rules, object) : amountsOf(object as Deployment);
  return {
    apiVersion: 'autoscaling/v1',
    kind: 'Scale',
    metadata: {
      ...(name === undefined ? {} : { name }),
      ...(namespace === undefined ? {} : { namespace }),
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
      ...(creationTimestamp === undefined ? {} : { creationTimestamp }),
    },
    ...amounts,
  };
}

/** The scale that a request makes of the one there is. */
function sentScale(given: Case, object: KubeObject): DecodedBody {
  const { request } = given;
  const { options, duplicates, patch, name = '' } = request;
  if (request.verb !== 'patch') return decodeBody(request.object, SCALE, options, duplicates);
  if (patch?.type !== 'apply') return patched(request, scaleOf(object, scaleRulesOf(given.definition)), SCALE);
  const config = configurationOf(patch.body, SCALE_KIND, name, namespaceOf(given));
  const scale = scaleOf(object, scaleRulesOf(given.definition));
  const live = withMetadata(scale, { ...scale.metadata, managedFields: managedOfScale(object.metadata.managedFields) });
  const next = applied({ ...trackingOf(given), definition: SCALE_KIND }, live, config, options.force === true);
  return decodeBody(next, SCALE, options, duplicates);
}

/** The scaled object with the owners that an apply of its scale has left it. */
function afterApply({ definition }: Case, next: KubeObject, scale: KubeObject): KubeObject {
  const managedFields = managedAfterScale(next.metadata.managedFields, scale.metadata.managedFields, apiVersionOf(definition.resource));
  return managedFields.length === 0 ? withoutManagedFields(next) : withMetadata(next, { ...next.metadata, managedFields });
}

/** The scale after admission, which hears of it as one, and what admission adds. */
function admittedScale(
  given: Case,
  object: Scale,
  current: KubeObject,
): { readonly scale: Scale; readonly verdict: ReturnType<typeof admit> } {
  const { name = '', namespace = '' } = current.metadata;
  const attributes: Attributes = { operation: 'UPDATE', subresource: 'scale', name, namespace, object, old: scaleOf(current) };
  const scale = (mutate(given, attributes) ?? object) as Scale;
  return { scale, verdict: admit(given, { ...attributes, object: scale }) };
}

/** Decides a PUT or PATCH of `scale`: the number moves, and is judged by the kind's own rules. */
export function decideScale(given: Case): Decided {
  const { request, definition } = given;
  const name = request.name ?? '';
  const namespace = namespaceOf(given);
  const current = currentOf(given, namespace, name);
  if (!current) throw notFound(definition.resource, name);
  const decoded = sentScale(given, current.object);
  checkName(decoded.object, name, namespace);
  const { scale, verdict } = admittedScale(given, withoutManagedFields(decoded.object as Scale), current.object);
  const sent = inNamespace(scale.metadata, namespace);
  const replicas = scale.spec?.replicas ?? 0;
  const problems = validateNonnegative(replicas, 'spec.replicas');
  if (problems.length > 0) throw invalid(SCALE.group, SCALE.kind, name, problems);
  const { uid } = current.object.metadata;
  if (sent.uid && sent.uid !== uid) {
    throw conflict(definition.resource, name, `Precondition failed: UID in precondition: ${sent.uid}, UID in object meta: ${uid}`);
  }
  const object = current.object as Deployment;
  const { resourceVersion: held, ...metadata } = object.metadata;
  const rules = scaleRulesOf(definition);
  // Where an update has to name its version, a scale that names none is of the current one.
  const wanted = sent.resourceVersion ?? (definition.unconditionalUpdate === false ? held : undefined);
  const version = wanted ? { resourceVersion: wanted } : {};
  const scaled = rules ? rules.write(object, replicas) : ({ ...object, spec: { ...object.spec, replicas } } as KubeObject);
  const next = withMetadata(scaled, { ...metadata, ...version });
  const owned = request.patch?.type === 'apply' ? afterApply(given, next, decoded.object) : tracked(trackingOf(given), object, next);
  const decided = applyUpdate({ ...given, request: withoutSubresource(request) }, current, owned, decoded.warnings, true);
  const writes = decided.writes.length === 0 ? decided.writes : [...decided.writes, ...verdict.writes];
  return { ...decided, writes, warnings: [...decided.warnings, ...verdict.warnings], answer: scaleOf(decided.answer, rules) };
}

/** Past the conversion, a scale is an update of the main resource. */
function withoutSubresource({ subresource: _scale, ...request }: Case['request']): Case['request'] {
  return request;
}
