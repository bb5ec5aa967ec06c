import {
  duplicate,
  invalidValue,
  isDns1035Label,
  isDns1123Subdomain,
  isValidPortNumber,
  required,
  validateLabelSelector,
  type FieldError,
} from '#libs/apimachinery';
import { AGE, NAME, column } from '../../columns.js';
import { each, fill, within } from '../../defaulting.js';
import type { ResourceDefinition } from '../../definition.js';
import type {
  MutatingWebhook,
  MutatingWebhookConfiguration,
  ValidatingWebhookConfiguration,
  WebhookClientConfig,
} from '../../generated/types.js';
import { kindOf } from '../../kind.js';
import { judge, oneOfIfSet, type Problems } from '../../problems.js';
import { MUTATINGWEBHOOKCONFIGURATIONS, VALIDATINGWEBHOOKCONFIGURATIONS } from '../../resources.js';
import { standardStrategy, withGeneration } from '../../strategy.js';
import { deepEqual } from '#libs/apimachinery';
import { validateMatchConditions } from './conditions.js';
import { FAILURE_POLICIES, MATCH_POLICIES, ruleDefaults, validateRule } from './rules.js';

type Configuration = MutatingWebhookConfiguration | ValidatingWebhookConfiguration;

const VERSIONS = ['v1', 'v1beta1'];
const SIDE_EFFECTS = ['None', 'NoneOnDryRun'];
const URL_FORM = '; desired format: https://host[/path]';

function hookDefaults(sent: MutatingWebhook, mutating: boolean): MutatingWebhook {
  const { rules, clientConfig } = sent;
  const service = clientConfig?.service && fill(clientConfig.service, { port: 443 });
  return fill(
    {
      ...sent,
      ...(rules ? { rules: each(rules, ruleDefaults) } : {}),
      ...(service ? { clientConfig: { ...clientConfig, service } } : {}),
    },
    {
      failurePolicy: 'Fail',
      matchPolicy: 'Equivalent',
      namespaceSelector: {},
      objectSelector: {},
      timeoutSeconds: 10,
      ...(mutating ? { reinvocationPolicy: 'Never' } : {}),
    },
  );
}

