import {
  dnsSubdomainNames,
  duplicate,
  forbiddenField,
  invalidValue,
  pathSegmentNames,
  required,
  validateLabelSelector,
  type FieldError,
} from '#libs/apimachinery';
import { AGE, NAME, column, selectorText } from '../../columns.js';
import { fill, within } from '../../defaulting.js';
import type { ResourceDefinition } from '../../definition.js';
import type { MutatingAdmissionPolicyBinding, ParamRef, ValidatingAdmissionPolicyBinding } from '../../generated/types.js';
import { kindOf } from '../../kind.js';
import { judge, oneOf, oneOfIfSet, type Problems } from '../../problems.js';
import { MUTATINGADMISSIONPOLICYBINDINGS, VALIDATINGADMISSIONPOLICYBINDINGS } from '../../resources.js';
import { standardStrategy, withGeneration } from '../../strategy.js';
import { matchDefaults, validateMatchResources } from './rules.js';

type Binding = MutatingAdmissionPolicyBinding | ValidatingAdmissionPolicyBinding;

const ACTIONS = ['Audit', 'Deny', 'Warn'];
const BOTH =
  'must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)';
const EXCLUSIVE = 'name and selector are mutually exclusive';

function validateParamRef(into: Problems, path: string, { name, selector, parameterNotFoundAction }: ParamRef): void {
  if (name) {
    for (const message of pathSegmentNames(name, false)) into.push(invalidValue(`${path}.name`, name, message));
    if (selector) into.push(forbiddenField(`${path}.name`, EXCLUSIVE));
  }
  if (selector) {
    into.push(...validateLabelSelector(selector, `${path}.selector`));
    if (name) into.push(forbiddenField(`${path}.selector`, EXCLUSIVE));
  }
  if (!name && !selector) into.push(required(path, 'one of name or selector must be specified'));
  if (!parameterNotFoundAction) into.push(required(`${path}.parameterNotFoundAction`));
  else oneOfIfSet(into, `${path}.parameterNotFoundAction`, parameterNotFoundAction, ['Allow', 'Deny']);
}

function validateActions(into: Problems, path: string, actions: readonly string[]): void {
  if (actions.length === 0) return void into.push(required(path, 'at least one validation action is required'));
  actions.forEach((action, i) => {
    oneOf(into, `${path}[${i}]`, action, ACTIONS);
    if (actions.indexOf(action) < i) into.push(duplicate(`${path}[${i}]`, action));
  });
  if (actions.includes('Deny') && actions.includes('Warn')) into.push(invalidValue(path, [...new Set(actions)].sort(), BOTH));
}

function validateBinding(into: Problems, { spec = {} }: Binding): void {
  if (!spec.policyName) into.push(required('spec.policyName'));
  else judge(into, 'spec.policyName', spec.policyName, (name) => dnsSubdomainNames(name, false));
  if (spec.paramRef) validateParamRef(into, 'spec.paramRef', spec.paramRef);
  // Upstream misspells the field in its messages.
  if (spec.matchResources) validateMatchResources(into, 'spec.matchResouces', spec.matchResources);
}

function validateValidating(binding: ValidatingAdmissionPolicyBinding): readonly FieldError[] {
  const into: Problems = [];
  validateBinding(into, binding);
  validateActions(into, 'spec.validationActions', binding.spec?.validationActions ?? []);
  return into;
}

function validateMutating(binding: MutatingAdmissionPolicyBinding): readonly FieldError[] {
  const into: Problems = [];
  validateBinding(into, binding);
  return into;
}

function paramRef(ref: ParamRef | undefined): string {
  if (!ref) return '<unset>';
  return ref.name ? `${ref.namespace ?? '*'}/${ref.name}` : selectorText(ref.selector);
}

function defaults<T extends Binding>(object: T): T {
  return within(object as ValidatingAdmissionPolicyBinding, 'spec', (spec) =>
    within(within(spec, 'matchResources', matchDefaults), 'paramRef', (ref) => fill(ref, { parameterNotFoundAction: 'Deny' })),
  ) as T;
}

const entry = <T extends Binding>(
  validate: (binding: T) => readonly FieldError[],
): Partial<ResourceDefinition<T>> & Pick<ResourceDefinition, 'scope'> => ({
  scope: 'Cluster',
  categories: ['api-extensions'],
  strategy: standardStrategy<T>({
    defaults,
    prepareForCreate: (object) => withGeneration(object),
    prepareForUpdate: (next, old) => withGeneration(next, old),
    validate,
  }),
  columns: [
    NAME,
    column('PolicyName', ({ spec }) => spec?.policyName ?? ''),
    column('ParamRef', ({ spec }) => paramRef(spec?.paramRef)),
    AGE,
  ],
});

export const validatingadmissionpolicybindings = kindOf<ValidatingAdmissionPolicyBinding>(
  VALIDATINGADMISSIONPOLICYBINDINGS,
  'ValidatingAdmissionPolicyBinding',
  entry(validateValidating),
);

export const mutatingadmissionpolicybindings = kindOf<MutatingAdmissionPolicyBinding>(
  MUTATINGADMISSIONPOLICYBINDINGS,
  'MutatingAdmissionPolicyBinding',
  entry(validateMutating),
);
