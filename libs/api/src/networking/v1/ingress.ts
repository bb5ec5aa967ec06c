import {
  dns1035LabelNames,
  dnsSubdomainNames,
  invalidValue,
  isDns1123Subdomain,
  isValidPortName,
  isValidPortNumber,
  required,
  type FieldError,
} from '#libs/apimachinery';
import { AGE, NAME, column } from '../../columns.js';
import type { Ingress, IngressBackend, IngressRule, IngressSpec } from '../../generated/types.js';
import { kindOf } from '../../kind.js';
import { judge, oneOf, present, type Problems } from '../../problems.js';
import { INGRESSES } from '../../resources.js';
import { standardStrategy, withGeneration, withStatusOf } from '../../strategy.js';
import { statusOf } from '../../verbs.js';

const PATH_TYPES = ['Exact', 'ImplementationSpecific', 'Prefix'];
const IN_PATHS = ['//', '/./', '/../', '%2f', '%2F'];
const AT_END = ['/..', '/.'];
const WILDCARD = /^\*(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)+$/;
const IP = /^(\d{1,3}\.){3}\d{1,3}$|:/;

function backend(into: Problems, path: string, { service, resource }: IngressBackend): void {
  if (service && resource) {
    into.push(invalidValue(path, '', 'cannot set both resource and service backends'));
    return;
  }
  if (resource) {
    present(into, `${path}.resource.kind`, resource.kind);
    present(into, `${path}.resource.name`, resource.name);
    return;
  }
  if (!service) {
    into.push(invalidValue(path, '', 'resource or service backend is required'));
    return;
  }
  present(into, `${path}.service.name`, service.name);
  if (service.name) judge(into, `${path}.service.name`, service.name, (name) => dns1035LabelNames(name, false));
  const { name = '', number = 0 } = service.port ?? {};
  if (name !== '' && number !== 0) into.push(invalidValue(path, '', 'cannot set both port name & port number'));
  else if (name !== '') judge(into, `${path}.service.port.name`, name, isValidPortName);
  else if (number !== 0) judge(into, `${path}.service.port.number`, number, isValidPortNumber);
  else into.push(required(path, 'port name or number is required'));
}

function pathProblems(into: Problems, path: string, value: string, pathType: string | undefined): void {
  if (pathType === 'ImplementationSpecific') {
    if (value !== '' && !value.startsWith('/')) into.push(invalidValue(`${path}.path`, value, 'must be an absolute path'));
    return;
  }
  if (!value.startsWith('/')) into.push(invalidValue(`${path}.path`, value, 'must be an absolute path'));
  for (const text of IN_PATHS) if (value.includes(text)) into.push(invalidValue(`${path}.path`, value, `must not contain '${text}'`));
  for (const text of AT_END) if (value.endsWith(text)) into.push(invalidValue(`${path}.path`, value, `cannot end with '${text}'`));
}

function rule(into: Problems, path: string, { host = '', http }: IngressRule): void {
  if (host !== '') {
    if (IP.test(host)) into.push(invalidValue(`${path}.host`, host, 'must be a DNS name, not an IP address'));
    else if (!host.includes('*')) judge(into, `${path}.host`, host, isDns1123Subdomain);
    else if (!WILDCARD.test(host)) {
      into.push(
        invalidValue(`${path}.host`, host, "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain"),
      );
    }
  }
  if (!http) return;
  if (http.paths.length === 0) into.push(required(`${path}.http.paths`));
  http.paths.forEach((each, index) => {
    const at = `${path}.http.paths[${index}]`;
    if (each.pathType === undefined) into.push(required(`${at}.pathType`, 'pathType must be specified'));
    else oneOf(into, `${at}.pathType`, each.pathType, PATH_TYPES);
    pathProblems(into, at, each.path ?? '', each.pathType);
    backend(into, `${at}.backend`, each.backend);
  });
}

function specProblems(into: Problems, { rules = [], defaultBackend, ingressClassName, tls = [] }: IngressSpec): void {
  if (rules.length === 0 && !defaultBackend) {
    into.push(invalidValue('spec', rules, 'either `defaultBackend` or `rules` must be specified'));
  }
  if (defaultBackend) backend(into, 'spec.defaultBackend', defaultBackend);
  rules.forEach((each, index) => rule(into, `spec.rules[${index}]`, each));
  tls.forEach(({ hosts = [], secretName }, index) => {
    hosts.forEach((host, i) => {
      const at = `spec.tls[${index}].hosts[${i}]`;
      if (host.includes('*') ? !WILDCARD.test(host) : isDns1123Subdomain(host).length > 0) judge(into, at, host, isDns1123Subdomain);
    });
    if (secretName) judge(into, `spec.tls[${index}].secretName`, secretName, (name) => dnsSubdomainNames(name, false));
  });
  if (ingressClassName) judge(into, 'spec.ingressClassName', ingressClassName, (name) => dnsSubdomainNames(name, false));
}

function validate({ spec = {} }: Ingress): readonly FieldError[] {
  const into: Problems = [];
  specProblems(into, spec);
  return into;
}

const LONGEST_HOSTS = 3;
const hostsOf = ({ spec }: Ingress): string => {
  const hosts = (spec?.rules ?? []).map(({ host }) => host ?? '').filter((host) => host !== '');
  if (hosts.length === 0) return '*';
  const shown = hosts.slice(0, LONGEST_HOSTS).join(',');
  return hosts.length > LONGEST_HOSTS ? `${shown} + ${hosts.length - LONGEST_HOSTS} more...` : shown;
};
const addresses = ({ status }: Ingress): string =>
  (status?.loadBalancer?.ingress ?? []).map(({ ip, hostname }) => ip ?? hostname ?? '').join(',');

export const ingresses = kindOf<Ingress>(INGRESSES, 'Ingress', {
  scope: 'Namespaced',
  shortNames: ['ing'],
  subresources: [statusOf('Ingress')],
  strategy: standardStrategy<Ingress>({
    prepareForCreate: (object) => withGeneration({ ...object, status: { loadBalancer: {} } }),
    prepareForUpdate: (next, old) => withGeneration(withStatusOf(next, old), old),
    validate,
  }),
  columns: [
    NAME,
    column('Class', ({ spec, metadata }) => spec?.ingressClassName ?? metadata.annotations?.['kubernetes.io/ingress.class'] ?? '<none>'),
    column('Hosts', hostsOf),
    column('Address', addresses),
    column('Ports', ({ spec }) => ((spec?.tls ?? []).length > 0 ? '80, 443' : '80')),
    AGE,
  ],
});
