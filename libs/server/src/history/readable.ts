import type { Catalog } from '#libs/api';
import type { GroupVersionResource } from '#libs/apimachinery';
import type { AuthorizerAttributes, Authorizer, User } from '../authorization/authorizer.js';
import { refusal } from '../authorization/authorizer.js';

/** An object whose past is asked for. */
export interface PastObject {
  readonly group: string;
  readonly resource: string;
  /** Empty for a cluster-scoped object. */
  readonly namespace: string;
  readonly name: string;
}

/**
 * What a user may see of the past: that of objects which he may get today. Asked of the authorizer once for all objects of a
 * kind in a namespace, and of each by its name where that is refused.
 */
export class Readable {
  private readonly decisions = new Map<string, Promise<AuthorizerAttributes | undefined>>();

  constructor(
    private readonly authorizer: Authorizer,
    private readonly user: User,
    private readonly catalog: Catalog,
  ) {}

  async allows(object: PastObject): Promise<boolean> {
    return (await this.refused(object)) === undefined;
  }

  /** Whether he may list a kind in every namespace. */
  async allowsAll({ group, version, resource }: GroupVersionResource): Promise<boolean> {
    const { user } = this;
    const where = { subresource: '', namespace: '', name: '' };
    return (await this.authorizer({ kind: 'resource', user, verb: 'list', group, version, resource, ...where })).allowed;
  }

  /** Throws 403 in upstream's words where the object may not be got. */
  async demand(object: PastObject): Promise<void> {
    const attributes = await this.refused(object);
    if (attributes !== undefined) throw refusal(attributes, (await this.authorizer(attributes)).reason);
  }

  private async refused(object: PastObject): Promise<AuthorizerAttributes | undefined> {
    const everywhere = await this.decided({ ...object, name: '' });
    return everywhere === undefined ? undefined : this.decided(object);
  }

  private decided({ group, resource, namespace, name }: PastObject): Promise<AuthorizerAttributes | undefined> {
    const key = JSON.stringify([group, resource, namespace, name]);
    let decision = this.decisions.get(key);
    if (decision === undefined) {
      decision = this.ask({ group, resource, namespace, name });
      this.decisions.set(key, decision);
    }
    return decision;
  }

  private async ask({ group, resource, namespace, name }: PastObject): Promise<AuthorizerAttributes | undefined> {
    const version = this.catalog.storedDefinitionOf({ group, resource })?.resource.version ?? '';
    const attributes: AuthorizerAttributes = {
      kind: 'resource',
      user: this.user,
      verb: 'get',
      group,
      version,
      resource,
      subresource: '',
      // A namespace lies within itself, as far as its readers go (apiserver `requestinfo.go`).
      namespace: group === '' && resource === 'namespaces' ? name : namespace,
      name,
    };
    return (await this.authorizer(attributes)).allowed ? undefined : attributes;
  }
}
