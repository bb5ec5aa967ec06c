import { PODS, RESOURCESLICES, VOLUMEATTACHMENTS, type Pod, type PolicyRule, type ResourceSlice, type VolumeAttachment } from '#libs/api';
import type { Lister } from '#libs/apimachinery';
import type { Attributes, Subject, Verdict } from './attributes.js';
import { podsReferTo, podsUseVolume, volumesNeedSecret, type Referenced } from './node-references.js';
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
  rule(['create', 'update', 'patch'], '', 'events'),
  rule(['create', 'update', 'patch'], 'events.k8s.io', 'events'),
  rule(['get'], '', 'endpoints'),
  rule(['create', ...READ], 'certificates.k8s.io', 'certificatesigningrequests'),
  rule(READ, 'node.k8s.io', 'runtimeclasses'),
  rule(READ, 'storage.k8s.io', 'csidrivers'),
];

const YES: Verdict = { allowed: true, reason: '' };
const no = (reason: string): Verdict => ({ allowed: false, reason });

/** The node that a user is; undefined for everybody else. */
export function nodeOf({ name, groups }: Subject): string | undefined {
  return name.startsWith(PREFIX) && groups.includes(GROUP) ? name.slice(PREFIX.length) : undefined;
}

type Asked = Attributes & { readonly kind: 'resource' };

/** Decides what nodes may do by what their pods need: upstream's plugin/pkg/auth/authorizer/node. */
export class NodeAuthorizer {
  constructor(private readonly lister: Pick<Lister, 'get' | 'list'>) {}

  /** Undefined where a node is not who asks, or where it is for others to say. */
  authorize(attributes: Attributes): Verdict | undefined {
    const node = nodeOf(attributes.user);
    if (node === undefined) return undefined;
    if (node === '') return no(`unknown node for user ${JSON.stringify(attributes.user.name)}`);
    if (attributes.kind === 'path') return undefined;
    const special = this.#special(node, attributes);
    if (special !== undefined) return special;
    return NODE_RULES.some((each) => ruleAllows(each, attributes)) ? YES : undefined;
  }

  #special(node: string, asked: Asked): Verdict | undefined {
    switch (`${asked.group}/${asked.resource}`) {
      case '/secrets':
        return this.#read(node, asked, 'secrets');
      case '/configmaps':
        return this.#read(node, asked, 'configmaps');
      case '/persistentvolumeclaims':
        if (asked.subresource === 'status') return this.#claimStatus(node, asked);
        return single(asked) ?? this.#referred(node, asked, 'persistentvolumeclaims');
      case '/persistentvolumes':
        return single(asked) ?? related(node, podsUseVolume(this.lister, node, asked.name));
      case 'resource.k8s.io/resourceclaims':
        return single(asked) ?? this.#referred(node, asked, 'resourceclaims');
      case 'storage.k8s.io/volumeattachments':
        return single(asked) ?? related(node, this.#attached(node, asked.name));
      case '/serviceaccounts':
        return this.#account(node, asked);
      case '/nodes':
        return ownNode(node, asked);
      case '/pods':
        return this.#pod(node, asked);
      case 'coordination.k8s.io/leases':
        return ownLease(node, asked);
      case 'storage.k8s.io/csinodes':
        return ownCsiNode(node, asked);
      case 'resource.k8s.io/resourceslices':
        return this.#slices(node, asked);
    }
    return undefined;
  }

