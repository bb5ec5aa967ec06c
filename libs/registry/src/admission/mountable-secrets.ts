import type { Container, EphemeralContainer, PodSpec, ServiceAccount } from '#libs/api';

type Env = Pick<Container | EphemeralContainer, 'name' | 'env' | 'envFrom'>;

interface Named {
  readonly secret: string;
  /** How upstream calls the place that names it. */
  readonly place: string;
}

/** Secrets that a container's environment is taken from. */
const ofEnvironment = ({ name, env, envFrom }: Env, kind: string): readonly Named[] => [
  ...(env ?? []).flatMap((variable) => {
    const secret = variable.valueFrom?.secretKeyRef?.name;
    return secret === undefined ? [] : [{ secret, place: `${kind} ${name} with envVar ${variable.name} referencing` }];
  }),
  ...(envFrom ?? []).flatMap(({ secretRef }) =>
    secretRef?.name === undefined ? [] : [{ secret: secretRef.name, place: `${kind} ${name} with envFrom referencing` }],
  ),
];

const ofVolumes = ({ volumes }: PodSpec): readonly Named[] =>
  (volumes ?? []).flatMap(({ secret }) => (secret?.secretName === undefined ? [] : [{ secret: secret.secretName, place: 'volume with' }]));

const ofContainers = ({ initContainers, containers }: PodSpec): readonly Named[] => [
  ...(initContainers ?? []).flatMap((container) => ofEnvironment(container, 'init container')),
  ...containers.flatMap((container) => ofEnvironment(container, 'container')),
];

function foreign(all: readonly Named[], { metadata, secrets = [] }: ServiceAccount): string | undefined {
  const known = new Set(secrets.map(({ name }) => name));
  const found = all.find(({ secret }) => !known.has(secret));
  if (!found) return undefined;
  const where = `${found.place} secret.secretName="${found.secret}"`;
  return `${where} is not allowed because service account ${metadata.name ?? ''} does not reference that secret`;
}

/** The first secret of a pod that its account does not list, in upstream's words; undefined where there is none. */
export function foreignSecret(spec: PodSpec, account: ServiceAccount): string | undefined {
  const found = foreign([...ofVolumes(spec), ...ofContainers(spec)], account);
  if (found !== undefined) return found;
  const pulls = new Set((account.imagePullSecrets ?? []).map(({ name }) => name));
  const at = (spec.imagePullSecrets ?? []).findIndex(({ name }) => !pulls.has(name));
  if (at < 0) return undefined;
  const where = `imagePullSecrets[${at}].name="${spec.imagePullSecrets?.[at]?.name ?? ''}"`;
  return `${where} is not allowed because service account ${account.metadata.name ?? ''} does not reference that imagePullSecret`;
}

/** The same of a pod's ephemeral containers. */
export const foreignEphemeralSecret = ({ ephemeralContainers }: PodSpec, account: ServiceAccount): string | undefined =>
  foreign(
    (ephemeralContainers ?? []).flatMap((container) => ofEnvironment(container, 'ephemeral container')),
    account,
  );

/** The names of all secrets that a pod's spec mentions. */
export const secretsOf = (spec: PodSpec): readonly string[] => [
  ...ofVolumes(spec).map(({ secret }) => secret),
  ...ofContainers(spec).map(({ secret }) => secret),
  ...(spec.imagePullSecrets ?? []).flatMap(({ name }) => name ?? []),
  ...(spec.volumes ?? []).flatMap(({ projected }) => (projected?.sources ?? []).flatMap(({ secret }) => secret?.name ?? [])),
];
