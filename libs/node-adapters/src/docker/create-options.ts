import type { ContainerCreateOptions, HostConfig } from 'dockerode';
import { readFileSync } from 'node:fs';
import type { ContainerSettings, SandboxSettings } from '#libs/node';
import { PAUSE_IMAGE } from './pause-image.js';

const CAP_SYS_RESOURCE = 24n;

/**
 * The lowest OOM score that may be set on this machine: inside a container without CAP_SYS_RESOURCE nothing may be
 * protected better than the engine itself, and asking for it would fail every start.
 */
export function lowestOomScore(): number {
  try {
    const bounding = /^CapBnd:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
    if (bounding === undefined || ((BigInt(`0x${bounding}`) >> CAP_SYS_RESOURCE) & 1n) === 1n) return -1000;
    return Number(readFileSync('/proc/self/oom_score_adj', 'utf8'));
  } catch {
    return -1000;
  }
}

const OOM_FLOOR = lowestOomScore();

/** A pod's sandbox for Docker: the donor of network and IPC namespaces. */
export function sandboxOptions(settings: SandboxSettings, network: string): ContainerCreateOptions {
  const exposed: Record<string, object> = {};
  const bindings: Record<string, { HostIp: string; HostPort: string }[]> = {};
  for (const { containerPort, hostPort, hostIP, protocol } of settings.ports) {
    const key = `${containerPort}/${protocol}`;
    exposed[key] = {};
    (bindings[key] ??= []).push({ HostIp: hostIP, HostPort: String(hostPort) });
  }
  return {
    name: settings.name,
    Image: PAUSE_IMAGE,
    Labels: { ...settings.labels },
    ...(settings.hostNetwork ? {} : { Hostname: settings.hostname }),
    ExposedPorts: exposed,
    HostConfig: {
      NetworkMode: settings.hostNetwork ? 'host' : network,
      IpcMode: settings.hostIPC ? 'host' : 'shareable',
      ...(settings.hostPID ? { PidMode: 'host' } : {}),
      PortBindings: bindings,
      LogConfig: { Type: 'none', Config: {} },
      OomScoreAdj: Math.max(-998, OOM_FLOOR),
      CpuShares: 2,
      ...(Object.keys(settings.sysctls).length > 0 ? { Sysctls: { ...settings.sysctls } } : {}),
    },
  };
}

/** A pod's container for Docker. */
export function containerOptions(settings: ContainerSettings, hostIPC: boolean): ContainerCreateOptions {
  return {
    name: settings.name,
    Image: settings.image,
    Labels: { ...settings.labels },
    Env: [...settings.env],
    ...(settings.command.length > 0 ? { Entrypoint: [...settings.command] } : {}),
    // Docker keeps the image's arguments when only its entry point is replaced; Kubernetes drops them.
    ...(settings.args.length > 0 ? { Cmd: [...settings.args] } : settings.command.length > 0 ? { Cmd: [] } : {}),
    ...(settings.workingDir === '' ? {} : { WorkingDir: settings.workingDir }),
    ...(settings.user === '' ? {} : { User: settings.user }),
    ...(settings.stopSignal === '' ? {} : { StopSignal: settings.stopSignal }),
    Tty: settings.tty,
    OpenStdin: settings.stdin,
    StdinOnce: settings.stdinOnce,
    // The probes are the pod's; a check built into the image would count for nothing.
    Healthcheck: { Test: ['NONE'] } as ContainerCreateOptions['Healthcheck'] & object,
    HostConfig: hostConfig(settings, hostIPC),
  };
}

function hostConfig(settings: ContainerSettings, hostIPC: boolean): HostConfig {
  const { cgroup } = settings;
  const security = [
    ...(settings.noNewPrivileges ? ['no-new-privileges'] : []),
    ...(settings.seccompUnconfined ? ['seccomp=unconfined'] : []),
  ];
  return {
    NetworkMode: `container:${settings.sandboxId}`,
    IpcMode: hostIPC ? 'host' : `container:${settings.sandboxId}`,
    ...pidMode(settings),
    Mounts: settings.mounts.map(({ source, target, readOnly, propagation }) => ({
      Type: 'bind' as const,
      Source: source,
      Target: target,
      ReadOnly: readOnly,
      BindOptions: { Propagation: propagation ?? 'rprivate' },
    })),
    Privileged: settings.privileged,
    ReadonlyRootfs: settings.readOnlyRoot,
    ...(security.length > 0 && !settings.privileged ? { SecurityOpt: security } : {}),
    CapAdd: [...settings.addCapabilities],
    CapDrop: [...settings.dropCapabilities],
    GroupAdd: [...settings.groups],
    CpuShares: cgroup.cpuShares,
    ...(cgroup.cpuQuotaUs === undefined ? {} : { CpuQuota: cgroup.cpuQuotaUs, CpuPeriod: cgroup.cpuPeriodUs ?? 100_000 }),
    ...(cgroup.memoryBytes === undefined ? {} : { Memory: cgroup.memoryBytes, MemorySwap: cgroup.memoryBytes }),
    OomScoreAdj: Math.max(cgroup.oomScoreAdj, OOM_FLOOR),
    LogConfig: { Type: 'json-file', Config: { 'max-size': '10m', 'max-file': '5' } },
  };
}

function pidMode({ pid, sandboxId }: ContainerSettings): Pick<HostConfig, 'PidMode'> {
  if (pid === 'own') return {};
  if (pid === 'host') return { PidMode: 'host' };
  return { PidMode: `container:${pid === 'sandbox' ? sandboxId : pid.container}` };
}
