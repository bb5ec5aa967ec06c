import { deepFreeze, type GroupVersionResource, type KubeObject } from '#libs/apimachinery';
import { decodeObject, type Sequence } from '#libs/log';
import type { Entry } from '../ports.js';

/** How an object is read from its bytes; it is frozen. */
export type Decode = (body: Uint8Array, sequence: Sequence) => KubeObject;

const decoded: Decode = (body, sequence) => deepFreeze(decodeObject(body, sequence));

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
    private readonly decode: Decode = decoded,
  ) {}

  get object(): KubeObject {
    return (this.#object ??= this.decode(this.body, this.sequence));
  }
}
