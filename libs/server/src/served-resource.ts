import type { GroupVersionResource, KubeObject } from '#libs/apimachinery';
import { apiVersionOf } from '#libs/apimachinery';
import { hasProtobuf, type ResourceDefinition, type VersionWebhook } from '#libs/api';
import { bodyWithVersion, decodeObject, putBodyWithVersion, type Sequence, type StreamName } from '#libs/log';
import type { StoredRow, WebhookCaller } from '#libs/runtime';
import { convertAll } from './conversion.js';
import { BUILT_IN_OBJECTS, CUSTOM_OBJECTS, type Allows } from './encoding/negotiate.js';

const OPENING_BRACE = 0x7b;

/** One object as the cache or the history yields it. `object` has its resourceVersion and must not be changed. */
export interface Row {
  readonly namespace: string;
  readonly name: string;
  readonly sequence: Sequence;
  readonly body: Uint8Array;
  readonly object: KubeObject;
}

/** A row of the history as a `Row`: parsed when first asked for. */
export function rowOf(stored: StoredRow): Row {
  let parsed: KubeObject | undefined;
  return {
    namespace: stored.namespace,
    name: stored.name,
    sequence: stored.sequence,
    body: stored.body,
    get object() {
      return (parsed ??= decodeObject(stored.body, stored.sequence));
    },
  };
}

/** A resource as it is served: knows where it is stored, and turns what is stored into what clients see. */
export class ServedResource {
  readonly stored: GroupVersionResource;
  readonly stream: StreamName;
  readonly apiVersion: string;
  /** The forms in which its objects are answered. */
  readonly allows: Allows;
  /** Stored objects as clients see them, as long as somebody holds them. */
  private readonly shown = new WeakMap<KubeObject, KubeObject>();
  /** What every stored body begins with; left out of list items, as upstream's have no kind. */
  private readonly prefix: Buffer;

  constructor(
    readonly definition: ResourceDefinition,
    private readonly caller?: WebhookCaller,
  ) {
    this.stored = definition.storage?.resource ?? definition.resource;
    this.stream = definition.stream;
    this.apiVersion = apiVersionOf(definition.resource);
    const builtIn = definition.schema === undefined && hasProtobuf(this.apiVersion, definition.kind);
    this.allows = builtIn ? BUILT_IN_OBJECTS : CUSTOM_OBJECTS;
    this.prefix = Buffer.from(`{"kind":${JSON.stringify(definition.kind)},"apiVersion":${JSON.stringify(this.apiVersion)},`);
  }

  /** The object as clients of this resource see it. */
  object(row: Row): KubeObject {
    const { storage } = this.definition;
    if (storage === undefined) return row.object;
    let object = this.shown.get(row.object);
    if (object === undefined) {
      object = storage.fromStored(row.object);
      this.shown.set(row.object, object);
    }
    return object;
  }

  /**
   * What there is to wait for before these rows can be shown: a webhook converts those of other versions. Undefined:
   * nothing, as always where there is no webhook.
   */
  prepare(rows: Iterable<Row>): Promise<void> | undefined {
    const webhook = this.definition.storage?.webhook;
    if (webhook === undefined) return undefined;
    const missing: KubeObject[] = [];
    for (const { object } of rows) if (object.apiVersion !== this.apiVersion && !this.shown.has(object)) missing.push(object);
    return missing.length === 0 ? undefined : this.convert(missing, webhook);
  }

  /** Whether rows have to be prepared. */
  get converts(): boolean {
    return this.definition.storage?.webhook !== undefined;
  }

  /** A row that shows another's object as it was, at a position of its own. */
  at(row: Row, sequence: Sequence): Row {
    const shown = this.object(row);
    const object = { ...shown, metadata: { ...shown.metadata, resourceVersion: String(sequence) } };
    this.shown.set(object, object);
    return { namespace: row.namespace, name: row.name, sequence, body: row.body, object };
  }

  private async convert(objects: readonly KubeObject[], webhook: VersionWebhook): Promise<void> {
    const { storage } = this.definition;
    const converted = await convertAll(objects, this.apiVersion, webhook, this.caller);
    objects.forEach((object, index) => {
      const one = converted[index];
      if (one && storage) this.shown.set(object, storage.fromStored(one));
    });
  }

  /** The object's JSON, resourceVersion included. Without conversion nothing is parsed. */
  json(row: Row): Uint8Array {
    if (this.definition.storage === undefined) return bodyWithVersion(row.body, row.sequence);
    const object = this.object(row);
    return object === row.object && !this.converts ? bodyWithVersion(row.body, row.sequence) : Buffer.from(JSON.stringify(object));
  }

  /** Whether objects are answered as they are stored, but for the resourceVersion. */
  get isStoredAsServed(): boolean {
    return this.definition.storage === undefined;
  }

  /** Writes a row that is answered as it is stored into a list at `at`; says where it ends. */
  putItem({ body, sequence }: Row, out: Buffer, at: number): number {
    if (!this.hasPrefix(body)) return putBodyWithVersion(body, sequence, out, at);
    out[at] = OPENING_BRACE;
    return putBodyWithVersion(body, sequence, out, at + 1, this.prefix.length);
  }

  /** Whether a body begins with what items of a list leave out. */
  private hasPrefix(json: Uint8Array): boolean {
    const { prefix } = this;
    return this.definition.schema === undefined && json.length > prefix.length && prefix.compare(json, 0, prefix.length) === 0;
  }

  /** The object's JSON as an item of a list; those of custom resources say what they are. */
  item(row: Row): Uint8Array {
    const json = this.json(row);
    if (!this.hasPrefix(json)) return json;
    const item = json.subarray(this.prefix.length - 1);
    item[0] = OPENING_BRACE;
    return item;
  }
}

/** Compares two places in a list: by namespace, then by name, bytewise (names are ASCII). */
export const comparePlaces = (
  a: { readonly namespace: string; readonly name: string },
  b: { readonly namespace: string; readonly name: string },
): number => (a.namespace !== b.namespace ? (a.namespace < b.namespace ? -1 : 1) : a.name === b.name ? 0 : a.name < b.name ? -1 : 1);
