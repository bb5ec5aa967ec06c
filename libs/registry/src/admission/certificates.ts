import { ClusterAuthorizer } from '#libs/authorization';
import { CERTIFICATESIGNINGREQUESTS, parseCertificateRequest, type CertificateSigningRequest } from '#libs/api';
import { deepEqual, forbidden } from '#libs/apimachinery';
import type { Case } from '../case.js';
import type { Attributes, ValidatingPlugin } from './plugin.js';

const CLIENT_SIGNER = 'kubernetes.io/kube-apiserver-client';
const MASTERS = 'system:masters';

const concerns = ({ definition }: Case, { subresource }: Attributes, wanted: string): boolean =>
  definition.resource.group === CERTIFICATESIGNINGREQUESTS.group &&
  definition.resource.resource === CERTIFICATESIGNINGREQUESTS.resource &&
  subresource === wanted;

/** Whether the client may do this for a signer, by its name or by all of its domain. Controllers of ours may. */
function mayFor({ request, read, definition }: Case, verb: string, signerName: string): boolean {
  const { actor, client } = request.requester;
  if (client !== true) return true;
  const authorizer = new ClusterAuthorizer({
    get: (resource, namespace, name) => read.object(resource, namespace ?? '', name)?.object,
    list: (resource, namespace) => read.list(resource, namespace),
  });
  const user = { name: actor.user, groups: actor.groups ?? [] };
  const about = {
    kind: 'resource',
    user,
    verb,
    group: definition.resource.group,
    resource: 'signers',
    subresource: '',
    namespace: '',
  } as const;
  const [domain = ''] = signerName.split('/');
  return [signerName, `${domain}/*`].some((name) => authorizer.authorize({ ...about, name }).allowed);
}

/** Who approves or denies a request must be allowed to do so for its signer (plugin/pkg/admission/certificates/approval). */
export const certificateApproval: ValidatingPlugin = {
  name: 'CertificateApproval',
  operations: ['UPDATE'],
  validate(attributes, given) {
    if (!concerns(given, attributes, 'approval')) return undefined;
    const { signerName } = (attributes.old as CertificateSigningRequest).spec;
    if (mayFor(given, 'approve', signerName)) return undefined;
    throw forbidden(given.definition.resource, attributes.name, `user not permitted to approve requests with signerName "${signerName}"`);
  },
};

/** Who issues a certificate, or says that it can't be, must be allowed to sign for that signer. */
export const certificateSigning: ValidatingPlugin = {
  name: 'CertificateSigning',
  operations: ['UPDATE'],
  validate(attributes, given) {
    if (!concerns(given, attributes, 'status')) return undefined;
    const old = attributes.old as CertificateSigningRequest;
    const next = attributes.object as CertificateSigningRequest;
    const { signerName } = old.spec;
    const same =
      (old.status?.certificate ?? '') === (next.status?.certificate ?? '') &&
      deepEqual(old.status?.conditions ?? [], next.status?.conditions ?? []);
    if (same || mayFor(given, 'sign', signerName)) return undefined;
    throw forbidden(given.definition.resource, attributes.name, `user not permitted to sign requests with signerName "${signerName}"`);
  },
};

/** Nobody asks for a client certificate that makes an administrator of him. */
export const certificateSubjectRestriction: ValidatingPlugin = {
  name: 'CertificateSubjectRestriction',
  operations: ['CREATE'],
  validate(attributes, given) {
    if (!concerns(given, attributes, '')) return undefined;
    const { request, signerName } = (attributes.object as CertificateSigningRequest).spec;
    if (signerName !== CLIENT_SIGNER) return undefined;
    const parsed = parseCertificateRequest(request);
    if (typeof parsed === 'string' || !parsed.organizations.includes(MASTERS)) return undefined;
    const why = `use of ${CLIENT_SIGNER} signer with ${MASTERS} group is not allowed`;
    throw forbidden(given.definition.resource, attributes.name, why);
  },
};
