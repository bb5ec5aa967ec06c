import { badRequest, parseFieldSelector, parseLabelSelector, type KubeObject } from '#libs/apimachinery';
import type { ResourceDefinition } from '#libs/api';

/** Which objects of a resource a list, a watch or a deletion of many is about. */
export interface Selection {
  /** Undefined: all namespaces. */
  readonly namespace: string | undefined;
  /** Set where only objects of one name can match. */
  readonly name: string | undefined;
  /** Whether an object of the right namespace and name matches; undefined: each does. */
  readonly matches: ((object: KubeObject) => boolean) | undefined;
  /** Whether there is no selector at all, only perhaps a namespace. */
  readonly everything: boolean;
}

/**
 * The selection that path and selectors describe. `name` is that of the path, where it has one. Throws 400 in
 * upstream's words for a selector that can't be parsed or a field that can't be selected by.
 */
export function selectionOf(
  definition: ResourceDefinition,
  scope: { readonly namespace: string; readonly name: string },
  selectors: { readonly labelSelector: string; readonly fieldSelector: string },
): Selection {
  let namespace = scope.namespace === '' ? undefined : scope.namespace;
  let name = scope.name === '' ? undefined : scope.name;
  const { labelSelector, fieldSelector } = selectors;
  const tests: ((object: KubeObject) => boolean)[] = [];
  if (fieldSelector !== '') {
    for (const { field, operator, value } of parseFieldSelector(fieldSelector)) {
      const read = readerOf(definition, field);
      if (operator === '=' && field === 'metadata.name' && (name === undefined || name === value)) name = value;
      else if (operator === '=' && field === 'metadata.namespace' && namespace === undefined && value !== '') namespace = value;
      else tests.push((object) => (read(object) === value) === (operator === '='));
    }
  }
  if (labelSelector !== '') {
    const selector = parseLabelSelector(labelSelector);
    if (selector.requirements.length > 0) tests.push((object) => selector.matches(object.metadata.labels));
  }
  const [only] = tests;
  const matches = tests.length > 1 ? (object: KubeObject): boolean => tests.every((test) => test(object)) : only;
  return { namespace, name, matches, everything: labelSelector === '' && fieldSelector === '' && scope.name === '' };
}

function readerOf(definition: ResourceDefinition, field: string): (object: KubeObject) => string {
  if (field === 'metadata.name') return ({ metadata }) => metadata.name ?? '';
  if (field === 'metadata.namespace' && definition.scope === 'Namespaced') return ({ metadata }) => metadata.namespace ?? '';
  const read = definition.fields[field];
  if (read !== undefined) return read;
  // Kinds with selectable fields of their own say it differently from those without.
  throw badRequest(
    Object.keys(definition.fields).length > 0 || definition.schema
      ? `field label not supported: ${field}`
      : `${JSON.stringify(field)} is not a known field selector: only "metadata.name", "metadata.namespace"`,
  );
}
