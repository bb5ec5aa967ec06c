import { dnsSubdomainNames, duplicate, forbiddenField, invalidValue, isConfigMapKey, isDns1123Label, required } from '#libs/apimachinery';
import type { DownwardAPIVolumeFile, KeyToPath, ProjectedVolumeSource, Volume, VolumeProjection } from '../../generated/types.js';
import { judge, oneOfIfSet, present, type Problems } from '../../problems.js';
import { VOLUME_FIELDS, containerField, podField } from './env-validation.js';
import { fileMode, localDescending, localNonReserved, withoutBacksteps } from './path-validation.js';
import { claimSpec } from './claim-validation.js';

const HOST_PATH_TYPES = ['', 'BlockDevice', 'CharDevice', 'Directory', 'DirectoryOrCreate', 'File', 'FileOrCreate', 'Socket'];
const TEN_MINUTES = 600;
const LONGEST_TOKEN = 2 ** 32;

function keys(into: Problems, path: string, items: readonly KeyToPath[] | undefined): void {
  for (const [index, { key, path: file, mode }] of (items ?? []).entries()) {
    const field = `${path}.items[${index}]`;
    if (key === '') into.push(required(`${field}.key`));
    else judge(into, `${field}.key`, key, isConfigMapKey);
    if (file === '') into.push(required(`${field}.path`));
    localNonReserved(into, `${field}.path`, file);
    fileMode(into, `${field}.mode`, mode);
  }
}

function downwardFile(into: Problems, path: string, { path: file, fieldRef, resourceFieldRef, mode }: DownwardAPIVolumeFile): void {
  if (file === '') into.push(required(`${path}.path`));
  localNonReserved(into, `${path}.path`, file);
  if (fieldRef) {
    podField(into, `${path}.fieldRef`, fieldRef, VOLUME_FIELDS);
    if (resourceFieldRef) into.push(invalidValue(path, 'resource', 'fieldRef and resourceFieldRef can not be specified simultaneously'));
  } else if (resourceFieldRef) containerField(into, `${path}.resourceFieldRef`, resourceFieldRef, true);
  else into.push(required(path, 'one of fieldRef and resourceFieldRef is required'));
  fileMode(into, `${path}.mode`, mode);
}

/** The paths that the sources of a projected volume have taken. */
interface Taken {
  readonly into: Problems;
  readonly path: string;
  readonly paths: Set<string>;
}

function take({ into, path, paths }: Taken, file: string, shown: string): void {
  if (file === '') return;
  if (paths.has(file)) into.push(invalidValue(path, shown, 'conflicting duplicate paths'));
  else paths.add(file);
}

function projectedToken(into: Problems, path: string, field: string, token: NonNullable<VolumeProjection['serviceAccountToken']>): void {
  const { expirationSeconds = 3600, path: file } = token;
  if (expirationSeconds < TEN_MINUTES) {
    into.push(invalidValue(`${field}.expirationSeconds`, expirationSeconds, 'may not specify a duration less than 10 minutes'));
  }
  if (expirationSeconds > LONGEST_TOKEN) {
    into.push(invalidValue(`${field}.expirationSeconds`, expirationSeconds, 'may not specify a duration larger than 2^32 seconds'));
  }
  if (file === '') into.push(required(`${path}.path`));
  else localNonReserved(into, `${path}.path`, file);
}

function projection(into: Problems, path: string, field: string, source: VolumeProjection, taken: Taken): void {
  for (const [member, map] of Object.entries({ secret: source.secret, configMap: source.configMap })) {
    if (!map) continue;
    present(into, `${field}.${member}.name`, map.name);
    keys(into, `${field}.${member}`, map.items);
    for (const { path: file } of map.items ?? []) take(taken, file, map.name ?? '');
  }
  for (const file of source.downwardAPI?.items ?? []) {
    downwardFile(into, `${field}.downwardAPI`, file);
    take(taken, file.path, file.path);
  }
  if (source.serviceAccountToken) projectedToken(into, path, `${field}.serviceAccountToken`, source.serviceAccountToken);
  if (source.clusterTrustBundle) {
    const { path: file } = source.clusterTrustBundle;
    present(into, `${field}.clusterTrustBundle.path`, file);
    localNonReserved(into, `${field}.clusterTrustBundle.path`, file);
    take(taken, file, file);
  }
  if (Object.values(source).filter((one) => one !== undefined).length > 1) {
    into.push(forbiddenField(field, 'may not specify more than 1 volume type per source'));
  }
}

function projected(into: Problems, path: string, { defaultMode, sources }: ProjectedVolumeSource): void {
  fileMode(into, `${path}.defaultMode`, defaultMode);
  const taken: Taken = { into, path, paths: new Set() };
  for (const [index, source] of (sources ?? []).entries()) projection(into, path, `${path}.sources[${index}]`, source, taken);
}

