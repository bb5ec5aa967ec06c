import { invalidValue, required, tooLong, tooMany } from '#libs/apimachinery';
import type { JobSpec, SuccessPolicyRule } from '../../generated/types.js';
import { nonnegative, type Problems } from '../../problems.js';
import { countOfIndexes, IndexesError, parseIndexes } from './indexes.js';

const MOST_RULES = 20;
const LONGEST_INDEXES = 64 * 1024;

/** How many indexes a text lists, 0 where it is no list; what is wrong with it is written down. */
function indexes(into: Problems, field: string, text: string, completions: number): number {
  if (text.length > LONGEST_INDEXES) into.push(tooLong(field, LONGEST_INDEXES));
  try {
    return countOfIndexes(parseIndexes(text, completions));
  } catch (error) {
    if (!(error instanceof IndexesError)) throw error;
    into.push(invalidValue(field, text, `error parsing succeededIndexes: ${error.message}`));
    return 0;
  }
}

function rule(into: Problems, path: string, { succeededCount, succeededIndexes }: SuccessPolicyRule, completions: number): void {
  if (succeededCount === undefined && succeededIndexes === undefined) {
    into.push(required(path, 'at least one of succeededCount or succeededIndexes must be specified'));
  }
  const total = succeededIndexes === undefined ? 0 : indexes(into, `${path}.succeededIndexes`, succeededIndexes, completions);
  if (succeededCount === undefined) return;
  const field = `${path}.succeededCount`;
  nonnegative(into, field, succeededCount);
  if (succeededCount > completions) {
    into.push(invalidValue(field, succeededCount, `must be less than or equal to ${completions} (the number of specified completions)`));
  }
  if (succeededIndexes !== undefined && succeededCount > total) {
    const most = `must be less than or equal to ${total} (the number of indexes in the specified succeededIndexes field)`;
    into.push(invalidValue(field, succeededCount, most));
  }
}

/** When an Indexed Job counts as done before all of it is. */
export function successPolicy(into: Problems, path: string, spec: JobSpec): void {
  const { rules = [] } = spec.successPolicy ?? {};
  if (spec.completionMode !== 'Indexed') return void into.push(invalidValue(path, spec.successPolicy, 'requires indexed completion mode'));
  if (rules.length === 0) {
    into.push(required(`${path}.rules`, 'at least one rules must be specified when the successPolicy is specified'));
  }
  if (rules.length > MOST_RULES) into.push(tooMany(`${path}.rules`, rules.length, MOST_RULES));
  for (const [index, each] of rules.entries()) rule(into, `${path}.rules[${index}]`, each, spec.completions ?? 0);
}
