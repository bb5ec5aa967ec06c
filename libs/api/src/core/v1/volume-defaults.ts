import { each, fill, within } from '../../defaulting.js';
import type {
  DownwardAPIVolumeFile,
  PersistentVolumeClaimSpec,
  ProjectedVolumeSource,
  Volume,
  VolumeProjection,
} from '../../generated/types.js';
import { defaultPullPolicy, fieldRefDefaults } from './container-defaults.js';
import { roundedResources } from './resource-list.js';

/** 0644: the mode of files in volumes that are made of other objects. */
const MODE = { defaultMode: 0o644 } as const;
const HOST_PATH = { type: '' } as const;
const TOKEN = { expirationSeconds: 3600 } as const;
const VOLUME_MODE = { volumeMode: 'Filesystem' } as const;
const ISCSI = { iscsiInterface: 'default' } as const;
const RBD = { pool: 'rbd', user: 'admin', keyring: '/etc/ceph/keyring' } as const;
const AZURE_DISK = { cachingMode: 'ReadWrite', fsType: 'ext4', readOnly: false, kind: 'Shared' } as const;
const SCALE_IO = { storageMode: 'ThinProvisioned', fsType: 'xfs' } as const;

/** What upstream fills into a claim's spec, of a claim as of a template of claims. */
export const claimSpecDefaults = (spec: PersistentVolumeClaimSpec): PersistentVolumeClaimSpec =>
  within(fill(spec, VOLUME_MODE), 'resources', roundedResources);

const files = (items: readonly DownwardAPIVolumeFile[]): readonly DownwardAPIVolumeFile[] =>
  each(items, (file) => within(file, 'fieldRef', fieldRefDefaults));

const projectionDefaults = (source: VolumeProjection): VolumeProjection =>
  within(
    within(source, 'downwardAPI', (api) => within(api, 'items', files)),
    'serviceAccountToken',
    (token) => fill(token, TOKEN),
  );

const projectedDefaults = (projected: ProjectedVolumeSource): ProjectedVolumeSource =>
  within(fill(projected, MODE), 'sources', (sources) => each(sources, projectionDefaults));

const BY_SOURCE: Readonly<Partial<Record<keyof Volume, (volume: Volume) => Volume>>> = {
  hostPath: (volume) => within(volume, 'hostPath', (source) => fill(source, HOST_PATH)),
  secret: (volume) => within(volume, 'secret', (source) => fill(source, MODE)),
  configMap: (volume) => within(volume, 'configMap', (source) => fill(source, MODE)),
  downwardAPI: (volume) => within(volume, 'downwardAPI', (source) => within(fill(source, MODE), 'items', files)),
  projected: (volume) => within(volume, 'projected', projectedDefaults),
  image: (volume) =>
    within(volume, 'image', (image) =>
      image.pullPolicy === undefined ? { ...image, pullPolicy: defaultPullPolicy(image.reference) } : image,
    ),
  ephemeral: (volume) =>
    within(volume, 'ephemeral', (source) =>
      within(source, 'volumeClaimTemplate', (template) => within(template, 'spec', claimSpecDefaults)),
    ),
  iscsi: (volume) => within(volume, 'iscsi', (source) => fill(source, ISCSI)),
  rbd: (volume) => within(volume, 'rbd', (source) => fill(source, RBD)),
  azureDisk: (volume) => within(volume, 'azureDisk', (source) => fill(source, AZURE_DISK)),
  scaleIO: (volume) => within(volume, 'scaleIO', (source) => fill(source, SCALE_IO)),
};

/** What upstream fills into a volume; one without a source is an emptyDir. */
export function volumeDefaults(volume: Volume): Volume {
  let out = volume;
  let sources = 0;
  for (const key in volume) {
    if (key === 'name' || volume[key as keyof Volume] === undefined) continue;
    sources++;
    const change = BY_SOURCE[key as keyof Volume];
    if (change) out = change(out);
  }
  return sources === 0 ? { ...volume, emptyDir: {} } : out;
}
