import type { Lister } from '#libs/apimachinery';
import { PRIVILEGED_GROUP, type Attributes, type Verdict } from './attributes.js';
import { NodeAuthorizer } from './node.js';
import { Rbac } from './rbac.js';

/** The cluster's authorizers in a row: the privileged group, nodes, RBAC. The first that allows decides. */
export class ClusterAuthorizer {
  readonly rbac: Rbac;
  readonly #node: NodeAuthorizer;

  constructor(lister: Pick<Lister, 'get' | 'list'>) {
    this.rbac = new Rbac(lister);
    this.#node = new NodeAuthorizer(lister);
  }

  /** Whether it may be done. The reasons of all that refused complete the sentence of a refusal. */
  authorize(attributes: Attributes): Verdict {
    if (attributes.user.groups.includes(PRIVILEGED_GROUP)) return { allowed: true, reason: '' };
    const byNode = this.#node.authorize(attributes);
    if (byNode?.allowed === true) return byNode;
    const byRbac = this.rbac.authorize(attributes);
    if (byRbac.allowed) return byRbac;
    const reason = [byNode?.reason ?? '', byRbac.reason].filter((text) => text !== '').join(', ');
    return { allowed: false, reason };
  }
}
