import { invalidValue, isDns1123Label, isDns1123Subdomain, required, tooLong, type FieldError } from '#libs/apimachinery';

const LONGEST_DOMAIN = 253;
/** A domain, a namespace and a name, each with what separates it from the next. */
const LONGEST = LONGEST_DOMAIN + 1 + 63 + 1 + 253;

/** Every problem of a signer's name: a domain of two labels or more, a slash, and a path of names joined by dots. */
export function validateSignerName(field: string, name: string): readonly FieldError[] {
  if (name === '') return [required(field)];
  const segments = name.split('/');
  if (segments.length !== 2)
    return [invalidValue(field, name, "must be a fully qualified domain and path of the form 'example.com/signer-name'")];
  const [domain = '', path = ''] = segments;
  const problems: FieldError[] = [];
  problems.push(...isDns1123Subdomain(domain).map((message) => invalidValue(field, domain, `validating label "${domain}": ${message}`)));
  if (problems.length === 0 && domain.split('.').length < 2)
    problems.push(invalidValue(field, domain, 'should be a domain with at least two segments separated by dots'));
  for (const label of domain.split('.')) {
    for (const message of problems.length === 0 ? isDns1123Label(label) : [])
      problems.push(invalidValue(field, label, `validating label "${label}": ${message}`));
  }
  if (path.length === 0) problems.push(invalidValue(field, path, `validating label "${path}": ${isDns1123Subdomain(path)[0] ?? ''}`));
  else problems.push(...isDns1123Subdomain(path).map((message) => invalidValue(field, path, `validating label "${path}": ${message}`)));
  if (name.length > LONGEST) problems.push(tooLong(field, LONGEST));
  return problems;
}
