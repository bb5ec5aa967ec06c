import {
  deepEqual,
  forbiddenField,
  formatTime,
  humanDuration,
  invalidValue,
  pathSegmentNames,
  required,
  textOfBase64,
  type FieldError,
  type Instant,
} from '#libs/apimachinery';
import { AGE, NAME, column } from '../../columns.js';
import type { PrepareContext } from '../../definition.js';
import type { CertificateSigningRequest, CertificateSigningRequestCondition } from '../../generated/types.js';
import { kindOf } from '../../kind.js';
import { unique, unsupported, type Problems } from '../../problems.js';
import { CERTIFICATESIGNINGREQUESTS } from '../../resources.js';
import { standardStrategy } from '../../strategy.js';
import { statusOf } from '../../verbs.js';
import { pemBlocks } from '../pem.js';
import { looksLikeCertificate, parseCertificateRequest } from '../request.js';
import { validateSignerName } from './signer-name.js';

const SHORTEST_SECONDS = 600;
const LEGACY_UNKNOWN = 'kubernetes.io/legacy-unknown';
/** Sorted, as upstream lists them. */
const USAGES = [
  'any',
  'cert sign',
  'client auth',
  'code signing',
  'content commitment',
  'crl sign',
  'data encipherment',
  'decipher only',
  'digital signature',
  'email protection',
  'encipher only',
  'ipsec end system',
  'ipsec tunnel',
  'ipsec user',
  'key agreement',
  'key encipherment',
  'microsoft sgc',
  'netscape sgc',
  'ocsp signing',
  's/mime',
  'server auth',
  'signing',
  'timestamping',
];
/** Conditions that are never taken back. */
const FINAL = ['Approved', 'Denied', 'Failed'];

type Conditions = readonly CertificateSigningRequestCondition[];

/** Whether a condition of this type holds. */
export const hasCondition = ({ status }: CertificateSigningRequest, type: string): boolean =>
  status?.conditions?.some((condition) => condition.type === type) === true;

function condition(into: Problems, path: string, { type, status }: CertificateSigningRequestCondition): void {
  if (!type) into.push(required(`${path}.type`));
  if (!status) into.push(required(`${path}.status`));
  else if (FINAL.includes(type)) {
    if (status !== 'True') into.push(unsupported(`${path}.status`, status, ['True']));
  } else if (!['False', 'True', 'Unknown'].includes(status)) into.push(unsupported(`${path}.status`, status, ['False', 'True', 'Unknown']));
}

function conditions(into: Problems, list: Conditions | undefined): void {
  const seen = new Set<string>();
  (list ?? []).forEach((each, index) => {
    condition(into, `status.conditions[${index}]`, each);
    unique(into, `status.conditions[${index}].type`, each.type, seen);
  });
  if (seen.has('Approved') && seen.has('Denied'))
    into.push(invalidValue('status.conditions', 'Approved,Denied', 'Approved and Denied conditions are mutually exclusive'));
}

/** Why a text can't be an issued certificate; undefined where it can, or is empty. */
function certificateProblem(base64: string | undefined): string | undefined {
  if (!base64) return undefined;
  const blocks = pemBlocks(textOfBase64(base64) ?? '');
  if (blocks.length === 0) return 'must contain one or more PEM blocks';
  for (const { type, headers, bytes } of blocks) {
    if (type !== 'CERTIFICATE') return `only CERTIFICATE PEM blocks are allowed, found "${type}"`;
    if (headers) return 'no PEM block headers are permitted';
    if (!looksLikeCertificate(bytes)) return 'x509: malformed certificate';
  }
  return undefined;
}

function specProblems(into: Problems, { spec }: CertificateSigningRequest): void {
  const parsed = parseCertificateRequest(spec.request);
  if (typeof parsed === 'string') into.push(invalidValue('spec.request', spec.request, parsed));
  const usages = spec.usages ?? [];
  if (usages.length === 0) into.push(required('spec.usages'));
  usages.forEach((usage, index) => {
    if (!USAGES.includes(usage)) into.push(unsupported(`spec.usages[${index}]`, usage, USAGES));
  });
  const seen = new Set<string>();
  usages.forEach((usage, index) => unique(into, `spec.usages[${index}]`, usage, seen));
  if (spec.signerName === LEGACY_UNKNOWN)
    into.push(invalidValue('spec.signerName', spec.signerName, 'the legacy signerName is not allowed via this API version'));
  else into.push(...validateSignerName('spec.signerName', spec.signerName));
  const { expirationSeconds } = spec;
  if (expirationSeconds !== undefined && expirationSeconds < SHORTEST_SECONDS) {
    const detail = `may not specify a duration less than ${SHORTEST_SECONDS} seconds (10 minutes)`;
    into.push(invalidValue('spec.expirationSeconds', expirationSeconds, detail));
  }
}

function statusProblems({ status }: CertificateSigningRequest): readonly FieldError[] {
  const into: Problems = [];
  conditions(into, status?.conditions);
  const problem = certificateProblem(status?.certificate);
  if (problem !== undefined) into.push(invalidValue('status.certificate', '<certificate data>', problem));
  return into;
}

function validate(object: CertificateSigningRequest): readonly FieldError[] {
  const into: Problems = [];
  specProblems(into, object);
  return [...into, ...statusProblems(object)];
}

