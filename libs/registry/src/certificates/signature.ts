import { CERTIFICATESIGNINGREQUESTS, parseCertificateRequest, type CertificateSigningRequest } from '#libs/api';
import { invalidValue, type FieldError, type KubeObject } from '#libs/apimachinery';
import type { Case } from '../case.js';

/** Go's word for a signature that is none of the key's (crypto/x509 CheckSignature). */
const WRONG_SIGNATURE = 'x509: ECDSA verification failure';
const WRONG_RSA_SIGNATURE = 'crypto/rsa: verification error';
/** PKCS #1: 1.2.840.113549.1.1.*. */
const RSA = '1.2.840.113549.1.1.';

/** A certificate request must be signed by the key that it names: what the kind's own rules can't compute. */
export function signatureProblems({ definition, read }: Case, object: KubeObject): readonly FieldError[] {
  const { group, resource } = definition.resource;
  if (group !== CERTIFICATESIGNINGREQUESTS.group || resource !== CERTIFICATESIGNINGREQUESTS.resource) return [];
  const { request } = (object as CertificateSigningRequest).spec;
  const parsed = parseCertificateRequest(request);
  if (typeof parsed === 'string' || read.verifies(parsed.signed)) return [];
  return [invalidValue('spec.request', request, parsed.signed.algorithm.startsWith(RSA) ? WRONG_RSA_SIGNATURE : WRONG_SIGNATURE)];
}
