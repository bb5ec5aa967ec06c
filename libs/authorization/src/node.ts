import { PERSISTENTVOLUMECLAIMS, PODS, type PersistentVolumeClaim, type Pod, type PolicyRule } from '#libs/api';
import type { KubeObject, Lister } from '#libs/apimachinery';
import type { Attributes, Subject, Verdict } from './attributes.js';
import { ruleAllows } from './rules.js';

const PREFIX = 'system:node:';
const GROUP = 'system:nodes';
const READ = ['get', 'list', 'watch'];

const rule = (verbs: readonly string[], group: string, ...resources: readonly string[]): PolicyRule => ({
  verbs,
  apiGroups: [group],
  resources,
});

/**
 * What every node may do, whatever its pods (bootstrappolicy `NodeRules`). Secrets, config maps, claims, volumes and
 * tokens are not here: they depend on the pods.
 */
const NODE_RULES: readonly PolicyRule[] = [
  rule(['create'], 'authentication.k8s.io', 'tokenreviews'),
  rule(['create'], 'authorization.k8s.io', 'subjectaccessreviews', 'localsubjectaccessreviews'),
  rule(READ, '', 'services'),
  rule(['create', ...READ], '', 'nodes'),
  rule(['update', 'patch'], '', 'nodes', 'nodes/status'),
  rule(['create', 'update', 'patch'], '', 'events'),
  rule(['create', 'update', 'patch'], 'events.k8s.io', 'events'),
  rule(READ, '', 'pods'),
  rule(['create', 'delete'], '', 'pods'),
  rule(['update', 'patch'], '', 'pods/status'),
  rule(['create'], '', 'pods/eviction'),
  rule(['get'], '', 'endpoints'),
  rule(['create', ...READ], 'certificates.k8s.io', 'certificatesigningrequests'),
  rule(READ, 'node.k8s.io', 'runtimeclasses'),
  rule(READ, 'storage.k8s.io', 'csidrivers'),
];

const NOT_RELATED = (node: string): string => `no relationship found between node '${node}' and this object`;

/** The node that a user is; undefined for everybody else. */
export function nodeOf({ name, groups }: Subject): string | undefined {
  return name.startsWith(PREFIX) && groups.includes(GROUP) ? name.slice(PREFIX.length) : undefined;
}

/** What the pods of a node refer to, as `resource namespace/name`. */
type References = ReadonlySet<string>;

function referencesOfVolumes(pod: Pod, found: Set<string>): void {
  const namespace = pod.metadata.namespace ?? '';
  const add = (resource: string, name: string | undefined): unknown => name && found.add(`${resource} ${namespace}/${name}`);
  for (const volume of pod.spec?.volumes ?? []) {
    add('secrets', volume.secret?.secretName);
    add('configmaps', volume.configMap?.name);
    add('persistentvolumeclaims', volume.persistentVolumeClaim?.claimName);
    if (volume.ephemeral) add('persistentvolumeclaims', `${pod.metadata.name ?? ''}-${volume.name}`);
    for (const source of volume.projected?.sources ?? []) {
      add('secrets', source.secret?.name);
      add('configmaps', source.configMap?.name);
    }
    add('secrets', volume.csi?.nodePublishSecretRef?.name);
  }
}

function referencesOf(pod: Pod, found: Set<string>): void {
  const namespace = pod.metadata.namespace ?? '';
  const add = (resource: string, name: string | undefined): unknown => name && found.add(`${resource} ${namespace}/${name}`);
  const { spec } = pod;
  if (!spec) return;
  found.add(`pods ${namespace}/${pod.metadata.name ?? ''}`);
  add('serviceaccounts', spec.serviceAccountName);
  for (const { name } of spec.imagePullSecrets ?? []) add('secrets', name);
  referencesOfVolumes(pod, found);
  for (const container of [...(spec.initContainers ?? []), ...spec.containers, ...(spec.ephemeralContainers ?? [])]) {
    for (const { valueFrom } of container.env ?? []) {
      add('secrets', valueFrom?.secretKeyRef?.name);
      add('configmaps', valueFrom?.configMapKeyRef?.name);
    }
    for (const { secretRef, configMapRef } of container.envFrom ?? []) {
      add('secrets', secretRef?.name);
      add('configmaps', configMapRef?.name);
    }
  }
  for (const { resourceClaimName } of spec.resourceClaims ?? []) add('resourceclaims', resourceClaimName);
}

