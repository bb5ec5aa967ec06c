import { deepEqual, invalidValue, isDns1123Subdomain, isQualifiedName, required, tooLong, type FieldError } from '#libs/apimachinery';
import { AGE, NAME, column } from '../../columns.js';
import type { CSINode, CSINodeDriver } from '../../generated/types.js';
import { kindOf } from '../../kind.js';
import { judge, nonnegative, unique, type Problems } from '../../problems.js';
import { CSINODES } from '../../resources.js';
import { standardStrategy } from '../../strategy.js';

const LONGEST_ID = 256;

function driver(into: Problems, path: string, { name, nodeID, allocatable, topologyKeys }: CSINodeDriver, seen: Set<string>): void {
  if (!name) into.push(required(`${path}.name`));
  else judge(into, `${path}.name`, name.toLowerCase(), isDns1123Subdomain);
  if (!nodeID) into.push(required(`${path}.nodeID`));
  else if (nodeID.length > LONGEST_ID) into.push(tooLong(`${path}.nodeID`, LONGEST_ID));
  nonnegative(into, `${path}.allocatable.count`, allocatable?.count);
  const keys = new Set<string>();
  for (const key of topologyKeys ?? []) {
    unique(into, `${path}.topologyKeys`, key, keys);
    judge(into, `${path}.topologyKeys`, key, isQualifiedName);
  }
  unique(into, `${path}.name`, name, seen);
}

function validate({ spec }: CSINode): readonly FieldError[] {
  const into: Problems = [];
  const seen = new Set<string>();
  spec.drivers.forEach((each, index) => driver(into, `spec.drivers[${index}]`, each, seen));
  return into;
}

/** Drivers come and go; one that stays does not change but for what it can allocate. */
function validateUpdate(next: CSINode, old: CSINode): readonly FieldError[] {
  const into: Problems = [...validate(next)];
  for (const each of next.spec.drivers) {
    const before = old.spec.drivers.find(({ name }) => name === each.name);
    if (!before) continue;
    const { allocatable: _next, ...fixed } = each;
    const { allocatable: _old, ...was } = before;
    if (!deepEqual(fixed, was)) into.push(invalidValue('spec.drivers', each, 'field is immutable'));
  }
  return into;
}

export const csinodes = kindOf<CSINode>(CSINODES, 'CSINode', {
  scope: 'Cluster',
  strategy: standardStrategy<CSINode>({ validate, validateUpdate }),
  columns: [NAME, column('Drivers', ({ spec }) => spec.drivers.length, 'integer'), AGE],
});
