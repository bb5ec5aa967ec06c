import type { CertificateSigningRequest, ParsedCertificateRequest } from '#libs/api';

/** The group of all nodes, and what every node's user begins with. */
export const NODES_GROUP = 'system:nodes';
export const NODE_USER_PREFIX = 'system:node:';
export const KUBELET_CLIENT = 'kubernetes.io/kube-apiserver-client-kubelet';

const sameMembers = (a: readonly string[], b: readonly string[]): boolean => a.length === b.length && a.every((each) => b.includes(each));

/** Whether exactly these usages are asked for; encipherment of keys may be left out, as keys of today don't do it. */
export function hasUsages(usages: readonly string[] = [], purpose: 'client auth' | 'server auth'): boolean {
  const needed = ['digital signature', purpose];
  return sameMembers(usages, needed) || sameMembers(usages, [...needed, 'key encipherment']);
}

/** Why a request does not name a node; undefined where it does. */
export function nodeProblem({ organizations, commonName }: ParsedCertificateRequest): string | undefined {
  if (!sameMembers(organizations, [NODES_GROUP])) return 'subject organization is not system:nodes';
  return commonName.startsWith(NODE_USER_PREFIX) ? undefined : 'subject common name does not begin with system:node: ';
}

/** Why a request is not for a kubelet's client certificate (apis/certificates `ValidateKubeletClientCSR`); undefined where it is. */
export function kubeletClientProblem(parsed: ParsedCertificateRequest, { usages }: CertificateSigningRequest['spec']): string | undefined {
  const [organization, commonName] = [nodeProblem({ ...parsed, commonName: NODE_USER_PREFIX }), nodeProblem(parsed)];
  if (organization !== undefined) return organization;
  if (parsed.dnsNames.length > 0) return 'DNS subjectAltNames are not allowed';
  if (parsed.emailAddresses.length > 0) return 'Email subjectAltNames are not allowed';
  if (parsed.ipAddresses.length > 0) return 'IP subjectAltNames are not allowed';
  if (parsed.uris.length > 0) return 'URI subjectAltNames are not allowed';
  if (commonName !== undefined) return commonName;
  return hasUsages(usages, 'client auth') ? undefined : 'usages did not match [client auth digital signature]';
}

/** Why a request is not for a kubelet's serving certificate (`ValidateKubeletServingCSR`); undefined where it is. */
export function kubeletServingProblem(parsed: ParsedCertificateRequest, { usages }: CertificateSigningRequest['spec']): string | undefined {
  const organization = nodeProblem({ ...parsed, commonName: NODE_USER_PREFIX });
  if (organization !== undefined) return organization;
  if (parsed.dnsNames.length + parsed.ipAddresses.length === 0) return 'DNS or IP subjectAltName is required';
  if (parsed.emailAddresses.length > 0) return 'Email subjectAltNames are not allowed';
  if (parsed.uris.length > 0) return 'URI subjectAltNames are not allowed';
  if (!hasUsages(usages, 'server auth')) return 'usages did not match [digital signature server auth]';
  return nodeProblem(parsed);
}