function validateUrl(into: Problems, path: string, text: string): void {
  const parts = /^(?:([a-zA-Z][a-zA-Z0-9+.-]*):)?(?:\/\/([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#([\s\S]*))?$/.exec(text);
  const [, scheme = '', authority = '', , query = '', fragment = ''] = parts ?? [];
  const at = authority.lastIndexOf('@');
  const host = authority.slice(at + 1);
  if (scheme !== 'https') into.push(invalidValue(path, scheme, `'https' is the only allowed URL scheme${URL_FORM}`));
  if (host === '') into.push(invalidValue(path, host, `host must be specified${URL_FORM}`));
  if (at >= 0) into.push(invalidValue(path, authority.slice(0, at), 'user information is not permitted in the URL'));
  if (fragment !== '') into.push(invalidValue(path, fragment, 'fragments are not permitted in the URL'));
  if (query !== '') into.push(invalidValue(path, query, 'query parameters are not permitted in the URL'));
}

function validatePath(into: Problems, path: string, text: string): void {
  if (text === '/') return;
  if (!text.startsWith('/')) return void into.push(invalidValue(path, text, "must start with a '/'"));
  const parsed = text.split('?')[0];
  if (parsed !== text) into.push(invalidValue(path, text, 'query parameters are not permitted in the URL'));
  const segments = text.slice(1).replace(/\/$/, '').split('/');
  segments.forEach((segment, i) => {
    if (segment === '') into.push(invalidValue(path, text, `segment[${i}] may not be empty`));
    else for (const message of isDns1123Subdomain(segment)) into.push(invalidValue(path, text, `segment[${i}]: ${message}`));
  });
}

/** Where a webhook listens (apiserver `util/webhook/validation.go`). */
export function validateClientConfig(into: Problems, path: string, config: WebhookClientConfig | undefined): void {
  const { url, service } = config ?? {};
  if ((url === undefined) === (service === undefined)) return void into.push(required(path, 'exactly one of url or service is required'));
  if (url !== undefined) return validateUrl(into, `${path}.url`, url);
  if (!service) return;
  const at = `${path}.service`;
  if (!service.name) into.push(required(`${at}.name`, 'service name is required'));
  if (!service.namespace) into.push(required(`${at}.namespace`, 'service namespace is required'));
  const wrongPort = isValidPortNumber(service.port ?? 443);
  if (wrongPort.length > 0) into.push(invalidValue(`${at}.port`, service.port, `port is not valid: ${wrongPort.join(',')}`));
  if (service.path !== undefined) validatePath(into, `${at}.path`, service.path);
}

function validateName(into: Problems, path: string, name: string | undefined): void {
  if (!name) return void into.push(required(path));
  judge(into, path, name, isDns1123Subdomain);
  if (name.split('.').length < 3) into.push(invalidValue(path, name, 'should be a domain with at least three segments separated by dots'));
}

function validateVersions(into: Problems, path: string, versions: readonly string[] | null | undefined): void {
  const list = versions ?? [];
  if (list.length === 0) return void into.push(required(path, `must specify one of ${VERSIONS.join(', ')}`));
  list.forEach((version, i) => {
    judge(into, `${path}[${i}]`, version, isDns1035Label);
    if (list.indexOf(version) < i) into.push(invalidValue(`${path}[${i}]`, version, 'duplicate version'));
  });
  if (!list.some((version) => VERSIONS.includes(version))) {
    into.push(invalidValue(path, list, `must include at least one of ${VERSIONS.join(', ')}`));
  }
}

function validateHook(into: Problems, path: string, hook: MutatingWebhook): void {
  validateName(into, `${path}.name`, hook.name);
  (hook.rules ?? []).forEach((rule, i) => validateRule(into, `${path}.rules[${i}]`, rule));
  oneOfIfSet(into, `${path}.failurePolicy`, hook.failurePolicy, FAILURE_POLICIES);
  oneOfIfSet(into, `${path}.matchPolicy`, hook.matchPolicy, MATCH_POLICIES);
  if (hook.sideEffects === undefined) into.push(required(`${path}.sideEffects`, `must specify one of ${SIDE_EFFECTS.join(', ')}`));
  else oneOfIfSet(into, `${path}.sideEffects`, hook.sideEffects, SIDE_EFFECTS);
  const { timeoutSeconds } = hook;
  if (timeoutSeconds !== undefined && (timeoutSeconds > 30 || timeoutSeconds < 1)) {
    into.push(invalidValue(`${path}.timeoutSeconds`, timeoutSeconds, 'the timeout value must be between 1 and 30 seconds'));
  }
  into.push(...validateLabelSelector(hook.namespaceSelector, `${path}.namespaceSelector`));
  into.push(...validateLabelSelector(hook.objectSelector, `${path}.objectSelector`));
  oneOfIfSet(into, `${path}.reinvocationPolicy`, hook.reinvocationPolicy, ['IfNeeded', 'Never']);
  validateClientConfig(into, `${path}.clientConfig`, hook.clientConfig);
  validateMatchConditions(into, `${path}.matchConditions`, hook.matchConditions, {});
  validateVersions(into, `${path}.admissionReviewVersions`, hook.admissionReviewVersions);
}

function validate(configuration: Configuration): readonly FieldError[] {
  const into: Problems = [];
  const seen = new Set<string>();
  ((configuration.webhooks ?? []) as readonly MutatingWebhook[]).forEach((hook, i) => {
    validateHook(into, `webhooks[${i}]`, hook);
    if (!hook.name) return;
    if (seen.has(hook.name)) into.push(duplicate(`webhooks[${i}].name`, hook.name));
    seen.add(hook.name);
  });
  return into;
}

function configurations<T extends Configuration>(
  kind: string,
  mutating: boolean,
): Partial<ResourceDefinition<T>> & Pick<ResourceDefinition, 'scope'> {
  const defaults = (object: T): T =>
    within(object as MutatingWebhookConfiguration, 'webhooks', (hooks) => each(hooks, (hook) => hookDefaults(hook, mutating))) as T;
  return {
    scope: 'Cluster',
    singular: kind.toLowerCase(),
    categories: ['api-extensions'],
    strategy: standardStrategy<T>({
      defaults,
      prepareForCreate: (object) => withGeneration(object),
      prepareForUpdate: (next, old) => withGeneration(next, old, !deepEqual(next.webhooks, old.webhooks)),
      validate,
    }),
    columns: [NAME, column('Webhooks', ({ webhooks }) => webhooks?.length ?? 0, 'integer'), AGE],
  };
}

export const validatingwebhookconfigurations = kindOf<ValidatingWebhookConfiguration>(
  VALIDATINGWEBHOOKCONFIGURATIONS,
  'ValidatingWebhookConfiguration',
  configurations<ValidatingWebhookConfiguration>('ValidatingWebhookConfiguration', false),
);

export const mutatingwebhookconfigurations = kindOf<MutatingWebhookConfiguration>(
  MUTATINGWEBHOOKCONFIGURATIONS,
  'MutatingWebhookConfiguration',
  configurations<MutatingWebhookConfiguration>('MutatingWebhookConfiguration', true),
);
