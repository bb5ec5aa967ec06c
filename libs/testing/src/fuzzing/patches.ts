import type { KubeObject } from '#libs/apimachinery';
import type { Patch } from '#libs/registry';
import type { Dice } from './dice.js';
import { anyValue, mutated, textOf } from './values.js';

const POINTERS: readonly string[] = [
  '',
  '/',
  '/metadata',
  '/metadata/labels',
  '/metadata/labels/a',
  '/metadata/annotations',
  '/metadata/name',
  '/metadata/uid',
  '/metadata/resourceVersion',
  '/metadata/managedFields',
  '/metadata/managedFields/0',
  '/metadata/finalizers',
  '/metadata/finalizers/-',
  '/metadata/ownerReferences',
  '/metadata/deletionTimestamp',
  '/spec',
  '/spec/replicas',
  '/spec/template/spec/containers',
  '/spec/template/spec/containers/0',
  '/spec/template/spec/containers/-',
  '/spec/ports/0/port',
  '/data',
  '/data/a',
  '/data/~1',
  '/data/~01~2',
  '/status',
  '/kind',
  '/apiVersion',
  '/__proto__/x',
  '/constructor/prototype/x',
];

const pointer = (dice: Dice): unknown => (dice.once(12) ? anyValue(dice) : dice.once(5) ? `/${textOf(dice)}` : dice.pick(POINTERS));

function operation(dice: Dice): unknown {
  if (dice.once(15)) return anyValue(dice);
  const op = dice.once(15) ? textOf(dice) : dice.pick(['add', 'remove', 'replace', 'move', 'copy', 'test']);
  return {
    op,
    path: pointer(dice),
    ...(dice.once(6) ? {} : { value: anyValue(dice) }),
    ...(op === 'move' || op === 'copy' ? { from: pointer(dice) } : {}),
  };
}

const DIRECTIVES: readonly string[] = [
  '$patch',
  '$retainKeys',
  '$setElementOrder/containers',
  '$setElementOrder/finalizers',
  '$deleteFromPrimitiveList/finalizers',
  '$deleteFromPrimitiveList',
  '$setElementOrder',
];

function withDirectives(dice: Dice, body: unknown): unknown {
  if (Array.isArray(body)) return body.map((item: unknown) => withDirectives(dice, item));
  if (typeof body !== 'object' || body === null) return body;
  const entries = Object.entries(body).map(([key, value]) => [key, withDirectives(dice, value)] as const);
  if (!dice.once(4)) return Object.fromEntries(entries);
  const directive = dice.pick(DIRECTIVES);
  const value =
    directive === '$patch'
      ? dice.pick<unknown>(['delete', 'replace', 'merge', 'burn', 1])
      : dice.once(3)
        ? anyValue(dice)
        : dice.times(3, () => (dice.once(2) ? textOf(dice) : { name: textOf(dice) }));
  return Object.fromEntries([...entries, [directive, value] as const]);
}

/** A patch of any type for an object, made from the object itself or from nothing. */
export function patchFor(dice: Dice, object: KubeObject): Patch {
  const { managedFields: _managed, resourceVersion: _version, uid: _uid, ...metadata } = object.metadata;
  const body = dice.once(8) ? anyValue(dice) : mutated(dice, { ...object, metadata });
  switch (dice.below(4)) {
    case 0:
      return { type: 'json', operations: dice.times(4, () => operation(dice)) };
    case 1:
      return { type: 'merge', body };
    case 2:
      return { type: 'strategic', body: withDirectives(dice, body) };
  }
  return { type: 'apply', body };
}
