import { child, forbiddenField, invalidValue, item, required, type FieldError } from './field-error.js';
import { isValidLabelValue } from './name-rules.js';
import { validateLabelName, validateLabels } from './object-meta.js';

/** metav1.LabelSelectorRequirement: one expression of a selector. */
export interface SelectorExpression {
  readonly key: string;
  readonly operator: string;
  readonly values?: readonly string[];
}

/** metav1.LabelSelector: what a manifest says. All of it must hold; an empty one selects everything. */
export interface SelectorSpec {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly SelectorExpression[];
}

/** Concessions to objects that were stored before a rule existed. */
export interface SelectorValidationOptions {
  readonly allowInvalidLabelValueInSelector?: boolean;
}

function validateExpression(expression: SelectorExpression, options: SelectorValidationOptions, field: string): readonly FieldError[] {
  const { key, operator, values = [] } = expression;
  const errors: FieldError[] = [];
  if (operator === 'In' || operator === 'NotIn') {
    if (values.length === 0) errors.push(required(child(field, 'values'), "must be specified when `operator` is 'In' or 'NotIn'"));
  } else if (operator === 'Exists' || operator === 'DoesNotExist') {
    if (values.length > 0) {
      errors.push(forbiddenField(child(field, 'values'), "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
    }
  } else errors.push(invalidValue(child(field, 'operator'), operator, 'not a valid selector operator'));
  errors.push(...validateLabelName(key, child(field, 'key')));
  if (options.allowInvalidLabelValueInSelector) return errors;
  for (const [index, value] of values.entries()) {
    for (const message of isValidLabelValue(value)) errors.push(invalidValue(item(child(field, 'values'), index), value, message));
  }
  return errors;
}

/** Every problem of a selector in a manifest; an absent one has none. */
export function validateLabelSelector(
  selector: SelectorSpec | undefined,
  field: string,
  options: SelectorValidationOptions = {},
): readonly FieldError[] {
  if (!selector) return [];
  const expressions = (selector.matchExpressions ?? []).flatMap((expression, index) =>
    validateExpression(expression, options, item(child(field, 'matchExpressions'), index)),
  );
  return [...validateLabels(selector.matchLabels, child(field, 'matchLabels')), ...expressions];
}
