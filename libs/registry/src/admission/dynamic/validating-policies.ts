import {
  VALIDATINGADMISSIONPOLICIES,
  VALIDATINGADMISSIONPOLICYBINDINGS,
  type ExpressionScope,
  type ValidatingAdmissionPolicy,
  type Validation,
} from '#libs/api';
import { BOOL, NULL, STRING } from '#libs/cel';
import { byteLength, forbidden, StatusError, type StatusReason } from '#libs/apimachinery';
import type { Case } from '../../case.js';
import type { Attributes, ValidatingPlugin } from '../plugin.js';
import type { Activation } from './activation.js';
import { Budget, evaluate, expressionOf, OutOfBudget, POLICY_BUDGET, type Expression } from './expressions.js';
import { activationFor, holds, invocations, policyCompiler, type BindingObject, type Invocation } from './policies.js';

const RESOURCES = { policies: VALIDATINGADMISSIONPOLICIES, bindings: VALIDATINGADMISSIONPOLICYBINDINGS };
const MOST_MESSAGE_BYTES = 5 * 1024;
const MOST_ANNOTATION = 10 * 1024;
const FAILURE_KEY = 'validation.policy.admission.k8s.io/validation_failure';

interface Check {
  readonly validation: Validation;
  readonly expression: Expression;
  readonly message: Expression | undefined;
}
interface Own {
  readonly checks: readonly Check[];
  readonly annotations: readonly { readonly key: string; readonly value: Expression }[];
}

const compile = policyCompiler<ValidatingAdmissionPolicy, Own>(({ spec = {} }, scope) => {
  const unauthorized: ExpressionScope = { ...scope, authorizer: false };
  return {
    checks: (spec.validations ?? []).map((validation) => ({
      validation,
      expression: expressionOf(validation.expression ?? '', scope, [BOOL]),
      message: validation.messageExpression ? expressionOf(validation.messageExpression, unauthorized, [STRING]) : undefined,
    })),
    annotations: (spec.auditAnnotations ?? []).map(({ key, valueExpression }) => ({
      key: key ?? '',
      value: expressionOf(valueExpression ?? '', unauthorized, [STRING, NULL]),
    })),
  };
});

type Invoked = Invocation<ValidatingAdmissionPolicy, Own>;

/** Something a policy has against a request. `index`: of the validation. */
interface Denial {
  readonly policy: string;
  readonly binding: BindingObject | undefined;
  readonly message: string;
  readonly reason: StatusReason;
  readonly index: number;
}

/** What a client reads where a validation fails: the message worked out, else the given one, else the expression. */
function messageOf({ validation, message }: Check, activation: Activation, budget: Budget): string {
  const made = message && evaluate(message, activation, budget);
  const text = made && 'value' in made && typeof made.value === 'string' ? made.value.trim() : '';
  if (text !== '' && byteLength(text) <= MOST_MESSAGE_BYTES && !text.includes('\n')) return text;
  return validation.message?.trim() || `failed expression: ${(validation.expression ?? '').trim()}`;
}

/** What one evaluation of a policy has against the request. An error counts as its failure policy says. */
function denialsOf(given: Case, attributes: Attributes, invocation: Invoked): readonly Denial[] {
  const { policy, binding } = invocation;
  const budget = new Budget(POLICY_BUDGET);
  const denial = (message: string, index: number, reason: StatusReason): Denial => ({
    policy: policy.name,
    binding,
    message,
    reason,
    index,
  });
  const failure = (message: string, index = 0): readonly Denial[] => (policy.ignoresFailure ? [] : [denial(message, index, 'Invalid')]);
  const matches = holds(given, attributes, invocation);
  if (typeof matches !== 'boolean') return failure(matches.error);
  if (!matches) return [];
  const activation = activationFor(given, attributes, invocation, budget);
  try {
    const found = policy.own.checks.flatMap((check, i) => {
      const result = evaluate(check.expression, activation, budget);
      if ('error' in result) return failure(result.error, i);
      if (result.value === true) return [];
      const reason = (check.validation.reason ?? 'Invalid') as StatusReason;
      return [denial(messageOf(check, activation, budget), i, reason)];
    });
    return [...found, ...annotated(given, invocation, activation, new Budget(POLICY_BUDGET)).flatMap((error) => failure(error))];
  } catch (thrown) {
    if (!(thrown instanceof OutOfBudget)) throw thrown;
    return failure(thrown.message);
  }
}

/** Publishes a policy's audit annotations; gives the errors on the way. */
function annotated(given: Case, { policy }: Invoked, activation: Activation, budget: Budget): readonly string[] {
  return policy.own.annotations.flatMap(({ key, value }) => {
    const result = evaluate(value, activation, budget);
    if ('error' in result) return [result.error];
    const text = typeof result.value === 'string' ? result.value.trim() : '';
    if (text !== '') given.notes.annotateEach(`${policy.name}/${key}`, text.slice(0, MOST_ANNOTATION));
    return [];
  });
}

/** Carries out a binding's actions on a denial; true where it refuses the request. */
function acted(given: Case, { policy, binding, message, index }: Denial): boolean {
  const actions = binding?.spec?.validationActions ?? [];
  const name = binding?.metadata.name ?? '';
  if (actions.includes('Warn')) {
    given.notes.warnings.push(`Validation failed for ValidatingAdmissionPolicy '${policy}' with binding '${name}': ${message}`);
  }
  if (actions.includes('Audit')) {
    given.notes.annotate(
      FAILURE_KEY,
      JSON.stringify([{ message, policy, binding: name, expressionIndex: index, validationActions: actions }]),
    );
  }
  return actions.includes('Deny');
}

function refusal({ definition }: Case, { name }: Attributes, { policy, binding, message, reason }: Denial): StatusError {
  const by = binding ? `'${policy}' with binding '${binding.metadata.name}'` : `'${policy}'`;
  const sentence = `ValidatingAdmissionPolicy ${by} denied request: ${message}`;
  const { message: whole, details } = forbidden(definition.resource, name, sentence);
  return new StatusError(reason, whole, { ...details, causes: [{ message: sentence } as never] });
}

/** ValidatingAdmissionPolicy: policies in CEL, bound to what they watch over. */
export const validatingPolicies: ValidatingPlugin = {
  name: 'ValidatingAdmissionPolicy',
  operations: ['CREATE', 'UPDATE', 'DELETE', 'CONNECT'],
  validate(attributes, given) {
    const denied: Denial[] = [];
    const due = invocations(given, attributes, RESOURCES, compile, ({ policy, binding, message }) => {
      if (!policy.ignoresFailure) denied.push({ policy: policy.name, binding, message, reason: 'Invalid', index: 0 });
    });
    for (const invocation of due) denied.push(...denialsOf(given, attributes, invocation).filter((denial) => acted(given, denial)));
    const [first] = denied;
    if (first) throw refusal(given, attributes, first);
    return undefined;
  },
};