  #referred(node: string, { namespace, name }: Asked, wanted: Referenced): Verdict {
    return related(node, podsReferTo(this.lister, node, wanted, namespace, name));
  }

  #read(node: string, asked: Asked, wanted: 'secrets' | 'configmaps'): Verdict {
    const { verb, subresource, namespace, name } = asked;
    if (!READ.includes(verb)) return no('can only read resources of this type');
    if (subresource !== '') return no('cannot read subresource');
    if (namespace === '') return no('can only read namespaced object of this type');
    if (name === '') return no('No Object name found');
    const found = this.#referred(node, asked, wanted);
    if (found.allowed || wanted === 'configmaps') return found;
    return related(node, volumesNeedSecret(this.lister, node, namespace, name));
  }

  #claimStatus(node: string, asked: Asked): Verdict {
    if (!['get', 'update', 'patch'].includes(asked.verb)) return no('can only get/update/patch this type');
    return this.#referred(node, asked, 'persistentvolumeclaims');
  }

  #attached(node: string, name: string): boolean {
    const attachment = this.lister.get(VOLUMEATTACHMENTS, undefined, name) as VolumeAttachment | undefined;
    return attachment?.spec?.nodeName === node;
  }

  #account(node: string, asked: Asked): Verdict {
    const { verb, subresource, name } = asked;
    if (subresource === '') return single(asked) ?? this.#referred(node, asked, 'serviceaccounts');
    if (subresource !== 'token') return no('can only create token subresource of service account');
    if (verb !== 'create' || name === '') return no('can only create tokens for individual service accounts');
    return this.#referred(node, asked, 'serviceaccounts');
  }

  #slices(node: string, asked: Asked): Verdict {
    const { verb, subresource, name } = asked;
    if (subresource !== '') return no('unauthorized ResourceSlice subresource');
    if (verb === 'create') return YES;
    if (['get', 'update', 'patch', 'delete'].includes(verb)) {
      const slice = this.lister.get(RESOURCESLICES, undefined, name) as ResourceSlice | undefined;
      return related(node, slice?.spec.nodeName === node);
    }
    if (['list', 'watch', 'deletecollection'].includes(verb)) {
      if (selects(asked, 'spec.nodeName', node)) return YES;
      return no('can only list/watch/deletecollection resourceslices with spec.nodeName field selector');
    }
    return no(
      'only the following verbs are allowed for a ResourceSlice: get, watch, list, create, update, patch, delete, deletecollection',
    );
  }

  #pod(node: string, asked: Asked): Verdict | undefined {
    const { verb, subresource, namespace, name } = asked;
    const mine = (): Verdict => related(node, (this.lister.get(PODS, namespace, name) as Pod | undefined)?.spec?.nodeName === node);
    if (subresource === 'status') return ['update', 'patch'].includes(verb) ? YES : undefined;
    if (subresource === 'eviction') return verb === 'create' ? YES : undefined;
    if (subresource !== '') return undefined;
    if (verb === 'get') return mine();
    if (verb === 'list' || verb === 'watch') {
      if (selects(asked, 'spec.nodeName', node)) return YES;
      return name === '' ? no('can only list/watch pods with spec.nodeName field selector') : mine();
    }
    // Mirror pods: admission sees to it that they are.
    return verb === 'create' || verb === 'delete' ? YES : undefined;
  }
}

const related = (node: string, found: boolean): Verdict =>
  found ? YES : no(`no relationship found between node '${node}' and this object`);

const selects = ({ fields }: Asked, field: string, value: string): boolean =>
  fields?.some((each) => each.field === field && each.operator === '=' && each.value === value) === true;

/** Why it is no get of one object; undefined where it is. */
function single({ verb, subresource, name }: Asked): Verdict | undefined {
  if (verb !== 'get') return no('can only get individual resources of this type');
  if (subresource !== '') return no('cannot get subresource');
  return name === '' ? no('No Object name found') : undefined;
}

function ownNode(node: string, { verb, subresource, name }: Asked): Verdict | undefined {
  if (subresource === 'status') return ['update', 'patch'].includes(verb) ? YES : undefined;
  if (subresource !== '') return undefined;
  // Admission sees to it that it is its own.
  if (['create', 'update', 'patch'].includes(verb)) return YES;
  if (!READ.includes(verb)) return undefined;
  if (name === node) return YES;
  return no(
    name === ''
      ? `node '${node}' cannot read all nodes, only its own Node object`
      : `node '${node}' cannot read '${name}', only its own Node object`,
  );
}

const OWN = ['get', 'create', 'update', 'patch', 'delete'];

/** The authorizer doesn't know what a create will be called: admission does. */
function ownLease(node: string, { verb, namespace, name }: Asked): Verdict {
  if (!OWN.includes(verb)) return no('can only get, create, update, patch, or delete a node lease');
  if (namespace !== 'kube-node-lease') return no('can only access leases in the "kube-node-lease" system namespace');
  if (verb !== 'create' && name !== node) return no('can only access node lease with the same name as the requesting node');
  return YES;
}

function ownCsiNode(node: string, { verb, subresource, name }: Asked): Verdict {
  if (!OWN.includes(verb)) return no('can only get, create, update, patch, or delete a CSINode');
  if (subresource !== '') return no('CSINode does not have subresources');
  if (verb !== 'create' && name !== node) return no('can only access CSINode with the same name as the requesting node');
  return YES;
}
