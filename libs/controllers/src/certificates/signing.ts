import { hasCertificateCondition, parseCertificateRequest, type CertificateSigningRequest, type ParsedCertificateRequest } from '#libs/api';
import { formatTime, type Instant } from '#libs/apimachinery';
import { KUBELET_CLIENT, kubeletClientProblem, kubeletServingProblem } from './kubelet-request.js';

/** A certificate that is to be signed: what whoever holds the authority's key must know. */
export interface SigningOrder {
  readonly parsed: ParsedCertificateRequest;
  readonly usages: readonly string[];
  readonly notBefore: Instant;
  readonly notAfter: Instant;
}

/** What is to be done with a certificate signing request. */
export type SigningDecision =
  | { readonly decision: 'nothing' }
  | { readonly decision: 'sign'; readonly order: SigningOrder }
  | { readonly decision: 'fail'; readonly failed: CertificateSigningRequest };

const LONGEST_MS = 365 * 24 * 3_600_000;
const SHORTEST_MS = 600_000;
/** A life below this is not shortened by what is dated back. */
const SHORT_MS = 8 * 3_600_000;
/** Clocks may be a little behind. */
const BACKDATED_MS = 5 * 60_000;

/** Why a signer must not sign what it is asked for; undefined where it may. */
type Rule = (parsed: ParsedCertificateRequest, spec: CertificateSigningRequest['spec']) => string | undefined;

const CLIENT_USAGES = ['client auth', 'digital signature', 'key encipherment'];

const apiClient: Rule = (_parsed, { usages = [] }) => {
  const odd = usages.find((usage) => !CLIENT_USAGES.includes(usage));
  if (odd !== undefined) return `invalid usage for client certificate: ${odd}`;
  return usages.includes('client auth') ? undefined : 'missing required usage for client certificate: client auth';
};

/** The signers of kube-controller-manager that a request of v1 can name. */
const SIGNERS: ReadonlyMap<string, Rule> = new Map([
  ['kubernetes.io/kube-apiserver-client', apiClient],
  [KUBELET_CLIENT, kubeletClientProblem],
  ['kubernetes.io/kubelet-serving', kubeletServingProblem],
]);

function failed(csr: CertificateSigningRequest, message: string, now: Instant): CertificateSigningRequest {
  const time = formatTime(now);
  const condition = { type: 'Failed', status: 'True', reason: 'SignerValidationFailure', message, lastUpdateTime: time };
  return { ...csr, status: { ...csr.status, conditions: [...(csr.status?.conditions ?? []), { ...condition, lastTransitionTime: time }] } };
}

/** Decides for the signers of kube-controller-manager (pkg/controller/certificates/signer): only what is approved, and as it may be asked for. */
export function decideSigning(csr: CertificateSigningRequest, now: Instant): SigningDecision {
  const rule = SIGNERS.get(csr.spec.signerName);
  const approved = hasCertificateCondition(csr, 'Approved') && !hasCertificateCondition(csr, 'Denied');
  if (!rule || !approved || hasCertificateCondition(csr, 'Failed') || csr.status?.certificate) return { decision: 'nothing' };
  const parsed = parseCertificateRequest(csr.spec.request);
  if (typeof parsed === 'string') return { decision: 'nothing' };
  const problem = rule(parsed, csr.spec);
  if (problem !== undefined) return { decision: 'fail', failed: failed(csr, problem, now) };
  const { expirationSeconds, usages = [] } = csr.spec;
  const life = expirationSeconds === undefined ? LONGEST_MS : Math.min(LONGEST_MS, Math.max(SHORTEST_MS, expirationSeconds * 1000));
  // What lives long may as well end a little earlier; what lives short is wanted for its whole time.
  const notAfter = now + life - (life < SHORT_MS ? 0 : BACKDATED_MS);
  return { decision: 'sign', order: { parsed, usages, notBefore: now - BACKDATED_MS, notAfter } };
}
