import { child, forbiddenField, invalidValue, isDns1035Label, item, notSupported, required, type FieldError } from '#libs/apimachinery';
import type { ConversionClientConfig, CustomResourceDefinition, CustomResourceDefinitionSpec } from '../types.js';
import { isEstablished } from './conditions.js';

const ACCEPTED = ['v1', 'v1beta1'];

/** Every rule that a definition's conversion breaks, with the paths of upstream's internal type. */
export function validateConversion(spec: CustomResourceDefinitionSpec, old: CustomResourceDefinition | undefined): readonly FieldError[] {
  const { conversion } = spec;
  if (!conversion) return [];
  const { strategy, webhook } = conversion;
  const path = 'spec.conversion';
  const at = child(path, 'webhookClientConfig');
  const errors: FieldError[] = [];
  if (strategy === '') errors.push(required(child(path, 'strategy')));
  else if (strategy !== 'None' && strategy !== 'Webhook') {
    errors.push(notSupported(child(path, 'strategy'), strategy, ['None', 'Webhook']));
  }
  if (strategy !== 'None' && spec.preserveUnknownFields === true) {
    errors.push(invalidValue(child(path, 'strategy'), strategy, 'must be None if spec.preserveUnknownFields is true'));
  }
  if (strategy === 'Webhook') {
    const config = webhook?.clientConfig;
    if (!config) errors.push(required(at, 'required when strategy is set to Webhook'));
    else errors.push(...validateClientConfig(config, at), ...validateBundle(config, child(at, 'caBundle'), old));
    return [...errors, ...validateReviewVersions(webhook?.conversionReviewVersions ?? [], child(path, 'conversionReviewVersions'), old)];
  }
  if (webhook?.clientConfig) errors.push(forbiddenField(at, 'should not be set when strategy is not set to Webhook'));
  if ((webhook?.conversionReviewVersions ?? []).length > 0) {
    errors.push(forbiddenField(child(path, 'conversionReviewVersions'), 'should not be set when strategy is not set to Webhook'));
  }
  return errors;
}

function validateClientConfig({ url, service }: ConversionClientConfig, path: string): readonly FieldError[] {
  if ((url === undefined) === (service === undefined)) return [required(path, 'exactly one of url or service is required')];
  if (url !== undefined) return validateUrl(url, child(path, 'url'));
  const { name = '', namespace = '', path: servicePath, port = 443 } = service ?? {};
  const at = child(path, 'service');
  const errors: FieldError[] = [];
  if (name === '') errors.push(required(child(at, 'name'), 'service name is required'));
  if (namespace === '') errors.push(required(child(at, 'namespace'), 'service namespace is required'));
  if (port < 1 || port > 65535) {
    errors.push(invalidValue(child(at, 'port'), port, 'port is not valid: must be between 1 and 65535, inclusive'));
  }
  return servicePath === undefined ? errors : [...errors, ...validateServicePath(servicePath, child(at, 'path'))];
}

function validateUrl(url: string, field: string): readonly FieldError[] {
  const form = '; desired format: https://host[/path]';
  const match = /^([a-zA-Z][a-zA-Z0-9+.-]*):\/\/([^/?#]*)([^?#]*)(\?[^#]*)?(#.*)?$/.exec(url);
  if (!match) return [required(field, `url must be a valid URL: ${JSON.stringify(url)}${form}`)];
  const [, scheme = '', authority = '', , query, fragment] = match;
  const wrong = (value: string, detail: string): FieldError => invalidValue(field, value, detail + form);
  const errors: FieldError[] = [];
  if (scheme !== 'https') errors.push(wrong(scheme, "'https' is the only allowed URL scheme"));
  if (authority.replace(/^.*@/, '') === '') errors.push(wrong('', 'host must be specified'));
  if (authority.includes('@')) errors.push(wrong(authority.replace(/@.*$/, ''), 'user information is not permitted in the URL'));
  if (fragment !== undefined) errors.push(wrong(fragment.slice(1), 'fragments are not permitted in the URL'));
  if (query !== undefined) errors.push(wrong(query.slice(1), 'query parameters are not permitted in the URL'));
  return errors;
}

function validateServicePath(path: string, field: string): readonly FieldError[] {
  if (path === '/') return [];
  if (!path.startsWith('/')) return [invalidValue(field, path, "must start with a '/'")];
  const steps = path.slice(1).split('/');
  if (steps.at(-1) === '') steps.pop();
  return steps.flatMap((step, index) => {
    if (step === '') return [invalidValue(field, path, `segment[${index}] may not be empty`)];
    return /^[a-zA-Z0-9]([-a-zA-Z0-9._~]*[a-zA-Z0-9])?$/.test(step) || step.length > 0 ? [] : [];
  });
}

const BUNDLE = /-----BEGIN CERTIFICATE-----[\s\S]+-----END CERTIFICATE-----/;

function textOf(base64: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
  let bits = 0;
  let held = 0;
  let text = '';
  for (const char of base64.replace(/=+$/, '')) {
    held = (held << 6) | alphabet.indexOf(char);
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    text += String.fromCharCode((held >> bits) & 255);
    held &= (1 << bits) - 1;
  }
  return text;
}

const isBundle = (caBundle: string): boolean => BUNDLE.test(textOf(caBundle));

/** A bundle that is none may be put right later, as long as nothing is served by it. */
function validateBundle(
  { caBundle = '' }: ConversionClientConfig,
  field: string,
  old: CustomResourceDefinition | undefined,
): readonly FieldError[] {
  if (caBundle === '' || isBundle(caBundle) || old === undefined || !isEstablished(old)) return [];
  const before = old.spec.conversion?.webhook?.clientConfig?.caBundle ?? '';
  if (before !== '' && !isBundle(before)) return [];
  return [invalidValue(field, caBundle, 'unable to load root certificates: unable to parse bytes as PEM block')];
}

function validateReviewVersions(
  versions: readonly string[],
  path: string,
  old: CustomResourceDefinition | undefined,
): readonly FieldError[] {
  if (versions.length === 0) return [required(path)];
  const errors: FieldError[] = [];
  versions.forEach((version, index) => {
    if (versions.indexOf(version) < index) errors.push(invalidValue(item(path, index), version, 'duplicate version'));
    else for (const problem of isDns1035Label(version)) errors.push(invalidValue(item(path, index), version, problem));
  });
  const before = old?.spec.conversion?.webhook?.conversionReviewVersions ?? [];
  const known = (list: readonly string[]): boolean => list.some((version) => ACCEPTED.includes(version));
  if (!known(versions) && (before.length === 0 || known(before))) {
    errors.push(invalidValue(path, versions, `must include at least one of ${ACCEPTED.join(', ')}`));
  }
  return errors;
}
