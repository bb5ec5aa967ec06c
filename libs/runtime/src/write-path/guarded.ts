import type { Guard, Moved } from '#libs/log';
import type { WriteRequest } from '#libs/registry';

/** What gave a requester the right to decide has moved: nothing was written, and deciding again changes nothing about it. */
export class GuardMoved extends Error {
  override readonly name = 'GuardMoved';
}

/** What an append on behalf of these requests guards. Other streams than `state` know nothing of its subjects. */
export function guardsOf(requests: readonly WriteRequest[]): readonly Guard[] {
  const guards = new Map<string, Guard>();
  for (const { definition, requester } of requests) {
    if (definition.stream === 'state') for (const guard of requester.guards ?? []) guards.set(`${guard.subject} ${guard.expected}`, guard);
  }
  return [...guards.values()];
}

/** Throws GuardMoved where it was a guard of the request that had moved. */
export function checkGuards({ requester }: Pick<WriteRequest, 'requester'>, moved: readonly Moved[]): void {
  const guard = requester.guards?.find(({ subject, expected }) => moved.some((one) => one.subject === subject && one.actual !== expected));
  if (guard) throw new GuardMoved(`${guard.subject} has moved since ${guard.expected}`);
}
