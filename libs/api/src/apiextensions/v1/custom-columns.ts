import { humanDuration, parseTime, type Instant, type KubeObject } from '#libs/apimachinery';
import { compileJsonPath, JsonPathError, type CustomResourceColumnDefinition } from '#libs/custom-resources';
import { NAME } from '../../columns.js';
import type { PrinterColumn } from '../../definition.js';

type Cell = string | number | boolean | null;

const AGE: CustomResourceColumnDefinition = {
  name: 'Age',
  type: 'date',
  jsonPath: '.metadata.creationTimestamp',
  description: 'CreationTimestamp is a timestamp representing the server time when this object was created.',
};

/** What a path finds where it can't be read: nothing, as upstream. */
function finder(path: string): (value: unknown) => readonly unknown[] {
  try {
    return compileJsonPath(path);
  } catch (error) {
    if (error instanceof JsonPathError) return () => [];
    throw error;
  }
}

const textOf = (value: unknown): string =>
  typeof value === 'string' ? value : typeof value === 'object' ? JSON.stringify(value) : String(value);

function dateCell(value: unknown, now: Instant): Cell {
  if (typeof value !== 'string') return null;
  const then = parseTime(value);
  return then === undefined || !/^\d{4}-\d\d-\d\dT/.test(value) ? '<invalid>' : humanDuration(now - then);
}

function cellOf(type: string, value: unknown, now: Instant): Cell {
  if (value === null || value === undefined) return type === 'string' ? '<nil>' : null;
  switch (type) {
    case 'integer':
      return typeof value === 'number' ? Math.trunc(value) : null;
    case 'number':
      return typeof value === 'number' ? value : null;
    case 'boolean':
      return typeof value === 'boolean' ? value : null;
    case 'string':
      return textOf(value);
    case 'date':
      return dateCell(value, now);
    default:
      return null;
  }
}

function columnOf({ name, type, format, priority = 0, jsonPath, description = '' }: CustomResourceColumnDefinition): PrinterColumn {
  const find = finder(jsonPath);
  return {
    name,
    type: type as PrinterColumn['type'],
    ...(format ? { format } : {}),
    priority,
    description: description || `Custom resource definition column (in JSONPath format): ${jsonPath}`,
    cell(object: KubeObject, now) {
      const found = find(object);
      return found.length === 0 ? null : cellOf(type, found[0], now);
    },
  };
}

/** The columns of a version: its name and its own columns, or its age where it has none. */
export const customColumns = (columns: readonly CustomResourceColumnDefinition[]): readonly PrinterColumn[] => [
  NAME,
  ...(columns.length > 0 ? columns : [AGE]).map(columnOf),
];
