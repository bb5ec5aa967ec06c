import { BUILT_IN, CUSTOMRESOURCEDEFINITIONS, type CustomResourceDefinition } from '#libs/api';
import type { Controller, GroupVersionResource, KubeObject, Lister, WatchRule } from '#libs/apimachinery';
import { byName } from '../ordering.js';
import { reconcileDefinition, type DefinitionSnapshot } from './reconcile.js';

const definitionsIn = (lister: Lister): readonly CustomResourceDefinition[] =>
  lister.list(CUSTOMRESOURCEDEFINITIONS) as unknown as readonly CustomResourceDefinition[];

/** A definition wakes all of its group: names are given out within it. */
const groupRule: WatchRule = {
  resource: CUSTOMRESOURCEDEFINITIONS,
  keys(next, old, lister) {
    const own = (next ?? old) as CustomResourceDefinition | undefined;
    if (own === undefined) return [];
    const names = definitionsIn(lister).flatMap(({ metadata, spec }) => (spec.group === own.spec.group ? [metadata.name ?? ''] : []));
    return [...new Set([...names, own.metadata.name ?? ''])];
  },
};

/** An object that goes wakes its definition where that waits for it. */
function instanceKeys(
  { group, resource }: GroupVersionResource,
  next: KubeObject | undefined,
  _old: unknown,
  lister: Lister,
): readonly string[] {
  if (next !== undefined && next.metadata.deletionTimestamp !== undefined) return [];
  const name = `${resource}.${group}`;
  const crd = lister.get(CUSTOMRESOURCEDEFINITIONS, undefined, name);
  return crd?.metadata.deletionTimestamp === undefined ? [] : [name];
}

/** The resource that a definition's objects are stored as. */
function resourceOf({ spec, status }: CustomResourceDefinition): GroupVersionResource {
  const version = spec.versions.find(({ storage }) => storage)?.name ?? '';
  return { group: spec.group, version, resource: status?.acceptedNames.plural || spec.names.plural };
}

/**
 * The controllers of apiextensions-apiserver in one: names and their conflicts, establishing, approval, structure, and
 * the end of a definition with all its objects.
 */
export const customResourceDefinitionController: Controller<DefinitionSnapshot> = {
  name: 'custom-resource-definition-controller',
  actor: 'system:apiserver',
  watches: [groupRule],
  watchesAll: instanceKeys,
  snapshot(name, lister) {
    const crd = lister.get(CUSTOMRESOURCEDEFINITIONS, undefined, name) as CustomResourceDefinition | undefined;
    if (crd === undefined) return undefined;
    const resource = resourceOf(crd);
    const deleting = crd.metadata.deletionTimestamp !== undefined;
    const ours = BUILT_IN.storedDefinitionOf(resource) === undefined;
    return {
      crd,
      others: definitionsIn(lister)
        .filter(({ metadata, spec }) => metadata.name !== name && spec.group === crd.spec.group)
        .sort(byName),
      resource,
      instances: deleting && ours ? [...lister.list(resource)].sort(byName) : [],
    };
  },
  reconcile: reconcileDefinition,
};
