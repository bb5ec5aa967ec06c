import { deepFreeze, type GroupVersionResource, type KubeObject } from '#libs/apimachinery';
import { decodeObject, type Sequence } from '#libs/log';
import type { Entry } from '../ports.js';

/** A current object as the cache keeps it: bytes, and the parsed object from the first time somebody asks. */
export class CachedEntry implements Entry {
  #object: KubeObject | undefined;

  constructor(
    readonly resource: GroupVersionResource,
    readonly namespace: string,
    readonly name: string,
    readonly sequence: Sequence,
    readonly body: Uint8Array,
    readonly root: string | undefined,
  ) {}

  get object(): KubeObject {
    this.#object ??= deepFreeze(decodeObject(this.body, this.sequence));
    return this.#object;
  }
}
