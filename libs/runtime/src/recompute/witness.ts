import { SECRETS } from '#libs/api';
import { qualifiedResource, type GroupVersionResource, type KubeObject, type Lister, type OwnedObject } from '#libs/apimachinery';
import { SEALED_ANNOTATION } from '#libs/log';
import type { Forgotten } from './forgotten.js';
import type { Timeline } from './timeline.js';

/** A look at a timeline that notes what of what it is asked for can't be told any more. */
export class Witness implements Lister {
  /** What is missing, in words; empty: everything was there. */
  readonly missing = new Set<string>();

  constructor(
    private readonly timeline: Timeline,
    private readonly forgotten: Forgotten,
  ) {}

  get(resource: GroupVersionResource, namespace: string | undefined, name: string): KubeObject | undefined {
    if (this.forgotten.object(resource, namespace, name, this.timeline.position)) this.#forgot(qualifiedResource(resource));
    const object = this.timeline.get(resource, namespace, name);
    if (object) this.#seal(resource, object);
    return object;
  }

  list(resource: GroupVersionResource, namespace?: string): readonly KubeObject[] {
    if (this.forgotten.list(resource, namespace, this.timeline.position)) this.#forgot(qualifiedResource(resource));
    const objects = this.timeline.list(resource, namespace);
    for (const object of resource.resource === SECRETS.resource ? objects : []) this.#seal(resource, object);
    return objects;
  }

  ownedBy(uid: string): readonly OwnedObject[] {
    const resource = this.forgotten.dependent(uid, this.timeline.position);
    if (resource !== undefined) this.#forgot(resource);
    const owned = this.timeline.ownedBy(uid);
    for (const { resource: of, object } of owned) this.#seal(of, object);
    return owned;
  }

  #forgot(resource: string): void {
    this.missing.add(`the log keeps only the last messages of ${resource}`);
  }

  #seal(resource: GroupVersionResource, { metadata }: KubeObject): void {
    if (resource.resource !== SECRETS.resource || resource.group !== '' || metadata.annotations?.[SEALED_ANNOTATION] === undefined) return;
    this.missing.add('the key of a Secret was destroyed');
  }
}
