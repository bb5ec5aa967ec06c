import { execFile } from 'node:child_process';
import { chmod, chown, mkdir, readFile, realpath, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { quantityValue } from '#libs/apimachinery';
import { claimNameOf, type Container, type Pod, type Volume, type VolumeMount } from '#libs/api';
import { expand, isFileVolume, volumeFiles, VolumeError, volumeReferences, wantedTokens, type Mount, type PodContext } from '#libs/node';
import { writeAtomically } from './atomic-writer.js';
import type { ClaimedVolumes } from './claimed-volumes.js';
import { hostPathSource } from './host-path.js';
import type { TokenSource } from './tokens.js';

const run = promisify(execFile);

/** The volumes of pods as folders under the node's data folder. Everything is idempotent: done again it repairs. */
export class PodVolumes {
  constructor(
    private readonly dataDir: string,
    private readonly tokens: TokenSource,
    private readonly claimed: ClaimedVolumes,
  ) {}

  podDir(uid: string): string {
    return path.join(this.dataDir, 'pods', uid);
  }

  /** Sets every volume of a pod up. Throws VolumeError naming the volume that can't be. */
  async setUp(context: PodContext): Promise<void> {
    const { pod } = context;
    await mkdir(this.podDir(pod.metadata.uid ?? ''), { recursive: true, mode: 0o750 });
    for (const volume of pod.spec?.volumes ?? []) {
      try {
        await this.setUpVolume(volume, context);
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        throw new VolumeError(`MountVolume.SetUp failed for volume "${volume.name}" : ${why}`, { cause: error });
      }
    }
  }

  /** Brings the files of configMap, secret, downwardAPI and projected volumes up to date. */
  async refresh(context: PodContext): Promise<void> {
    for (const volume of context.pod.spec?.volumes ?? []) if (isFileVolume(volume)) await this.writeFiles(volume, context);
  }

  /** Removes all that a pod had on the node. */
  async tearDown(uid: string): Promise<void> {
    const folder = this.podDir(uid);
    const mounts = await readFile('/proc/self/mounts', 'utf8').catch(() => '');
    for (const line of mounts.split('\n')) {
      const target = line.split(' ')[1]?.replace(/\\040/g, ' ');
      if (target?.startsWith(`${folder}/`)) await run('umount', ['-l', target]);
    }
    await rm(folder, { recursive: true, force: true });
    this.tokens.forget(uid);
  }

  /** The mounts of a container: its volumes, /etc/hosts, /etc/resolv.conf and its termination log. */
  async mountsOf(
    pod: Pod,
    container: Container,
    environment: ReadonlyMap<string, string>,
    terminationFile: string,
  ): Promise<readonly Mount[]> {
    const mounts: Mount[] = [];
    for (const mount of container.volumeMounts ?? []) mounts.push(await this.mountOf(pod, mount, environment));
    const taken = new Set(mounts.map(({ target }) => target));
    const folder = this.podDir(pod.metadata.uid ?? '');
    const own = [
      { source: path.join(folder, 'etc-hosts'), target: '/etc/hosts' },
      { source: path.join(folder, 'resolv.conf'), target: '/etc/resolv.conf' },
      { source: terminationFile, target: container.terminationMessagePath ?? '/dev/termination-log' },
    ];
    for (const mount of own) if (!taken.has(mount.target)) mounts.push({ ...mount, readOnly: false });
    return mounts;
  }

  /** Where a container's attempt writes its termination message; empty, and writable by any user. */
  async terminationFile(pod: Pod, container: string, attempt: number): Promise<string> {
    const folder = path.join(this.podDir(pod.metadata.uid ?? ''), 'containers', container);
    await mkdir(folder, { recursive: true, mode: 0o755 });
    const file = path.join(folder, String(attempt));
    await writeFile(file, '');
    await chmod(file, 0o666);
    return file;
  }

  async writeNameFiles(pod: Pod, hosts: string, resolvConf: string): Promise<void> {
    const folder = this.podDir(pod.metadata.uid ?? '');
    await mkdir(folder, { recursive: true, mode: 0o750 });
    await writeFile(path.join(folder, 'etc-hosts'), hosts, { mode: 0o644 });
    await writeFile(path.join(folder, 'resolv.conf'), resolvConf, { mode: 0o644 });
  }

  private volumeDir(uid: string, volume: Volume): string {
    const plugin = volume.emptyDir
      ? 'empty-dir'
      : volume.configMap
        ? 'configmap'
        : volume.secret
          ? 'secret'
          : volume.downwardAPI
            ? 'downward-api'
            : 'projected';
    return path.join(this.podDir(uid), 'volumes', `kubernetes.io~${plugin}`, volume.name);
  }

  private async setUpVolume(volume: Volume, context: PodContext): Promise<void> {
    const { pod } = context;
    if (volume.emptyDir) return this.setUpEmptyDir(volume, pod);
    if (volume.hostPath) return void (await hostPathSource(volume.hostPath));
    if (isFileVolume(volume)) return this.writeFiles(volume, context);
    const claim = claimNameOf(pod, volume);
    if (claim !== undefined) return void (await this.claimed.folderOf(pod.metadata.namespace ?? '', claim));
    const [kind = 'unknown'] = Object.keys(volume).filter((key) => key !== 'name');
    throw new VolumeError(`no volume plugin matched: ${kind}`);
  }

  private async setUpEmptyDir(volume: Volume, pod: Pod): Promise<void> {
    const folder = this.volumeDir(pod.metadata.uid ?? '', volume);
    await mkdir(folder, { recursive: true });
    const { medium, sizeLimit } = volume.emptyDir ?? {};
    if (medium === 'Memory' && !(await isMountPoint(folder))) {
      const size = sizeLimit === undefined ? [] : ['-o', `size=${quantityValue(sizeLimit)}`];
      await run('mount', ['-t', 'tmpfs', ...size, 'tmpfs', folder]);
    }
    const group = pod.spec?.securityContext?.fsGroup;
    if (group !== undefined) await chown(folder, 0, group);
    await chmod(folder, group === undefined ? 0o777 : 0o2777);
  }

  private async writeFiles(volume: Volume, context: PodContext): Promise<void> {
    const tokens = new Map<string, string>();
    for (const wanted of wantedTokens(volume)) tokens.set(wanted.path, await this.tokens.token(context.pod, wanted));
    const files = volumeFiles(volume, context, (wanted) => tokens.get(wanted.path) ?? '');
    await writeAtomically(this.volumeDir(context.pod.metadata.uid ?? '', volume), files, context.pod.spec?.securityContext?.fsGroup);
  }

  private async mountOf(pod: Pod, mount: VolumeMount, environment: ReadonlyMap<string, string>): Promise<Mount> {
    const volume = pod.spec?.volumes?.find(({ name }) => name === mount.name);
    if (!volume) throw new VolumeError(`cannot find volume "${mount.name}" to mount into container`);
    const base = await this.folderOf(pod, volume);
    const subPath = mount.subPathExpr ? expand(mount.subPathExpr, environment) : (mount.subPath ?? '');
    const source = subPath === '' ? base : await subPathOf(base, subPath, !isFileVolume(volume));
    const propagation =
      mount.mountPropagation === 'HostToContainer' ? 'rslave' : mount.mountPropagation === 'Bidirectional' ? 'rshared' : 'rprivate';
    const readOnly = mount.readOnly === true || volume.persistentVolumeClaim?.readOnly === true || isFileVolume(volume);
    return { source, target: mount.mountPath, readOnly, propagation };
  }

  /** Where on the machine a volume is. */
  private async folderOf(pod: Pod, volume: Volume): Promise<string> {
    if (volume.hostPath) return hostPathSource(volume.hostPath);
    const claim = claimNameOf(pod, volume);
    return claim === undefined
      ? this.volumeDir(pod.metadata.uid ?? '', volume)
      : this.claimed.folderOf(pod.metadata.namespace ?? '', claim);
  }
}

/** A path inside a volume, made where it is missing; a link that leads out of the volume is refused. */
async function subPathOf(base: string, subPath: string, create: boolean): Promise<string> {
  if (path.isAbsolute(subPath) || subPath.split('/').includes('..')) throw new VolumeError(`invalid subPath "${subPath}"`);
  const wanted = path.join(base, subPath);
  if (create) await makeLike(base, subPath.split('/'));
  const [root, target] = [await realpath(base), await realpath(wanted)];
  if (target !== root && !target.startsWith(`${root}/`)) throw new VolumeError(`subPath "${subPath}" leads out of its volume`);
  return target;
}

/** Makes folders below a volume as open as the volume itself: whoever may write there may write in them. */
async function makeLike(base: string, steps: readonly string[]): Promise<void> {
  const { mode } = await stat(base);
  let folder = base;
  for (const step of steps) {
    folder = path.join(folder, step);
    if (await stat(folder).catch(() => undefined)) continue;
    await mkdir(folder);
    await chmod(folder, mode & 0o7777);
  }
}

async function isMountPoint(folder: string): Promise<boolean> {
  const [own, parent] = [await stat(folder), await stat(path.dirname(folder))];
  return own.dev !== parent.dev;
}

/** Which objects a pod's volumes are filled from. */
export const referencesOf = volumeReferences;
