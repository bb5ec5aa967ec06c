import { nodeOf } from '#libs/authorization';
import {
  CSINODES,
  LEASES,
  NODES,
  PERSISTENTVOLUMECLAIMS,
  PODS,
  SERVICEACCOUNTS,
  MIRROR,
  type Node,
  type PersistentVolumeClaim,
  type Pod,
  type TokenRequest,
} from '#libs/api';
import { deepEqual, forbidden, notFound, type GroupVersionResource, type KubeObject } from '#libs/apimachinery';
import type { Case } from '../case.js';
import { isAbout } from './about.js';
import { forbiddenLabels } from './node-labels.js';
import { referencesOf } from './pod-references.js';
import type { Attributes, ValidatingPlugin } from './plugin.js';

const LEASES_NAMESPACE = 'kube-node-lease';

/** One request of a node. */
interface Asked {
  readonly node: string;
  readonly attributes: Attributes;
  readonly given: Case;
}

/** Whom a request is refused, and why. */
type Rule = (asked: Asked) => string | undefined;

const podNamed = ({ attributes: { namespace }, given }: Asked, name: string): Pod => {
  const found = given.read.object(PODS, namespace, name)?.object;
  if (!found) throw notFound(PODS, name);
  return found as Pod;
};

/** Why the owners that a mirror pod names are not its node alone. */
function wrongOwner(pod: Pod, { node, given }: Asked): string | undefined {
  const [owner, ...others] = pod.metadata.ownerReferences ?? [];
  if (others.length > 0) return `node "${node}" can only create pods with a single owner reference set to itself`;
  if (owner?.apiVersion !== 'v1' || owner.kind !== 'Node' || owner.name !== node) {
    return `node "${node}" can only create pods with an owner reference set to itself`;
  }
  if (owner.controller !== true) return `node "${node}" can only create pods with a controller owner reference set to itself`;
  if (owner.blockOwnerDeletion === true) return `node "${node}" must not set blockOwnerDeletion on an owner reference`;
  const found = given.read.object(NODES, '', node)?.object;
  if (!found) throw notFound(NODES, node);
  const { uid = '' } = found.metadata;
  return owner.uid === uid ? undefined : `node ${node} UID mismatch: expected ${uid} got ${owner.uid}`;
}

const createsPod: Rule = (asked) => {
  const { node, attributes } = asked;
  const pod = attributes.object as Pod;
  if (pod.metadata.annotations?.[MIRROR] === undefined) {
    return `pod does not have "${MIRROR}" annotation, node "${node}" can only create mirror pods`;
  }
  if (pod.spec?.nodeName !== node) return `node "${node}" can only create pods with spec.nodeName set to itself`;
  const owner = wrongOwner(pod, asked);
  if (owner !== undefined) return owner;
  if (pod.spec.serviceAccountName) return `node "${node}" can not create pods that reference a service account`;
  const [reference] = referencesOf(pod.spec);
  return reference === undefined ? undefined : `node "${node}" can not create pods that reference ${reference}`;
};

const aboutPod: Rule = (asked) => {
  const { node, attributes } = asked;
  const { operation, old } = attributes;
  if (operation === 'CREATE') return createsPod(asked);
  if (operation !== 'DELETE') return `unexpected operation "${operation}", node "${node}" can only create and delete mirror pods`;
  return (old as Pod).spec?.nodeName === node ? undefined : `node "${node}" can only delete pods with spec.nodeName set to itself`;
};

const aboutPodStatus: Rule = ({ node, attributes: { operation, object, old } }) => {
  if (operation !== 'UPDATE') return `unexpected operation "${operation}"`;
  const [next, before] = [object as Pod, old as Pod];
  if (before.spec?.nodeName !== node) return `node "${node}" can only update pod status for pods with spec.nodeName set to itself`;
  if (!deepEqual(next.metadata.labels ?? {}, before.metadata.labels ?? {})) return `node "${node}" cannot update labels through pod status`;
  const kept = deepEqual(next.status?.resourceClaimStatuses ?? [], before.status?.resourceClaimStatuses ?? []);
  return kept ? undefined : `node "${node}" cannot update resource claim statuses`;
};

const aboutEviction: Rule = (asked) => {
  const { node, attributes } = asked;
  if (attributes.operation !== 'CREATE') return `unexpected operation ${attributes.operation}`;
  const pod = podNamed(asked, attributes.name);
  return pod.spec?.nodeName === node ? undefined : `node ${node} can only evict pods with spec.nodeName set to itself`;
};