const FORBIDDEN_IN = 'status.conditions';

/** What was said once stays said: no final condition goes or changes, and only some may come. */
function finalConditions(
  next: CertificateSigningRequest,
  old: CertificateSigningRequest,
  addable: readonly string[],
): readonly FieldError[] {
  return FINAL.flatMap((type) => {
    const before = (old.status?.conditions ?? []).filter((each) => each.type === type);
    const after = (next.status?.conditions ?? []).filter((each) => each.type === type);
    if (deepEqual(after, before)) return [];
    if (after.length < before.length) return [forbiddenField(FORBIDDEN_IN, `updates may not remove a condition of type "${type}"`)];
    if (after.length === before.length) return [forbiddenField(FORBIDDEN_IN, `updates may not modify a condition of type "${type}"`)];
    return addable.includes(type) ? [] : [forbiddenField(FORBIDDEN_IN, `updates may not add a condition of type "${type}"`)];
  });
}

/** A write to `status` can neither approve nor deny, and a certificate once issued stays. */
function validateStatusUpdate(next: CertificateSigningRequest, old: CertificateSigningRequest): readonly FieldError[] {
  const before = old.status?.certificate ?? '';
  const moved = before !== '' && before !== (next.status?.certificate ?? '');
  return [
    ...statusProblems(next),
    ...finalConditions(next, old, ['Failed']),
    ...(moved ? [forbiddenField('status.certificate', 'updates may not modify existing certificate content')] : []),
  ];
}

/** Times that a writer leaves out are the moment of the write; a transition's time stays while its status does. */
function stamped(next: Conditions | undefined, old: Conditions | undefined, now: Instant): Conditions | undefined {
  const time = formatTime(now);
  return next?.map((each) => {
    const before = old?.find(({ type, status }) => type === each.type && status === each.status);
    const transition = each.lastTransitionTime ?? before?.lastTransitionTime ?? time;
    return { ...each, lastUpdateTime: each.lastUpdateTime ?? time, lastTransitionTime: transition };
  });
}

function withConditions(object: CertificateSigningRequest, list: Conditions | undefined): CertificateSigningRequest {
  const { conditions: _old, ...status } = object.status ?? {};
  return { ...object, status: list === undefined ? status : { ...status, conditions: list } };
}

/** The request with its requester as the server knows him, whatever the client said of it. */
function prepareForCreate(object: CertificateSigningRequest, { user }: PrepareContext): CertificateSigningRequest {
  const { username: _name, uid: _uid, groups: _groups, extra: _extra, ...asked } = object.spec;
  const { name, uid, groups = [], extra = {} } = user ?? {};
  const requester = {
    ...(name === undefined ? {} : { username: name }),
    ...(uid === undefined ? {} : { uid }),
    ...(groups.length === 0 ? {} : { groups }),
    ...(Object.keys(extra).length === 0 ? {} : { extra }),
  };
  return { ...object, spec: { ...asked, ...requester }, status: {} };
}

function statusText(object: CertificateSigningRequest): string {
  const decided = hasCondition(object, 'Denied') ? 'Denied' : hasCondition(object, 'Approved') ? 'Approved' : 'Pending';
  return `${decided}${hasCondition(object, 'Failed') ? ',Failed' : ''}${object.status?.certificate ? ',Issued' : ''}`;
}

const requestedDuration = ({ spec }: CertificateSigningRequest): string =>
  spec.expirationSeconds === undefined ? '<none>' : humanDuration(spec.expirationSeconds * 1000);

export const certificatesigningrequests = kindOf<CertificateSigningRequest>(CERTIFICATESIGNINGREQUESTS, 'CertificateSigningRequest', {
  scope: 'Cluster',
  shortNames: ['csr'],
  names: pathSegmentNames,
  fields: { 'spec.signerName': ({ spec }) => spec.signerName },
  subresources: [{ ...statusOf('CertificateSigningRequest'), name: 'approval' }, statusOf('CertificateSigningRequest')],
  resetFields: { '': ['status'], status: ['spec'], approval: ['spec', 'status.certificate'] },
  strategy: standardStrategy<CertificateSigningRequest>({
    prepareForCreate,
    prepareForUpdate: (next, old) => ({ ...next, spec: old.spec, status: old.status ?? {} }),
    prepareForStatusUpdate: (next, old, { now }) =>
      withConditions({ ...next, spec: old.spec, status: next.status ?? {} }, stamped(next.status?.conditions, old.status?.conditions, now)),
    validate,
    validateUpdate: statusProblems,
    validateStatusUpdate,
    parts: {
      approval: {
        prepare: (next, old, { now }) =>
          withConditions(
            { ...next, spec: old.spec, status: old.status ?? {} },
            stamped(next.status?.conditions, old.status?.conditions, now),
          ),
        validate: (next, old) => [...statusProblems(next), ...finalConditions(next, old, FINAL)],
      },
    },
  }),
  columns: [
    NAME,
    AGE,
    column('SignerName', ({ spec }) => spec.signerName),
    column('Requestor', ({ spec }) => spec.username ?? ''),
    column('RequestedDuration', requestedDuration),
    column('Condition', statusText),
  ],
});
