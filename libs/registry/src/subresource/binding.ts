import { PODS, type Binding, type Pod, type PodCondition } from '#libs/api';
import { badRequest, conflict, formatTime, notFound, notSupported, required, StatusError, type FieldError } from '#libs/apimachinery';
import { admit, mutate } from '../admission/chain.js';
import { admitToNamespace } from '../admission/namespace-lifecycle.js';
import { currentOf, namespaceOf, planned, writesOf, type Case, type Decided } from '../case.js';
import { claimWrites } from '../claims.js';
import { decodeBody, type Expected } from '../decoding.js';
import { inNamespace } from '../metadata.js';
import { SUCCESS } from '../status.js';

const BINDING: Expected = { group: '', version: 'v1', kind: 'Binding', model: 'io.k8s.api.core.v1.Binding' };
const ABOUT = { group: '', resource: 'pods/binding' };

function problemsOf({ target }: Binding): readonly FieldError[] {
  return [
    ...(target.kind && target.kind !== 'Node' ? [notSupported('target.kind', target.kind, ['Node', '<empty>'])] : []),
    ...(target.name ? [] : [required('target.name')]),
  ];
}

/** Upstream answers these with the bare list of problems, as an internal error. */
function checkTarget(binding: Binding): void {
  const sentences = problemsOf(binding).map(({ field, message }) => `${field}: ${message}`);
  if (sentences.length === 0) return;
  throw new StatusError('InternalError', sentences.length === 1 ? (sentences[0] ?? '') : `[${sentences.join(', ')}]`);
}

/** Why a pod can't be bound; undefined where it can. */
function refusal({ metadata, spec }: Pod): string | undefined {
  if (metadata.deletionTimestamp !== undefined) return `pod ${metadata.name} is being deleted, cannot be assigned to a host`;
  if (spec?.nodeName) return `pod ${metadata.name} is already assigned to node "${spec.nodeName}"`;
  if (spec?.schedulingGates?.length) return `pod ${metadata.name} has non-empty .spec.schedulingGates`;
  return undefined;
}

function scheduled({ metadata, status }: Pod, now: number): readonly PodCondition[] {
  const conditions = status?.conditions ?? [];
  const old = conditions.find(({ type }) => type === 'PodScheduled');
  const since = old?.status === 'True' ? old.lastTransitionTime : undefined;
  const condition: PodCondition = {
    type: 'PodScheduled',
    ...(metadata.generation === undefined ? {} : { observedGeneration: metadata.generation }),
    status: 'True',
    lastTransitionTime: since ?? formatTime(now),
  };
  return old ? conditions.map((each) => (each === old ? condition : each)) : [...conditions, condition];
}

/** Decides a POST of `pods/binding`: the pod goes to the node, with the binding's annotations and labels. */
export function decideBinding(given: Case): Decided {
  const { request, context } = given;
  const name = request.name ?? '';
  const namespace = namespaceOf(given);
  const decoded = decodeBody<Binding>(request.object, BINDING, request.options, request.duplicates);
  if (decoded.object.metadata.name !== name) throw badRequest('name in URL does not match name in Binding object');
  inNamespace(decoded.object.metadata, namespace);
  admitToNamespace(given, 'create', name);
  const attributes = { operation: 'CREATE', subresource: 'binding', name, namespace, object: decoded.object, old: undefined } as const;
  const object = (mutate(given, attributes) ?? decoded.object) as Binding;
  checkTarget(object);
  const verdict = admit(given, { ...attributes, object });
  const { metadata } = object;
  const current = currentOf(given, namespace, name);
  if (!current) throw notFound(PODS, name);
  const pod = current.object as Pod;
  if (metadata.uid && metadata.uid !== pod.metadata.uid) {
    throw conflict(ABOUT, name, `Precondition failed: UID in precondition: ${metadata.uid}, UID in object meta: ${pod.metadata.uid}`);
  }
  if (metadata.resourceVersion && metadata.resourceVersion !== String(current.sequence)) {
    const versions = `ResourceVersion in precondition: ${metadata.resourceVersion}, ResourceVersion in object meta: ${current.sequence}`;
    throw conflict(ABOUT, name, `Precondition failed: ${versions}`);
  }
  const why = refusal(pod);
  if (why !== undefined || !pod.spec) throw conflict(ABOUT, name, why ?? `pod ${name} has no spec`);
  const { annotations, labels } = metadata;
  const next: Pod = {
    ...pod,
    metadata: {
      ...pod.metadata,
      ...(labels ? { labels: { ...pod.metadata.labels, ...labels } } : {}),
      ...(annotations ? { annotations: { ...pod.metadata.annotations, ...annotations } } : {}),
    },
    spec: { ...pod.spec, nodeName: object.target.name ?? '' },
    status: { ...pod.status, conditions: scheduled(pod, context.now) },
  };
  const writes = writesOf(given, [planned('Updated', given, next, current.sequence), ...claimWrites(given, pod, next)]);
  return { ...writes, answer: SUCCESS, code: 201, warnings: [...decoded.warnings, ...verdict.warnings] };
}