const aboutNode: Rule = ({ node, attributes: { operation, object, old, name, subresource } }) => {
  const [next, before] = [object as Node | undefined, old as Node | undefined];
  const labels = next ? forbiddenLabels(next.metadata.labels, before?.metadata.labels).join(', ') : '';
  if (operation === 'CREATE' && subresource === '' && labels !== '') {
    return `node "${node}" is not allowed to set the following labels: ${labels}`;
  }
  if (name !== node) return `node "${node}" is not allowed to modify node "${name}"`;
  if (operation !== 'UPDATE' || !next) return undefined;
  if (!deepEqual(next.spec?.taints ?? [], before?.spec?.taints ?? [])) return `node "${node}" is not allowed to modify taints`;
  if (labels !== '') return `node "${node}" is not allowed to modify labels: ${labels}`;
  const owners = deepEqual(next.metadata.ownerReferences ?? [], before?.metadata.ownerReferences ?? []);
  return owners ? undefined : `node "${node}" is not allowed to modify ownerReferences`;
};

/** What of a claim is not for a node to say: all but how large its volume is now. */
function besidesSize({ metadata, spec, status = {} }: PersistentVolumeClaim): unknown {
  const { managedFields: _fields, resourceVersion: _version, ...named } = metadata;
  const { capacity: _capacity, conditions: _conditions, allocatedResources: _a, allocatedResourceStatuses: _s, ...rest } = status;
  return { metadata: named, spec, status: rest };
}

const aboutClaim: Rule = ({ node, attributes: { operation, object, old, subresource } }) => {
  if (subresource !== 'status') return 'may only update PVC status';
  if (operation !== 'UPDATE') return `unexpected operation "${operation}"`;
  const kept = deepEqual(besidesSize(object as PersistentVolumeClaim), besidesSize(old as PersistentVolumeClaim));
  return kept ? undefined : `node "${node}" is not allowed to update fields other than status.quantity`;
};

const aboutToken: Rule = (asked) => {
  const { node, attributes } = asked;
  if (attributes.operation !== 'CREATE' || attributes.subresource !== 'token') return undefined;
  const { apiVersion, kind, name, uid } = (attributes.object as TokenRequest | undefined)?.spec?.boundObjectRef ?? {};
  if (apiVersion !== 'v1' || kind !== 'Pod' || !name) return 'node requested token not bound to a pod';
  if (!uid) return 'node requested token with a pod binding without a uid';
  const pod = podNamed(asked, name);
  if (pod.metadata.uid !== uid) {
    const record = 'does not match the UID in record. The object might have been deleted and then recreated';
    return `the UID in the bound object reference (${uid}) ${record}`;
  }
  return pod.spec?.nodeName === node ? undefined : 'node requested token bound to a pod scheduled on a different node';
};

const aboutLease: Rule = ({ node, attributes: { namespace, name, object } }) => {
  if (namespace !== LEASES_NAMESPACE) return `can only access leases in the "${LEASES_NAMESPACE}" system namespace`;
  const called = object?.metadata.name ?? name;
  return called === node ? undefined : 'can only access node lease with the same name as the requesting node';
};

const aboutCsiNode: Rule = ({ node, attributes: { name, object } }) =>
  (object?.metadata.name ?? name) === node ? undefined : 'can only access CSINode with the same name as the requesting node';

/** Of pods, by subresource; others no node has any business with. */
const OF_PODS: Readonly<Record<string, Rule>> = { '': aboutPod, status: aboutPodStatus, eviction: aboutEviction };

const RULES: readonly (readonly [GroupVersionResource, Rule])[] = [
  [NODES, aboutNode],
  [PERSISTENTVOLUMECLAIMS, aboutClaim],
  [SERVICEACCOUNTS, aboutToken],
  [LEASES, aboutLease],
  [CSINODES, aboutCsiNode],
];

function ruleFor(given: Case, { subresource }: Attributes): Rule | undefined {
  if (isAbout(given, { subresource }, PODS, subresource)) {
    const unexpected = `unexpected pod subresource "${subresource}", only 'status' and 'eviction' are allowed`;
    return OF_PODS[subresource] ?? (() => unexpected);
  }
  return RULES.find(([resource]) => isAbout(given, { subresource }, resource, subresource))?.[1];
}

/** NodeRestriction: a node touches itself, its pods, its lease and its CSINode, and nothing that would draw others' pods to it. */
export const nodeRestriction: ValidatingPlugin = {
  name: 'NodeRestriction',
  operations: ['CREATE', 'UPDATE', 'DELETE', 'CONNECT'],
  validate(attributes, given) {
    const { actor, client } = given.request.requester;
    if (client !== true) return undefined;
    const node = nodeOf({ name: actor.user, groups: actor.groups ?? [] });
    if (node === undefined) return undefined;
    const why =
      node === '' ? `could not determine node from user "${actor.user}"` : ruleFor(given, attributes)?.({ node, attributes, given });
    if (why !== undefined) throw forbidden(given.definition.resource, nameOf(attributes), why);
    return undefined;
  },
};

const nameOf = ({ name, object }: Attributes & { readonly object: KubeObject | undefined }): string =>
  name || (object?.metadata.name ?? '');
