import { bytesOfBase64 } from '#libs/apimachinery';
import type { KeyToPath, Pod, SecretProjection, ServiceAccountTokenProjection, Volume, VolumeProjection } from '#libs/api';
import { fieldValue } from './downward.js';
import type { PodReferences } from './environment.js';
import type { PodContext } from './pod-context.js';
import { resourceField } from './resources.js';

/** One file of a volume: its path inside, its bytes and its permissions. */
export interface VolumeFile {
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly mode: number;
}

/** A volume can't be set up as its spec has it: FailedMount says why. */
export class VolumeError extends Error {
  override readonly name = 'VolumeError';
}

/** A token that a projected volume wants, before it has been asked for. */
export interface WantedToken {
  readonly audience: string;
  readonly expirationSeconds: number;
  readonly path: string;
}

type TokenSource = (wanted: WantedToken) => string;

const DEFAULT_MODE = 0o644;
const text = (value: string): Uint8Array => new TextEncoder().encode(value);

/** Which config maps and secrets a pod's volumes are filled from. */
export function volumeReferences(pod: Pod): PodReferences {
  const configMaps = new Set<string>();
  const secrets = new Set<string>();
  for (const volume of pod.spec?.volumes ?? []) {
    if (volume.configMap?.name) configMaps.add(volume.configMap.name);
    if (volume.secret?.secretName) secrets.add(volume.secret.secretName);
    for (const source of volume.projected?.sources ?? []) {
      if (source.configMap?.name) configMaps.add(source.configMap.name);
      if (source.secret?.name) secrets.add(source.secret.name);
    }
  }
  return { configMaps: [...configMaps], secrets: [...secrets] };
}

const wantedOf = (projection: ServiceAccountTokenProjection): WantedToken => ({
  audience: projection.audience ?? '',
  expirationSeconds: projection.expirationSeconds ?? 3600,
  path: projection.path,
});

/** The service account tokens a volume projects. */
export const wantedTokens = (volume: Volume): readonly WantedToken[] =>
  (volume.projected?.sources ?? []).flatMap(({ serviceAccountToken }) => (serviceAccountToken ? [wantedOf(serviceAccountToken)] : []));

/** Whether a volume's files are written by the node from objects of the API. */
export const isFileVolume = (volume: Volume): boolean =>
  volume.configMap !== undefined || volume.secret !== undefined || volume.downwardAPI !== undefined || volume.projected !== undefined;

/** The files of a configMap, secret, downwardAPI or projected volume. Throws VolumeError when a source that is not optional is missing. */
export function volumeFiles(volume: Volume, context: PodContext, token: TokenSource): readonly VolumeFile[] {
  const { configMap, secret, downwardAPI, projected } = volume;
  if (configMap) return configMapFiles(configMap, configMap.defaultMode ?? DEFAULT_MODE, context);
  if (secret) {
    const { secretName, ...rest } = secret;
    return secretFiles({ ...rest, ...(secretName === undefined ? {} : { name: secretName }) }, secret.defaultMode ?? DEFAULT_MODE, context);
  }
  if (downwardAPI) return downwardFiles(downwardAPI.items ?? [], downwardAPI.defaultMode ?? DEFAULT_MODE, context);
  const mode = projected?.defaultMode ?? DEFAULT_MODE;
  return (projected?.sources ?? []).flatMap((source) => projectedFiles(source, mode, context, token));
}

function projectedFiles(source: VolumeProjection, mode: number, context: PodContext, token: TokenSource): readonly VolumeFile[] {
  if (source.configMap) return configMapFiles(source.configMap, mode, context);
  if (source.secret) return secretFiles(source.secret, mode, context);
  if (source.downwardAPI) return downwardFiles(source.downwardAPI.items ?? [], mode, context);
  if (source.serviceAccountToken) {
    const wanted = wantedOf(source.serviceAccountToken);
    return [{ path: wanted.path, bytes: text(token(wanted)), mode }];
  }
  throw new VolumeError('projected volume source is not supported by this node');
}

interface KeyedSource {
  readonly name?: string;
  readonly items?: readonly KeyToPath[];
  readonly optional?: boolean;
}

const bytesOf = (base64: string): Uint8Array => bytesOfBase64(base64) ?? text('');

function configMapFiles(source: KeyedSource, mode: number, context: PodContext): readonly VolumeFile[] {
  const map = context.configMap(source.name ?? '');
  if (!map && source.optional !== true) throw new VolumeError(`configmap "${source.name ?? ''}" not found`);
  const payload = new Map<string, Uint8Array>();
  for (const [key, value] of Object.entries(map?.data ?? {})) payload.set(key, text(value));
  for (const [key, value] of Object.entries(map?.binaryData ?? {})) payload.set(key, bytesOf(value));
  return keyedFiles(payload, source, mode, 'configmap');
}

function secretFiles(source: SecretProjection, mode: number, context: PodContext): readonly VolumeFile[] {
  const secret = context.secret(source.name ?? '');
  if (!secret && source.optional !== true) throw new VolumeError(`secret "${source.name ?? ''}" not found`);
  const payload = new Map(Object.entries(secret?.data ?? {}).map(([key, value]) => [key, bytesOf(value)]));
  return keyedFiles(payload, source, mode, 'secret');
}

function keyedFiles(payload: ReadonlyMap<string, Uint8Array>, source: KeyedSource, mode: number, kind: string): readonly VolumeFile[] {
  if (!source.items || source.items.length === 0) return [...payload].map(([path, bytes]) => ({ path, bytes, mode }));
  return source.items.flatMap((item) => {
    const bytes = payload.get(item.key);
    if (bytes) return [{ path: item.path, bytes, mode: item.mode ?? mode }];
    if (source.optional === true) return [];
    throw new VolumeError(`references non-existent ${kind === 'secret' ? 'secret' : 'config'} key: ${item.key}`);
  });
}

type DownwardItem = NonNullable<NonNullable<Volume['downwardAPI']>['items']>[number];

function downwardFiles(items: readonly DownwardItem[], mode: number, context: PodContext): readonly VolumeFile[] {
  return items.map((item) => {
    const { fieldRef, resourceFieldRef } = item;
    const container = context.pod.spec?.containers.find(({ name }) => name === resourceFieldRef?.containerName);
    const value =
      resourceFieldRef && container
        ? resourceField(container, resourceFieldRef.resource, resourceFieldRef.divisor, context.allocatable)
        : fieldValue(context, fieldRef?.fieldPath ?? '');
    return { path: item.path, bytes: text(value), mode: item.mode ?? mode };
  });
}
