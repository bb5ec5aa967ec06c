/** An error of a socket or of TLS, as Node gives it. */
interface SystemError extends Error {
  readonly code?: string;
  readonly host?: string;
  readonly cert?: { readonly valid_to?: string; readonly valid_from?: string; readonly subjectaltname?: string };
}

const DIALS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connect: connection refused',
  EHOSTUNREACH: 'connect: no route to host',
  ENETUNREACH: 'connect: network is unreachable',
  ETIMEDOUT: 'connect: connection timed out',
};

const UNKNOWN_AUTHORITY = new Set([
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'CERT_SIGNATURE_FAILURE',
]);

function namesOf(certificate: SystemError['cert']): string {
  return (certificate?.subjectaltname ?? '').replaceAll(/(?:DNS|IP Address):/g, '');
}

function certificateProblem({ code = '', cert }: SystemError, servername: string): string | undefined {
  if (UNKNOWN_AUTHORITY.has(code)) return 'certificate signed by unknown authority';
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') return 'certificate has expired or is not yet valid';
  if (code !== 'ERR_TLS_CERT_ALTNAME_INVALID') return undefined;
  const names = namesOf(cert);
  if (names === '') return 'certificate relies on legacy Common Name field, use SANs instead';
  return `certificate is valid for ${names}, not ${servername}`;
}

/** Why a call did not get an answer, in the words that Go has for it. */
export function failureOf(thrown: unknown, address: string, servername: string): string {
  // Not by instanceof: errors of sockets may be another realm's.
  if (typeof thrown !== 'object' || thrown === null || !('message' in thrown)) return String(thrown);
  const error = thrown as SystemError;
  const { code = '' } = error;
  if (error.name === 'TimeoutError' || error.name === 'AbortError') return 'context deadline exceeded';
  const dial = DIALS[code];
  if (dial !== undefined) return `dial tcp ${address}: ${dial}`;
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return `dial tcp: lookup ${error.host ?? servername}: no such host`;
  const certificate = certificateProblem(error, servername);
  if (certificate !== undefined) return `tls: failed to verify certificate: x509: ${certificate}`;
  if (code === 'ECONNRESET' || code === 'EPIPE') return 'EOF';
  if (code === 'EPROTO' || code === 'ERR_SSL_WRONG_VERSION_NUMBER') return 'http: server gave HTTP response to HTTPS client';
  return error.message;
}

const SENTENCES: Readonly<Record<number, string>> = {
  400: 'the server rejected our request for an unknown reason',
  401: 'the server has asked for the client to provide credentials',
  403: 'the server does not allow access to the requested resource',
  404: 'the server could not find the requested resource',
  405: 'the server does not allow this method on the requested resource',
  409: 'the server reported a conflict',
  422: 'the server rejected our request due to an error in our request',
  429: 'the server has received too many requests and has asked us to try again later',
  503: 'the server is currently unable to handle the request',
  504: 'the server was unable to return a response in the time allotted, but may still be processing the request',
};

/** What client-go makes of an answer that is no success. */
export function refusalOf(code: number, body: string): string {
  const known = SENTENCES[code];
  if (known !== undefined) return known;
  const text = body.trim() === '' ? 'unknown' : body.trim();
  return code >= 500
    ? `an error on the server (${JSON.stringify(text)}) has prevented the request from succeeding`
    : `the server responded with the status code ${code} but did not return more information`;
}
