import { encodeProtobuf, encodeWatchEvent } from '#libs/api';
import type { Instant, KubeObject } from '#libs/apimachinery';
import type { CacheEvent } from '#libs/runtime';
import type { Format, Transform } from '../encoding/negotiate.js';
import { matchesRow } from '../reads/page.js';
import type { Selection } from '../reads/selection.js';
import { rowOf, type Row, type ServedResource } from '../served-resource.js';
import { partialObject, tableOf, type IncludeObject } from '../encoding/table.js';

/** metav1.WatchEvent's types. */
export type FrameType = 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';

/** How a watch wants its objects. `key` names the form: two watches of one key get the same bytes. */
export interface WatchFormat {
  readonly key: string;
  readonly encoding: Format;
  readonly transform: Transform | undefined;
  readonly include: IncludeObject;
}

const encoder = new TextEncoder();

/** One event of a watch's answer: a line of JSON, or a message behind its length in four bytes. */
export function frameOf(type: FrameType, object: object, encoding: Format): Uint8Array {
  if (encoding !== 'protobuf') return encoder.encode(`{"type":"${type}","object":${JSON.stringify(object)}}\n`);
  const event = encodeWatchEvent(type, encodeProtobuf(object));
  const frame = new Uint8Array(4 + event.length);
  new DataView(frame.buffer).setUint32(0, event.length);
  frame.set(event, 4);
  return frame;
}

/** The line that says that an object is there, in a watch's form. `headers`: whether a table shows its columns. */
export function rowFrame(
  served: ServedResource,
  type: FrameType,
  row: Row,
  format: WatchFormat,
  now: Instant,
  headers: boolean,
): Uint8Array {
  const { transform, encoding } = format;
  if (transform === undefined && encoding !== 'protobuf') return wrap(type, served.json(row));
  const object = served.object(row);
  if (transform === undefined) return frameOf(type, object, encoding);
  if (transform.kind !== 'Table') return frameOf(type, partialObject(object, transform.version), encoding);
  const metadata = { resourceVersion: object.metadata.resourceVersion ?? '' };
  const options = { version: transform.version, include: format.include, headers };
  return frameOf(type, tableOf(served.definition.columns, [object], metadata, now, options), encoding);
}

function wrap(type: FrameType, json: Uint8Array): Uint8Array {
  const head = `{"type":"${type}","object":`;
  const frame = new Uint8Array(head.length + json.length + 2);
  encoder.encodeInto(head, frame);
  frame.set(json, head.length);
  frame[frame.length - 2] = 0x7d;
  frame[frame.length - 1] = 0x0a;
  return frame;
}

/** The line that says how far a watch has come; `initialEnd` marks the end of the initial events. */
export function bookmarkFrame(served: ServedResource, format: WatchFormat, sequence: number, initialEnd: boolean): Uint8Array {
  const metadata = {
    resourceVersion: String(sequence),
    ...(initialEnd ? { annotations: { 'k8s.io/initial-events-end': 'true' } } : {}),
  };
  const { transform, encoding } = format;
  const object: KubeObject = { kind: served.definition.kind, apiVersion: served.apiVersion, metadata };
  if (transform === undefined) return frameOf('BOOKMARK', object, encoding);
  if (transform.kind !== 'Table') return frameOf('BOOKMARK', partialObject(object, transform.version), encoding);
  const row = { cells: [], object: partialObject(object, transform.version) };
  const table = {
    kind: 'Table',
    apiVersion: `meta.k8s.io/${transform.version}`,
    metadata: { resourceVersion: String(sequence) },
    columnDefinitions: [],
    rows: initialEnd ? [row] : [],
  };
  return frameOf('BOOKMARK', table, encoding);
}

/** What an event is to a watch: an object may enter or leave its selection without being created or deleted. */
export interface Transition {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  /** The object as it was, where it left the selection; otherwise as it is. */
  readonly from: 'old' | 'new';
}

/** The objects that an event may show. */
export const rowsOf = ({ entry, old }: CacheEvent): readonly Row[] => (old === undefined ? [entry] : [entry, old]);

/** One event of the log on its way to all watches that want it: each form of it is made once. */
export class SharedEvent {
  private readonly frames = new Map<string, Uint8Array>();
  private readonly entered: Row;
  private left: Row | undefined;

  constructor(
    readonly event: CacheEvent,
    private readonly now: () => Instant,
  ) {
    this.entered = event.entry;
  }

  /** What the event is to a selection of the resource; undefined: nothing. */
  transition(served: ServedResource, selection: Selection): Transition | undefined {
    const { type, entry, old } = this.event;
    if (selection.namespace !== undefined && entry.namespace !== selection.namespace) return undefined;
    if (selection.name !== undefined && entry.name !== selection.name) return undefined;
    if (type === 'Deleted') return matchesRow(served, selection, old ?? entry) ? { type: 'DELETED', from: 'new' } : undefined;
    const was = old !== undefined && matchesRow(served, selection, old);
    if (!matchesRow(served, selection, entry)) return was ? { type: 'DELETED', from: 'old' } : undefined;
    return { type: was ? 'MODIFIED' : 'ADDED', from: 'new' };
  }

  /** The event's line in a watch's form. A table's first line has columns and is the watch's own. */
  frame(served: ServedResource, { type, from }: Transition, format: WatchFormat, headers: boolean): Uint8Array {
    const row = from === 'new' ? this.entered : this.departed(served);
    if (headers) return rowFrame(served, type, row, format, this.now(), true);
    const key = `${served.apiVersion}/${served.definition.resource.resource} ${type} ${from} ${format.key}`;
    let frame = this.frames.get(key);
    if (frame === undefined) {
      frame = rowFrame(served, type, row, format, this.now(), false);
      this.frames.set(key, frame);
    }
    return frame;
  }

  /** The object as it last matched, at the position at which it ceased to. */
  private departed(served: ServedResource): Row {
    const { old, entry, resource } = this.event;
    const { namespace, name, sequence } = entry;
    if (served.converts) return served.at(old ?? entry, sequence);
    return (this.left ??= rowOf({ resource, namespace, name, sequence, body: (old ?? entry).body }));
  }
}
