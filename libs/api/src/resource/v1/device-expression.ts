import { BOOL, compile, DYN, formatType, mapOf, objectOf, STRING, yields, type CelType } from '#libs/cel';
import { invalidValue, tooLong } from '#libs/apimachinery';
import type { Problems } from '../../problems.js';

const LONGEST_EXPRESSION = 10 * 1024;
const QUANTITY: CelType = { kind: 'opaque', name: 'kubernetes.Quantity' };
/** What an expression may say of a device: attributes and capacities by domain, then by name (dynamic-resource-allocation `cel`). */
const DEVICE = objectOf('kubernetes.DRADevice', {
  driver: STRING,
  allowMultipleAllocations: BOOL,
  attributes: mapOf(STRING, mapOf(STRING, DYN)),
  capacity: mapOf(STRING, mapOf(STRING, QUANTITY)),
});

/** An expression that picks devices: it can be read, and says yes or no. */
export function deviceExpression(into: Problems, path: string, expression: string): void {
  if (expression.length > LONGEST_EXPRESSION) return void into.push(tooLong(path, LONGEST_EXPRESSION));
  const compiled = compile(expression, { variables: { device: DEVICE } });
  if ('problem' in compiled) return void into.push(invalidValue(path, expression, `compilation failed: ${compiled.problem}`));
  if (yields(compiled.program, BOOL)) return;
  const type = formatType(compiled.program.type);
  into.push(invalidValue(path, expression, `must evaluate to bool or the unknown type, not ${type}`));
}
