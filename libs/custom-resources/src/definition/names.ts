import { child, invalidValue, isDns1035Label, item, required, type FieldError } from '#libs/apimachinery';
import type { CustomResourceDefinitionNames } from '../types.js';

const label = (value: string, field: string): readonly FieldError[] => {
  const problems = value === '' ? [] : isDns1035Label(value);
  return problems.length > 0 ? [invalidValue(field, value, problems.join(','))] : [];
};

const mixed = (value: string, field: string): readonly FieldError[] => {
  const problems = value === '' ? [] : isDns1035Label(value.toLowerCase());
  const detail = `may have mixed case, but should otherwise match: ${problems.join(',')}`;
  return problems.length > 0 ? [invalidValue(field, value, detail)] : [];
};

/** Every rule that the names of a definition break, as far as they are there. */
export function validateNames(names: CustomResourceDefinitionNames, path: string): readonly FieldError[] {
  const { plural, singular = '', kind, listKind = '', shortNames = [], categories = [] } = names;
  return [
    ...label(plural, child(path, 'plural')),
    ...label(singular, child(path, 'singular')),
    ...mixed(kind, child(path, 'kind')),
    ...mixed(listKind, child(path, 'listKind')),
    ...shortNames.flatMap((name, index) => checked(name, item(child(path, 'shortNames'), index))),
    ...(kind !== '' && kind === listKind ? [invalidValue(child(path, 'listKind'), listKind, 'kind and listKind may not be the same')] : []),
    ...categories.flatMap((name, index) => checked(name, item(child(path, 'categories'), index))),
  ];
}

/** Unlike a name that may be missing, an empty one in a list is wrong. */
const checked = (value: string, field: string): readonly FieldError[] => {
  const problems = isDns1035Label(value);
  return problems.length > 0 ? [invalidValue(field, value, problems.join(','))] : [];
};

/** The names that a spec must have. */
export const validateNamesRequired = ({ plural, singular = '', kind, listKind = '' }: CustomResourceDefinitionNames, path: string) =>
  Object.entries({ plural, singular, kind, listKind }).flatMap(([name, value]) => (value === '' ? [required(child(path, name))] : []));
