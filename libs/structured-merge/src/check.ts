import { elementOf } from './element.js';
import { printedElement } from './fields.js';
import { isMap, memberType, type MergeType } from './merge-type.js';

const MOST_PROBLEMS = 20;

/**
 * What keeps an applied object from being merged by its type: undeclared fields, values of another shape, items without
 * keys, items that can't be told apart. In upstream's words; an empty list: nothing.
 */
export function problemsOf(type: MergeType, value: unknown): readonly string[] {
  const problems: string[] = [];
  walk(type, value, '', problems);
  return problems.slice(0, MOST_PROBLEMS);
}

const kindOf = (value: unknown): string => (Array.isArray(value) ? 'list' : typeof value === 'object' ? 'map' : typeof value);

function walk(is: MergeType, value: unknown, path: string, problems: string[]): void {
  if (problems.length >= MOST_PROBLEMS || value === null || value === undefined) return;
  // Where nothing is declared, nothing is wrong, however deep it goes.
  if (is.kind === 'deduced') return;
  if (is.kind === 'map') {
    if (!isMap(value)) problems.push(`${path}: expected map, got &{${JSON.stringify(value)}}`);
    else {
      for (const name of Object.keys(value)) {
        const member = memberType(is, name);
        if (member === undefined) problems.push(`${path}.${name}: field not declared in schema`);
        else walk(member, value[name], `${path}.${name}`, problems);
      }
    }
  } else if (is.kind === 'list') {
    if (!Array.isArray(value)) {
      problems.push(`${path}: expected list, got &{${JSON.stringify(value)}}`);
      return;
    }
    if (is.type === 'atomic') {
      for (const [index, item] of (value as readonly unknown[]).entries()) walk(is.item(), item, `${path}[${index}]`, problems);
      return;
    }
    const seen = new Set<string>();
    for (const [index, item] of (value as readonly unknown[]).entries()) {
      const element = elementOf(is, item);
      if (element === undefined) {
        const why =
          is.type === 'set' ? `invalid ${kindOf(item)} in a set` : 'associative list with keys has an element that omits all key fields';
        problems.push(`${path}: element ${index}: ${why} ${is.keys.map((key) => JSON.stringify(key)).join(', ')}`.trimEnd());
        continue;
      }
      if (seen.has(element)) problems.push(`${path}: duplicate entries for key ${printedElement(element)}`);
      seen.add(element);
      walk(is.item(), item, `${path}${printedElement(element)}`, problems);
    }
  }
}
