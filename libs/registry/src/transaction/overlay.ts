import { badRequest, conflict, qualifiedResource, type GroupVersionResource, type KubeObject, type StatusError } from '#libs/apimachinery';
import { storedResource } from '../case.js';
import type { Known, PlannedWrite, StoredObject } from '../write.js';

/** One of the objects that a transaction writes, as it will be stored. */
export interface TransactionWrite {
  readonly write: PlannedWrite;
  /** The operation that changed it last, or whose own object it is. */
  readonly operation: number;
  /** Whether an operation asked for it: the others are written with those. */
  readonly own: boolean;
}

const placeOf = (namespace: string, name: string): string => `${namespace}/${name}`;

/** An object as a client knows it: `ConfigMap a/b`. */
export const describedObject = (kind: string, namespace: string, name: string): string =>
  `${kind} ${namespace === '' ? name : placeOf(namespace, name)}`;

const describedWrite = ({ definition, object: { metadata } }: PlannedWrite): string =>
  describedObject(definition.kind, metadata.namespace ?? '', metadata.name ?? '');

/** Says why an object can't be asked for again. */
export const writtenTwice = (object: string, operation: number): StatusError =>
  badRequest(`${object} is written by operations[${operation}] already: a transaction writes an object once`);

/** An object that several operations of a transaction change, after the next of them. Throws StatusError where one event can't say it. */
function merged(held: TransactionWrite, next: TransactionWrite): TransactionWrite {
  const { write } = next;
  if (held.own && next.own) throw writtenTwice(describedWrite(write), held.operation);
  if (held.write.type === 'Deleted' || (held.write.type === 'Created' && write.type === 'Deleted')) {
    const { name = '' } = write.object.metadata;
    throw conflict(
      storedResource(write.definition),
      name,
      `operations[${held.operation}] changes it too, and it can't both come and go at once`,
    );
  }
  const type = held.write.type === 'Created' ? 'Created' : write.type;
  const owner = held.own ? held : next;
  return { own: owner.own, operation: owner.operation, write: { ...write, type, previous: held.write.previous } };
}

const byPlace = (a: KubeObject, b: KubeObject): number => {
  const [one, two] = [a, b].map(({ metadata: { namespace = '', name = '' } }) => placeOf(namespace, name)) as [string, string];
  return one === two ? 0 : one < two ? -1 : 1;
};

/**
 * What the operations of a transaction make of the state, one after the other: the next is decided on the view and on this.
 * Each object is in it once, whoever changes it.
 */
export class Overlay {
  /** By resource, then by namespace and name. */
  readonly #held = new Map<string, Map<string, TransactionWrite>>();
  /** Lists as they are with this, until something of their resource is taken. */
  readonly #lists = new Map<string, Map<string, readonly KubeObject[]>>();

  /** The objects to store, in the order to store them: those asked for first, so that what is written with them points back to them. */
  get writes(): readonly TransactionWrite[] {
    const all = [...this.#held.values()].flatMap((places) => [...places.values()]);
    const order = (one: TransactionWrite, two: TransactionWrite): number => one.operation - two.operation;
    return [...all.filter(({ own }) => own).sort(order), ...all.filter(({ own }) => !own).sort(order)];
  }

  /** What is written of an object so far; undefined: nothing. */
  held(resource: GroupVersionResource, namespace: string, name: string): TransactionWrite | undefined {
    return this.#held.get(qualifiedResource(resource))?.get(placeOf(namespace, name));
  }

  /** Adds what an operation writes, its own object first. Throws StatusError and adds nothing where that can't be. */
  take(writes: readonly PlannedWrite[], operation: number): void {
    const next = writes.map((write, i) => {
      const resource = storedResource(write.definition);
      const { namespace = '', name = '' } = write.object.metadata;
      const taken: TransactionWrite = { write, operation, own: i === 0 };
      const held = this.held(resource, namespace, name);
      return { kind: qualifiedResource(resource), place: placeOf(namespace, name), taken: held ? merged(held, taken) : taken };
    });
    for (const { kind, place, taken } of next) {
      const places = this.#held.get(kind) ?? new Map<string, TransactionWrite>();
      this.#held.set(kind, places.set(place, taken));
      this.#lists.delete(kind);
    }
  }

  /** What is known with this. */
  over(known: Known): Known {
    return {
      ...known,
      object: (resource, namespace, name) => {
        const held = this.held(resource, namespace, name);
        return held ? storedOf(held) : known.object(resource, namespace, name);
      },
      list: (resource, namespace) => this.#list(known, resource, namespace),
    };
  }

  #list(known: Known, resource: GroupVersionResource, namespace: string | undefined): readonly KubeObject[] | undefined {
    const kind = qualifiedResource(resource);
    const places = this.#held.get(kind);
    if (!places) return known.list(resource, namespace);
    const lists = this.#lists.get(kind) ?? new Map<string, readonly KubeObject[]>();
    this.#lists.set(kind, lists);
    const key = namespace ?? '*';
    const made = lists.get(key) ?? withHeld(known.list(resource, namespace), places, namespace);
    if (made) lists.set(key, made);
    return made;
  }
}

const storedOf = ({ write }: TransactionWrite): StoredObject | null =>
  write.type === 'Deleted' ? null : { sequence: write.previous, object: write.object };

function withHeld(
  list: readonly KubeObject[] | undefined,
  places: ReadonlyMap<string, TransactionWrite>,
  namespace: string | undefined,
): readonly KubeObject[] | undefined {
  const isHeld = ({ metadata }: KubeObject): boolean => places.has(placeOf(metadata.namespace ?? '', metadata.name ?? ''));
  const held = [...places.values()].flatMap((one) => storedOf(one)?.object ?? []);
  const wanted = held.filter(({ metadata }) => namespace === undefined || (metadata.namespace ?? '') === namespace);
  return list && [...list.filter((object) => !isHeld(object)), ...wanted].sort(byPlace);
}
