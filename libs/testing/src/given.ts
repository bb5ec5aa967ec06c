import { definitionByKind } from '#libs/api';
import { StatusError, toStatus, type GroupVersionResource, type KubeObject, type Status } from '#libs/apimachinery';
import {
  decideWrite,
  type AdmissionStep,
  type Known,
  type PlannedWrite,
  type StoredObject,
  type WriteContext,
  type WriteRequest,
} from '#libs/registry';
import { definedAs } from './memory-cluster.js';
import { SIMULATED_SETTINGS } from '#libs/simulation';

/** A write as a table asks for it. */
export type DecidedWish = Partial<Omit<WriteRequest, 'definition'>> & { readonly resource: GroupVersionResource };

/** What a write came to: what is written and answered, or the Status it was refused with. */
export interface DecidedOutcome {
  readonly writes: readonly PlannedWrite[];
  readonly answer: KubeObject;
  readonly warnings: readonly string[];
}

const CONTEXT: WriteContext = {
  now: Date.parse('2026-01-01T00:00:00Z'),
  uid: '00000000-0000-4000-8000-00000000abcd',
  suffix: 'xk2p9',
  draw: 0.5,
};

const place = ({ group, resource }: Pick<GroupVersionResource, 'group' | 'resource'>, namespace: string, name: string): string =>
  `${group}/${resource}/${namespace}/${name}`;

/** What is known once these objects have been written: the n-th at sequence n. */
export function knownFrom(objects: readonly KubeObject[]): Known {
  const stored = objects.map((object, i): StoredObject & { readonly resource: GroupVersionResource } => {
    const definition = definitionByKind(object.apiVersion, object.kind);
    if (!definition) throw new Error(`${object.kind} is not defined`);
    const metadata = { uid: `uid-${i + 1}`, creationTimestamp: '2025-01-01T00:00:00Z', ...object.metadata, resourceVersion: String(i + 1) };
    const defaulted = definition.strategy.defaults({ ...object, metadata });
    return { sequence: i + 1, object: defaulted, resource: definition.resource };
  });
  const at = new Map(stored.map((one) => [place(one.resource, one.object.metadata.namespace ?? '', one.object.metadata.name ?? ''), one]));
  return {
    object: (resource, namespace, name) => at.get(place(resource, namespace, name)) ?? null,
    list: ({ group, resource }, namespace) =>
      stored
        .filter((one) => one.resource.resource === resource && one.resource.group === group)
        .filter(({ object }) => namespace === undefined || object.metadata.namespace === namespace)
        .map(({ object }) => object),
    verifies: () => false,
    answer: () => undefined,
  };
}

/** The write path's decision in a world of just these objects. Throws what the write path throws. */
export function decidedIn(objects: readonly KubeObject[], { resource, ...wish }: DecidedWish): DecidedOutcome {
  const namespace = (wish.object as Partial<KubeObject> | undefined)?.metadata?.namespace;
  const request: WriteRequest = {
    verb: 'create',
    definition: definedAs(resource),
    options: {},
    requester: { actor: { user: 'alice' } },
    ...(namespace === undefined ? {} : { namespace }),
    ...wish,
  };
  const step: AdmissionStep = decideWrite(request, knownFrom(objects), CONTEXT, SIMULATED_SETTINGS);
  if ('need' in step) throw new Error('more is needed than the objects that there are');
  return step;
}

/** The Status that a write is refused with. Throws where it is not refused. */
export function refusedIn(objects: readonly KubeObject[], wish: DecidedWish): Status {
  try {
    decidedIn(objects, wish);
  } catch (thrown) {
    if (thrown instanceof StatusError) return toStatus(thrown);
    throw thrown;
  }
  throw new Error('the write was not refused');
}
