import { parseApiVersion, StatusError, type KubeObject } from '#libs/apimachinery';
import { pathOf, type ApiClient } from '#libs/client';
import type { ObjectReference } from '#libs/history';

import type { Session } from './session.js';

/** Requests under way at once, where one is needed for each of many objects. */
const AT_ONCE = 8;

/** The object that a reference names, now or (with a client of the past) then; undefined where it is not there, or its kind is not served. */
export async function objectOf(client: ApiClient, reference: ObjectReference, signal?: AbortSignal): Promise<KubeObject | undefined> {
  const { apiVersion = 'v1', resource, namespace, name } = reference;
  const path = pathOf({ ...parseApiVersion(apiVersion), resource }, namespace, name);
  try {
    return (await client.transport.json({ method: 'GET', path, signal })) as KubeObject;
  } catch (error) {
    if (error instanceof StatusError && error.reason === 'NotFound') return undefined;
    throw error;
  }
}

/** The object just before an event, and just after it. */
export const before = (session: Session, reference: ObjectReference, sequence: number, signal?: AbortSignal) =>
  sequence <= 1 ? Promise.resolve(undefined) : objectOf(session.at(String(sequence - 1)), reference, signal);
export const after = (session: Session, reference: ObjectReference, sequence: number, signal?: AbortSignal) =>
  objectOf(session.at(String(sequence)), reference, signal);

/** The outcome for each of many, a few at a time, in order. */
export async function eachOf<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<readonly R[]> {
  const results: R[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < items.length; index = next++) results[index] = await work(items[index] as T);
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, items.length) }, worker));
  return results;
}
