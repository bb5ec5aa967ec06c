import type { Container, Pod } from '#libs/api';
import { ContainerConfigError, expand } from './environment.js';
import { containerLabels, containerName, fqdnOf, hostnameOf, LABELS, type Ownership } from './names.js';
import { SANDBOX, type ObservedContainer } from './observed.js';
import { cgroupOf, type Cgroup } from './resources.js';

/** A folder or file of the node seen inside a container. */
export interface Mount {
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
  readonly propagation?: 'rprivate' | 'rslave' | 'rshared';
}

/** A port of the node that leads to one of a pod's. */
export interface HostPort {
  readonly containerPort: number;
  readonly hostPort: number;
  readonly hostIP: string;
  readonly protocol: 'tcp' | 'udp' | 'sctp';
}

/** All that a runtime needs to make a pod's sandbox, which lends its containers network and IPC. */
export interface SandboxSettings {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly hostname: string;
  readonly hostNetwork: boolean;
  readonly hostIPC: boolean;
  readonly hostPID: boolean;
  readonly ports: readonly HostPort[];
  readonly sysctls: Readonly<Record<string, string>>;
}

/** All that a runtime needs to make a container. `command` and `args` replace the image's entry point and command. */
export interface ContainerSettings {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly image: string;
  readonly command: readonly string[];
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly workingDir: string;
  readonly tty: boolean;
  readonly stdin: boolean;
  readonly stdinOnce: boolean;
  readonly user: string;
  readonly groups: readonly string[];
  readonly mounts: readonly Mount[];
  readonly privileged: boolean;
  readonly readOnlyRoot: boolean;
  readonly noNewPrivileges: boolean;
  readonly seccompUnconfined: boolean;
  readonly addCapabilities: readonly string[];
  readonly dropCapabilities: readonly string[];
  readonly cgroup: Cgroup;
  readonly sandboxId: string;
  /** Whose processes it sees: its own, the sandbox's, the node's, or those of another container. */
  readonly pid: 'own' | 'sandbox' | 'host' | { readonly container: string };
  readonly stopSignal: string;
}

const PROTOCOLS: Readonly<Record<string, HostPort['protocol']>> = { TCP: 'tcp', UDP: 'udp', SCTP: 'sctp' };

/** The sandbox of a pod, from its spec. */
export function sandboxSettings(pod: Pod, attempt: number, owner: Ownership, clusterDomain: string): SandboxSettings {
  const spec = pod.spec;
  const all = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])];
  const ports = all.flatMap((container) =>
    (container.ports ?? []).flatMap(({ containerPort, hostPort, hostIP = '', protocol = 'TCP' }) =>
      hostPort && spec?.hostNetwork !== true ? [{ containerPort, hostPort, hostIP, protocol: PROTOCOLS[protocol] ?? 'tcp' }] : [],
    ),
  );
  const hostname = spec?.setHostnameAsFQDN === true ? (fqdnOf(pod, clusterDomain) ?? hostnameOf(pod)) : hostnameOf(pod);
  return {
    name: containerName(pod, SANDBOX, attempt),
    labels: containerLabels(pod, SANDBOX, attempt, owner, pod.metadata.labels),
    hostname,
    hostNetwork: spec?.hostNetwork === true,
    hostIPC: spec?.hostIPC === true,
    hostPID: spec?.hostPID === true,
    ports,
    sysctls: Object.fromEntries((spec?.securityContext?.sysctls ?? []).map(({ name, value }) => [name, value])),
  };
}

/** What is decided outside the spec before a container can be made. */
export interface ContainerSurroundings {
  readonly attempt: number;
  readonly environment: ReadonlyMap<string, string>;
  readonly mounts: readonly Mount[];
  readonly sandbox: ObservedContainer;
  readonly owner: Ownership;
  readonly nodeMemoryBytes: number;
  /** Where the runtime's container writes its termination message to, on the node. */
  readonly terminationFile: string;
  /** The container whose processes it is to see. */
  readonly targetId?: string;
  /** The user the image runs as: what `runAsNonRoot` is checked against. */
  readonly imageUser: string;
}