/** What was found of a list of pods, for as long as the list is the same. */
const byPods = new WeakMap<readonly KubeObject[], Map<string, References>>();

function referencesFor(node: string, pods: readonly KubeObject[]): References {
  const byNode = byPods.get(pods) ?? new Map<string, References>();
  byPods.set(pods, byNode);
  const known = byNode.get(node);
  if (known) return known;
  const found = new Set<string>();
  for (const pod of pods as readonly Pod[]) if (pod.spec?.nodeName === node) referencesOf(pod, found);
  byNode.set(node, found);
  return found;
}

/** Decides what nodes may do by what their pods need: upstream's plugin/pkg/auth/authorizer/node. */
export class NodeAuthorizer {
  constructor(private readonly lister: Pick<Lister, 'get' | 'list'>) {}

  /** Undefined where a node is not who asks: then it is for others to say. */
  authorize(attributes: Attributes): Verdict | undefined {
    const node = nodeOf(attributes.user);
    if (node === undefined) return undefined;
    if (attributes.kind === 'path') return undefined;
    const special = this.#special(node, attributes);
    if (special !== undefined) return special;
    return NODE_RULES.some((each) => ruleAllows(each, attributes)) ? { allowed: true, reason: '' } : undefined;
  }

  #special(node: string, attributes: Attributes & { readonly kind: 'resource' }): Verdict | undefined {
    const { group, resource, subresource, verb, name, namespace } = attributes;
    const full = `${group}/${resource}`;
    switch (full) {
      case '/secrets':
      case '/configmaps':
        return this.#related(node, READ.includes(verb) && subresource === '' && name !== '', resource, namespace, name);
      case '/persistentvolumeclaims': {
        const reads = verb === 'get' && subresource === '';
        const resizes = ['update', 'patch'].includes(verb) && subresource === 'status';
        return this.#related(node, reads || resizes, resource, namespace, name);
      }
      case '/persistentvolumes':
        return this.#claimed(node, verb === 'get' && subresource === '', name);
      case 'resource.k8s.io/resourceclaims':
        return this.#related(node, verb === 'get' && subresource === '', resource, namespace, name);
      case '/serviceaccounts':
        if (subresource !== 'token') return undefined;
        return this.#related(node, verb === 'create', resource, namespace, name);
      case 'coordination.k8s.io/leases':
        return own(node, ['get', 'create', 'update', 'patch', 'delete'], attributes, namespace === 'kube-node-lease');
      case 'storage.k8s.io/csinodes':
        return own(node, ['get', 'create', 'update', 'patch', 'delete'], attributes, true);
      case 'resource.k8s.io/resourceslices':
        return { allowed: [...READ, 'create', 'update', 'patch', 'delete', 'deletecollection'].includes(verb), reason: '' };
    }
    return undefined;
  }

  #related(node: string, possible: boolean, resource: string, namespace: string, name: string): Verdict {
    if (!possible) return { allowed: false, reason: 'can only read resources of this type' };
    const references = referencesFor(node, this.lister.list(PODS));
    if (references.has(`${resource} ${namespace}/${name}`)) return { allowed: true, reason: '' };
    return { allowed: false, reason: NOT_RELATED(node) };
  }

  #claimed(node: string, possible: boolean, volume: string): Verdict {
    if (!possible) return { allowed: false, reason: 'can only get individual resources of this type' };
    const references = referencesFor(node, this.lister.list(PODS));
    const claims = this.lister.list(PERSISTENTVOLUMECLAIMS) as readonly PersistentVolumeClaim[];
    const claimed = claims.some(
      ({ metadata, spec }) =>
        spec?.volumeName === volume && references.has(`persistentvolumeclaims ${metadata.namespace ?? ''}/${metadata.name ?? ''}`),
    );
    return claimed ? { allowed: true, reason: '' } : { allowed: false, reason: NOT_RELATED(node) };
  }
}

/** A node's own object: its lease, its CSINode. A create does not carry its name. */
function own(
  node: string,
  verbs: readonly string[],
  { verb, name, subresource }: Attributes & { readonly kind: 'resource' },
  inPlace: boolean,
): Verdict {
  if (!verbs.includes(verb) || subresource !== '') return { allowed: false, reason: `can only ${verbs.join(', ')} its own` };
  if (!inPlace) return { allowed: false, reason: 'can only access leases in the "kube-node-lease" system namespace' };
  if (verb !== 'create' && name !== node)
    return { allowed: false, reason: 'can only access node lease with the same name as the requesting node' };
  return { allowed: true, reason: '' };
}
