import type { GroupVersionResource, KubeObject } from '#libs/apimachinery';
import { AGE, NAME } from './columns.js';
import type { ResourceDefinition } from './definition.js';
import { standardStrategy } from './strategy.js';
import { ALL_VERBS } from './verbs.js';

/** What most kinds have in common is left out of an entry. */
type Entry<T extends KubeObject> = Pick<ResourceDefinition<T>, 'scope'> & Partial<ResourceDefinition<T>>;

/** A built-in kind as an entry: what it leaves out is as with most kinds. The model is the kind's own in its group's Go package. */
export function kindOf<T extends KubeObject>(resource: GroupVersionResource, kind: string, entry: Entry<T>): ResourceDefinition<T> {
  const goPackage = resource.group === '' ? 'core' : resource.group.split('.')[0];
  return {
    resource,
    kind,
    listKind: `${kind}List`,
    singular: kind.toLowerCase(),
    shortNames: [],
    categories: [],
    verbs: ALL_VERBS,
    model: `io.k8s.api.${goPackage}.${resource.version}.${kind}`,
    stream: 'state',
    subresources: [],
    fields: {},
    strategy: standardStrategy<T>(),
    columns: [NAME, AGE],
    ...entry,
  };
}
