import { fieldNotFound, forbiddenField, invalidValue, required } from '#libs/apimachinery';
import type { Container, Volume, VolumeMount } from '../../generated/types.js';
import { oneOfIfSet, type Problems } from '../../problems.js';
import { localDescending } from './path-validation.js';

function subPaths(into: Problems, path: string, field: string, mount: VolumeMount, volume: Volume | undefined): void {
  const { subPath, subPathExpr } = mount;
  if (volume?.image) {
    if (subPath) into.push(invalidValue(`${field}.subPath`, subPath, 'not allowed in image volume sources'));
    if (subPathExpr) into.push(invalidValue(`${field}.subPathExpr`, subPathExpr, 'not allowed in image volume sources'));
  }
  if (subPath) localDescending(into, `${path}.subPath`, subPath);
  if (!subPathExpr) return;
  if (subPath) into.push(invalidValue(`${field}.subPathExpr`, subPathExpr, 'subPathExpr and subPath are mutually exclusive'));
  localDescending(into, `${path}.subPathExpr`, subPathExpr);
}

function propagation(into: Problems, path: string, mount: VolumeMount, privileged: boolean): void {
  const { mountPropagation, recursiveReadOnly, readOnly } = mount;
  oneOfIfSet(into, `${path}.mountPropagation`, mountPropagation, ['Bidirectional', 'HostToContainer', 'None']);
  if (mountPropagation === 'Bidirectional' && !privileged) {
    const detail = 'Bidirectional mount propagation is available only to privileged containers';
    into.push(forbiddenField(`${path}.mountPropagation`, detail));
  }
  if (recursiveReadOnly === undefined || recursiveReadOnly === 'Disabled') return;
  const field = `${path}.recursiveReadOnly`;
  oneOfIfSet(into, field, recursiveReadOnly, ['Disabled', 'Enabled', 'IfPossible']);
  if (recursiveReadOnly !== 'Enabled' && recursiveReadOnly !== 'IfPossible') return;
  if (!readOnly) into.push(forbiddenField(field, 'may only be specified when readOnly is true'));
  if (mountPropagation !== undefined && mountPropagation !== 'None') {
    into.push(forbiddenField(field, 'may only be specified when mountPropagation is None or not specified'));
  }
}

/** Where a container sees the pod's volumes: each path once, each name a volume. */
export function mounts(into: Problems, path: string, container: Container, volumes: ReadonlyMap<string, Volume>): void {
  const paths = new Set<string>();
  const devices = container.volumeDevices ?? [];
  const privileged = container.securityContext?.privileged === true;
  for (const [index, mount] of (container.volumeMounts ?? []).entries()) {
    const { name, mountPath } = mount;
    const field = `${path}[${index}]`;
    if (name === '') into.push(required(`${field}.name`));
    if (!volumes.has(name)) into.push(fieldNotFound(`${field}.name`, name));
    if (mountPath === '') into.push(required(`${field}.mountPath`));
    if (paths.has(mountPath)) into.push(invalidValue(`${field}.mountPath`, mountPath, 'must be unique'));
    paths.add(mountPath);
    if (devices.some((device) => device.name === name)) {
      into.push(invalidValue(`${field}.name`, name, 'must not already exist in volumeDevices'));
    }
    if (devices.some((device) => device.devicePath === mountPath)) {
      into.push(invalidValue(`${field}.mountPath`, mountPath, 'must not already exist as a path in volumeDevices'));
    }
    subPaths(into, path, field, mount, volumes.get(name));
    propagation(into, path, mount, privileged);
  }
}
