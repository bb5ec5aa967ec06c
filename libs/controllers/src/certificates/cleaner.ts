import { CERTIFICATESIGNINGREQUESTS, type CertificateSigningRequest } from '#libs/api';
import { parseTime, type Controller, type Instant } from '#libs/apimachinery';
import { ownKey } from '../watching.js';

const HOUR_MS = 3_600_000;
/** How long upstream keeps requests, by what became of them. */
const DECIDED_MS = HOUR_MS;
const PENDING_MS = 24 * HOUR_MS;

export interface CleaningSnapshot {
  readonly csr: CertificateSigningRequest;
}

/** When a request may go: an hour after it was issued, denied or failed, a day after nothing became of it. */
function goesAt({ metadata, status }: CertificateSigningRequest): Instant | undefined {
  const timeOf = (type: string): Instant | undefined =>
    parseTime(status?.conditions?.find((condition) => condition.type === type)?.lastUpdateTime);
  const approved = timeOf('Approved');
  const decided = [status?.certificate ? approved : undefined, timeOf('Denied'), timeOf('Failed')].filter((time) => time !== undefined);
  if (decided.length > 0) return Math.min(...decided) + DECIDED_MS;
  const since = approved ?? parseTime(metadata.creationTimestamp);
  return since === undefined ? undefined : since + PENDING_MS;
}

/** Deletes certificate signing requests that have had their time: kube-controller-manager's `certificatesigningrequest-cleaner-controller`. */
export const certificateCleaner: Controller<CleaningSnapshot> = {
  name: 'certificatesigningrequest-cleaner-controller',
  actor: 'system:serviceaccount:kube-system:certificate-controller',
  watches: [ownKey(CERTIFICATESIGNINGREQUESTS)],
  snapshot(key, lister) {
    const csr = lister.get(CERTIFICATESIGNINGREQUESTS, undefined, key) as CertificateSigningRequest | undefined;
    return csr && { csr };
  },
  reconcile({ csr }, now) {
    const at = goesAt(csr);
    if (at === undefined) return { changes: [] };
    if (at > now) return { changes: [], requeueAfterMs: at - now };
    const { name = '', uid = '' } = csr.metadata;
    return { changes: [{ verb: 'delete', resource: CERTIFICATESIGNINGREQUESTS, name, preconditions: { uid } }] };
  },
};
