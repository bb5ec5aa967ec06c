import type { KubeObject, Lister } from '#libs/apimachinery';
import { catalogOf, type Catalog } from '../catalog.js';
import type { ResourceDefinition } from '../definition.js';
import { BUILT_IN, DEFINITIONS } from '../registry.js';
import { CUSTOMRESOURCEDEFINITIONS } from '../resources.js';

const made = new WeakMap<readonly KubeObject[], Catalog>();

/**
 * The kinds that are served where these CustomResourceDefinitions are there: a function of them alone, so that all
 * processes agree. What a definition adds is compiled once.
 */
export const catalogWith = (builtIn: readonly ResourceDefinition[], crds: readonly KubeObject[]): Catalog =>
  crds.length === 0 && builtIn === DEFINITIONS ? BUILT_IN : catalogOf(builtIn);

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
