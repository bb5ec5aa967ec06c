import { ClusterAuthorizer } from '#libs/authorization';
import {
  CERTIFICATESIGNINGREQUESTS,
  hasCertificateCondition,
  parseCertificateRequest,
  type CertificateSigningRequest,
  type ParsedCertificateRequest,
} from '#libs/api';
import { formatTime, type Controller } from '#libs/apimachinery';
import { ownKey } from '../watching.js';
import { KUBELET_CLIENT, kubeletClientProblem } from './kubelet-request.js';

/** A request that waits for approval, and which of the two kinds of kubelets' requests its requester may make. */
export interface ApprovalSnapshot {
  readonly csr: CertificateSigningRequest;
  readonly mayAsk: { readonly selfnodeclient: boolean; readonly nodeclient: boolean };
}

const ACTOR = 'system:serviceaccount:kube-system:certificate-controller';

/** What kubelets ask for: a new certificate of their own, or their first one (pkg/controller/certificates/approver). */
const RECOGNIZED = [
  {
    subresource: 'selfnodeclient',
    message: 'Auto approving self kubelet client certificate after SubjectAccessReview.',
    fits: (csr: CertificateSigningRequest, parsed: ParsedCertificateRequest) => csr.spec.username === parsed.commonName,
  },
  {
    subresource: 'nodeclient',
    message: 'Auto approving kubelet client certificate after SubjectAccessReview.',
    fits: () => true,
  },
] as const;

const waits = (csr: CertificateSigningRequest): boolean =>
  csr.spec.signerName === KUBELET_CLIENT &&
  !csr.status?.certificate &&
  !hasCertificateCondition(csr, 'Approved') &&
  !hasCertificateCondition(csr, 'Denied');

/** Approves the client certificates that kubelets ask for and are allowed to: kube-controller-manager's `certificatesigningrequest-approving-controller`. */
export const certificateApprover: Controller<ApprovalSnapshot> = {
  name: 'certificatesigningrequest-approving-controller',
  actor: ACTOR,
  watches: [ownKey(CERTIFICATESIGNINGREQUESTS)],
  snapshot(key, lister) {
    const csr = lister.get(CERTIFICATESIGNINGREQUESTS, undefined, key) as CertificateSigningRequest | undefined;
    if (!csr || !waits(csr)) return undefined;
    const authorizer = new ClusterAuthorizer(lister);
    const user = { name: csr.spec.username ?? '', groups: csr.spec.groups ?? [] };
    const { group, resource } = CERTIFICATESIGNINGREQUESTS;
    const about = { kind: 'resource', user, verb: 'create', group, resource, namespace: '', name: '' } as const;
    const may = (subresource: string): boolean => authorizer.authorize({ ...about, subresource }).allowed;
    return { csr, mayAsk: { selfnodeclient: may('selfnodeclient'), nodeclient: may('nodeclient') } };
  },
  reconcile({ csr, mayAsk }, now) {
    const parsed = parseCertificateRequest(csr.spec.request);
    if (typeof parsed === 'string' || kubeletClientProblem(parsed, csr.spec) !== undefined) return { changes: [] };
    const found = RECOGNIZED.find(({ subresource, fits }) => mayAsk[subresource] && fits(csr, parsed));
    if (!found) return { changes: [] };
    const time = formatTime(now);
    const approved = { type: 'Approved', status: 'True', reason: 'AutoApproved', message: found.message, lastUpdateTime: time };
    const object: CertificateSigningRequest = {
      ...csr,
      status: { ...csr.status, conditions: [...(csr.status?.conditions ?? []), { ...approved, lastTransitionTime: time }] },
    };
    return { changes: [{ verb: 'update', resource: CERTIFICATESIGNINGREQUESTS, subresource: 'approval', object }] };
  },
};
