import { qualifiedResource, type Basis, type Change } from '#libs/apimachinery';
import { basisOf, changedObject, isTelling } from './change-request.js';

/** A change with its place in the decision. */
export interface IndexedChange {
  readonly change: Change;
  readonly index: number;
}

/** A change, and the Kubernetes Events that tell of it: those are written only once it has succeeded. */
export interface Step {
  readonly lead: IndexedChange | undefined;
  readonly tellings: readonly IndexedChange[];
}

/** Steps whose changes are written together, all or none: those with the same basis. Most stand alone. */
export type Group = readonly Step[];

/** Groups that do not depend on one another's order. */
export type Run = readonly Group[];

const nameOf = ({ resource, namespace = '', name, resourceVersion = '' }: Basis): string =>
  `${qualifiedResource(resource)}/${namespace}/${name} ${resourceVersion}`;

/** Steps in their order, those that have a basis in common with the first of them. */
function groupsOf(steps: readonly Step[]): readonly Group[] {
  const groups: Step[][] = [];
  const byBasis = new Map<string, Step[]>();
  for (const step of steps) {
    const basis = step.lead && basisOf(step.lead.change);
    const group = basis && byBasis.get(nameOf(basis));
    if (group) group.push(step);
    else {
      const fresh = [step];
      groups.push(fresh);
      if (basis) byBasis.set(nameOf(basis), fresh);
    }
  }
  return groups;
}

function stepsOf(changes: readonly Change[]): readonly Step[] {
  const steps: { lead: IndexedChange | undefined; tellings: IndexedChange[] }[] = [];
  for (const [index, change] of changes.entries()) {
    const last = steps.at(-1);
    if (!isTelling(change)) steps.push({ lead: { change, index }, tellings: [] });
    else if (last) last.tellings.push({ change, index });
    else steps.push({ lead: undefined, tellings: [{ change, index }] });
  }
  return steps;
}

const sortOf = (change: Change): string =>
  `${change.verb} ${change.resource.group}/${change.resource.resource}/${change.verb === 'delete' ? '' : (change.subresource ?? '')}`;

/**
 * The changes of one decision as runs, one after the other. A run is a row of changes of the same kind to different
 * objects (a thousand creates): issued together, they share the log's commits.
 */
export function runsOf(changes: readonly Change[]): readonly Run[] {
  const runs: Step[][] = [];
  let sort: string | undefined;
  let objects = new Set<string>();
  for (const step of stepsOf(changes)) {
    const next = step.lead && sortOf(step.lead.change);
    const object =
      step.lead &&
      (step.lead.change.verb === 'create' && step.lead.change.object.metadata.name === undefined
        ? `#${step.lead.index}`
        : changedObject(step.lead.change));
    const run = runs.at(-1);
    if (run && next !== undefined && next === sort && object !== undefined && !objects.has(object)) run.push(step);
    else {
      runs.push([step]);
      objects = new Set();
    }
    if (object !== undefined) objects.add(object);
    sort = next;
  }
  return runs.map(groupsOf);
}