function hostPath(into: Problems, field: string, { path, type }: NonNullable<Volume['hostPath']>): void {
  if (path === '') return void into.push(required(`${field}.path`));
  withoutBacksteps(into, `${field}.path`, path);
  oneOfIfSet(into, `${field}.type`, type, HOST_PATH_TYPES);
}

type Check = (into: Problems, field: string, volume: Volume, podName: string | undefined) => void;

/** The rules of sources that people meet on this control plane, and of old ones what must be there. */
const CHECKS: Readonly<Record<string, Check>> = {
  emptyDir: (into, field, { emptyDir }) => {
    if (!emptyDir?.sizeLimit?.startsWith('-')) return;
    into.push(forbiddenField(`${field}.sizeLimit`, 'SizeLimit field must be a valid resource quantity'));
  },
  hostPath: (into, field, volume) => volume.hostPath && hostPath(into, field, volume.hostPath),
  gitRepo: (into, field, { gitRepo }) => {
    present(into, `${field}.repository`, gitRepo?.repository);
    localDescending(into, `${field}.directory`, gitRepo?.directory ?? '');
  },
  secret: (into, field, { secret }) => {
    present(into, `${field}.secretName`, secret?.secretName);
    fileMode(into, `${field}.defaultMode`, secret?.defaultMode);
    keys(into, field, secret?.items);
  },
  nfs: (into, field, { nfs }) => {
    present(into, `${field}.server`, nfs?.server);
    present(into, `${field}.path`, nfs?.path);
    if (nfs?.path && !nfs.path.startsWith('/')) into.push(invalidValue(`${field}.path`, nfs.path, 'must be an absolute path'));
  },
  persistentVolumeClaim: (into, field, { persistentVolumeClaim }) => present(into, `${field}.claimName`, persistentVolumeClaim?.claimName),
  downwardAPI: (into, field, { downwardAPI }) => {
    fileMode(into, `${field}.defaultMode`, downwardAPI?.defaultMode);
    for (const file of downwardAPI?.items ?? []) downwardFile(into, field, file);
  },
  configMap: (into, field, { configMap }) => {
    present(into, `${field}.name`, configMap?.name);
    fileMode(into, `${field}.defaultMode`, configMap?.defaultMode);
    keys(into, field, configMap?.items);
  },
  projected: (into, field, volume) => volume.projected && projected(into, field, volume.projected),
  csi: (into, field, { csi }) => present(into, `${field}.driver`, csi?.driver),
  ephemeral: (into, field, { ephemeral, name }, podName) => {
    const template = ephemeral?.volumeClaimTemplate;
    if (!template) into.push(required(`${field}.volumeClaimTemplate`));
    else claimSpec(into, `${field}.volumeClaimTemplate.spec`, template.spec);
    if (!podName || name === '') return;
    for (const message of dnsSubdomainNames(`${podName}-${name}`, false)) {
      into.push(invalidValue(field.replace(/ephemeral$/, 'name'), name, `PVC name "${podName}-${name}": ${message}`));
    }
  },
  image: (into, field, { image }) => {
    present(into, `${field}.reference`, image?.reference);
    oneOfIfSet(into, `${field}.pullPolicy`, image?.pullPolicy, ['Always', 'IfNotPresent', 'Never']);
  },
};

function volumeProblems(path: string, volume: Volume, podName: string | undefined): Problems {
  const into: Problems = [];
  const [first, ...more] = Object.keys(volume).filter((key) => key !== 'name' && volume[key as keyof Volume] !== undefined);
  if (first === undefined) into.push(required(path, 'must specify a volume type'));
  else CHECKS[first]?.(into, `${path}.${first}`, volume, podName);
  for (const source of more) into.push(forbiddenField(`${path}.${source}`, 'may not specify more than 1 volume type'));
  if (volume.name === '') into.push(required(`${path}.name`));
  else judge(into, `${path}.name`, volume.name, isDns1123Label);
  return into;
}

/** Volumes of a pod. Returns those that can be mounted, by name: the ones without problems. */
export function volumesOf(
  into: Problems,
  path: string,
  volumes: readonly Volume[] | undefined,
  podName: string | undefined,
): ReadonlyMap<string, Volume> {
  const sound = new Map<string, Volume>();
  for (const [index, volume] of (volumes ?? []).entries()) {
    const problems = volumeProblems(`${path}[${index}]`, volume, podName);
    if (sound.has(volume.name)) problems.push(duplicate(`${path}[${index}].name`, volume.name));
    if (problems.length === 0) sound.set(volume.name, volume);
    else into.push(...problems);
  }
  return sound;
}