/** A container of a pod, from its spec and what surrounds it. Throws ContainerConfigError when the spec can't be met. */
export function containerSettings(pod: Pod, container: Container, around: ContainerSurroundings): ContainerSettings {
  const { environment, attempt, owner, sandbox } = around;
  const security = container.securityContext ?? {};
  const podSecurity = pod.spec?.securityContext ?? {};
  const capability = (name: string): string => name.replace(/^CAP_/, '');
  const profile = security.seccompProfile ?? podSecurity.seccompProfile;
  return {
    name: containerName(pod, container.name, attempt),
    labels: containerLabels(pod, container.name, attempt, owner, {
      [LABELS.sandbox]: sandbox.id,
      [LABELS.terminationPath]: container.terminationMessagePath ?? '/dev/termination-log',
      [LABELS.terminationPolicy]: container.terminationMessagePolicy ?? 'File',
      [LABELS.messageFile]: around.terminationFile,
    }),
    image: container.image ?? '',
    command: (container.command ?? []).map((word) => expand(word, environment)),
    args: (container.args ?? []).map((word) => expand(word, environment)),
    env: [...environment].map(([name, value]) => `${name}=${value}`),
    workingDir: container.workingDir ?? '',
    tty: container.tty === true,
    stdin: container.stdin === true,
    stdinOnce: container.stdinOnce === true,
    user: userOf(pod, container, around.imageUser),
    groups: [...(podSecurity.supplementalGroups ?? []), ...(podSecurity.fsGroup === undefined ? [] : [podSecurity.fsGroup])].map(String),
    mounts: around.mounts,
    privileged: security.privileged === true,
    readOnlyRoot: security.readOnlyRootFilesystem === true,
    noNewPrivileges: security.allowPrivilegeEscalation === false,
    seccompUnconfined: profile?.type !== 'RuntimeDefault',
    addCapabilities: (security.capabilities?.add ?? []).map(capability),
    dropCapabilities: (security.capabilities?.drop ?? []).map(capability),
    cgroup: cgroupOf(pod, container, around.nodeMemoryBytes),
    sandboxId: sandbox.id,
    pid: pidOf(pod, around.targetId),
    stopSignal: container.lifecycle?.stopSignal ?? '',
  };
}

function pidOf({ spec }: Pod, targetId: string | undefined): ContainerSettings['pid'] {
  if (spec?.hostPID === true) return 'host';
  if (spec?.shareProcessNamespace === true) return 'sandbox';
  return targetId === undefined ? 'own' : { container: targetId };
}

/** `uid:gid` as the security contexts have it, empty for the image's own; checks runAsNonRoot. */
function userOf(pod: Pod, container: Container, imageUser: string): string {
  const security = { ...pod.spec?.securityContext, ...definedOf(container.securityContext ?? {}) };
  const { runAsUser, runAsGroup, runAsNonRoot } = security;
  const where = `(pod: "${podLabel(pod)}", container: ${container.name})`;
  if (runAsNonRoot === true) {
    if (runAsUser === 0) {
      throw new ContainerConfigError(
        `container's runAsUser breaks non-root policy (pod: "${podLabel(pod)}", container: ${container.name})`,
      );
    }
    const [name = ''] = imageUser.split(':');
    if (runAsUser === undefined && (name === '' || name === '0')) {
      throw new ContainerConfigError(
        `container has runAsNonRoot and image will run as root (pod: "${podLabel(pod)}", container: ${container.name})`,
      );
    }
    if (runAsUser === undefined && !/^\d+$/.test(name)) {
      throw new ContainerConfigError(
        `container has runAsNonRoot and image has non-numeric user (${name}), cannot verify user is non-root ${where}`,
      );
    }
  }
  if (runAsUser === undefined && runAsGroup === undefined) return '';
  const user = runAsUser === undefined ? (imageUser.split(':')[0] ?? '') || '0' : String(runAsUser);
  return runAsGroup === undefined ? user : `${user}:${runAsGroup}`;
}

const definedOf = <T extends object>(value: T): Partial<T> =>
  Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as Partial<T>;

const podLabel = (pod: Pod): string => `${pod.metadata.name ?? ''}_${pod.metadata.namespace ?? ''}(${pod.metadata.uid ?? ''})`;
