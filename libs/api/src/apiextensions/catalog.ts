import { sha256Hex, type KubeObject, type Lister } from '#libs/apimachinery';
import { catalogOf, type Catalog } from '../catalog.js';
import type { ResourceDefinition } from '../definition.js';
import { isEstablished, isTerminating, type CustomResourceDefinition } from '#libs/custom-resources';
import { BUILT_IN, DEFINITIONS } from '../registry.js';
import { CUSTOMRESOURCEDEFINITIONS } from '../resources.js';
import { customResourcesOf } from './v1/custom-resource.js';

const made = new WeakMap<readonly KubeObject[], Catalog>();

/** Compiled definitions, the least recently used first, and how many are kept. */
const compiled = new Map<string, readonly ResourceDefinition[]>();
const MOST_COMPILED = 2_000;
const byObject = new WeakMap<KubeObject, readonly ResourceDefinition[]>();

/** All that what is served depends on: a definition that changes in other ways serves what it served. */
function identityOf(crd: CustomResourceDefinition): string {
  const { spec, status } = crd;
  return sha256Hex(JSON.stringify([spec, status?.acceptedNames, isEstablished(crd)]));
}

/**
 * What a definition adds; nothing where it can't be compiled. Only definitions that were found valid are established, but
 * a stored one may be from before a rule was known: it must not take the other kinds with it.
 */
function compileSafely(crd: CustomResourceDefinition): readonly ResourceDefinition[] {
  try {
    return customResourcesOf(crd);
  } catch {
    return [];
  }
}

function definitionsOf(crd: CustomResourceDefinition): readonly ResourceDefinition[] {
  const seen = byObject.get(crd);
  if (seen) return seen;
  const identity = identityOf(crd);
  const definitions = remembered(identity, () => compileSafely(crd));
  // A kind on its way out is the same but for that: who reads or watches it goes on.
  const current = isTerminating(crd)
    ? remembered(`${identity} terminating`, () => definitions.map((one) => ({ ...one, terminating: true })))
    : definitions;
  byObject.set(crd, current);
  return current;
}

function remembered(identity: string, make: () => readonly ResourceDefinition[]): readonly ResourceDefinition[] {
  const definitions = compiled.get(identity) ?? make();
  compiled.set(identity, definitions);
  if (compiled.size > MOST_COMPILED) for (const oldest of [...compiled.keys()].slice(0, MOST_COMPILED / 10)) compiled.delete(oldest);
  return definitions;
}

/**
 * The kinds that are served where these CustomResourceDefinitions are there: a function of them alone, so that all
 * processes agree. What a definition adds is compiled once.
 */
export const catalogWith = (builtIn: readonly ResourceDefinition[], crds: readonly KubeObject[]): Catalog =>
  crds.length === 0 && builtIn === DEFINITIONS
    ? BUILT_IN
    : catalogOf([...builtIn, ...crds.flatMap((crd) => definitionsOf(crd as CustomResourceDefinition)).filter(isNew)]);

/** A definition can't take the place of a built-in kind. */
const isNew = ({ resource }: ResourceDefinition): boolean => BUILT_IN.storedDefinitionOf(resource) === undefined;

/** The kinds that are served at the position of a view. */
export function catalogOfView(lister: Lister): Catalog {
  const crds = lister.list(CUSTOMRESOURCEDEFINITIONS);
  if (crds.length === 0) return BUILT_IN;
  let catalog = made.get(crds);
  if (catalog === undefined) {
    catalog = catalogWith(DEFINITIONS, crds);
    made.set(crds, catalog);
  }
  return catalog;
}
