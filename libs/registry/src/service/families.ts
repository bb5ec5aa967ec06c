import type { Service, ServiceSpec } from '#libs/api';
import { invalid, invalidValue, parseIp, type FieldError } from '#libs/apimachinery';

const SINGLE_STACK = 'SingleStack';
const DUAL_STACK = 'RequireDualStack';
const FAMILY = 'IPv4';

/** 422 for a Service, with all of its problems. */
export const refuseService = (name: string, problems: readonly FieldError[]): never => {
  throw invalid('', 'Service', name, problems);
};

const headless = ({ clusterIP }: ServiceSpec): boolean => clusterIP === 'None';
const selects = ({ selector }: ServiceSpec): boolean => Object.keys(selector ?? {}).length > 0;

function defaultPolicy(spec: ServiceSpec, old: ServiceSpec | undefined): string {
  return spec.ipFamilyPolicy ?? old?.ipFamilyPolicy ?? (headless(spec) && !selects(spec) ? DUAL_STACK : SINGLE_STACK);
}

function problemsOfStacks({ clusterIPs = [], ipFamilies = [] }: ServiceSpec, policy: string): readonly FieldError[] {
  if (policy !== SINGLE_STACK) return [];
  const needs = "must be 'RequireDualStack' or 'PreferDualStack' when multiple";
  return [
    ...(clusterIPs.length === 2 ? [invalidValue('spec.ipFamilyPolicy', policy, `${needs} cluster IPs are specified`)] : []),
    ...(ipFamilies.length === 2 ? [invalidValue('spec.ipFamilyPolicy', policy, `${needs} IP families are specified`)] : []),
  ];
}

/** Families that follow from the addresses a client chose; this cluster has IPv4 alone. */
function inferred({ clusterIPs = [], ipFamilies = [] }: ServiceSpec): {
  readonly families: readonly string[];
  readonly problems: readonly FieldError[];
} {
  const families = [...ipFamilies];
  const problems: FieldError[] = [];
  for (const [i, address] of clusterIPs.entries()) {
    if (address === 'None') break;
    const parsed = parseIp(address);
    if (i < families.length || parsed === undefined) continue;
    const family = parsed.family === 4 ? FAMILY : 'IPv6';
    if (family === FAMILY) families.push(FAMILY);
    else problems.push(invalidValue(`spec.clusterIPs[${i}]`, clusterIPs, `${family} is not configured on this cluster`));
  }
  return { families, problems };
}

function problemsOfCluster(families: readonly string[], policy: string): readonly FieldError[] {
  const dual =
    policy === DUAL_STACK ? [invalidValue('spec.ipFamilyPolicy', policy, 'this cluster is not configured for dual-stack services')] : [];
  const unknown = families.flatMap((family, i) =>
    family === FAMILY ? [] : [invalidValue(`spec.ipFamilies[${i}]`, family, 'not configured on this cluster')],
  );
  return [...dual, ...unknown];
}

/** Families and policy as upstream fills them on a cluster that has IPv4 alone. Throws Invalid where they ask for more. */
export function withFamilies(service: Service, old: Service | undefined): Service {
  const sent = service.spec ?? {};
  if (sent.type === 'ExternalName') return service;
  const name = service.metadata.name ?? '';
  const policy = defaultPolicy(sent, old?.spec);
  const single = policy === SINGLE_STACK && old !== undefined;
  const spec: ServiceSpec = {
    ...sent,
    ...(single && sent.ipFamilies && sent.ipFamilies.length > 1 && sameList(sent.ipFamilies, old.spec?.ipFamilies)
      ? { ipFamilies: sent.ipFamilies.slice(0, 1) }
      : {}),
  };
  const { families, problems } = inferred(spec);
  const early = [...problemsOfStacks(spec, policy), ...problems];
  if (early.length > 0) return refuseService(name, early);
  if (headless(spec) && !selects(spec)) {
    const known = families.length > 0 ? families : [FAMILY];
    const other = known[0] === FAMILY ? 'IPv6' : FAMILY;
    const ipFamilies = known.length < 2 && policy !== SINGLE_STACK ? [...known, other] : known;
    return { ...service, spec: { ...spec, ipFamilies, ipFamilyPolicy: policy } };
  }
  const late = problemsOfCluster(families, policy);
  if (late.length > 0) return refuseService(name, late);
  return { ...service, spec: { ...spec, ipFamilies: families.length > 0 ? families : [FAMILY], ipFamilyPolicy: policy } };
}

const sameList = (a: readonly string[] | undefined, b: readonly string[] | undefined): boolean =>
  (a ?? []).length === (b ?? []).length && (a ?? []).every((item, i) => item === b?.[i]);
