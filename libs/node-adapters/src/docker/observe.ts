import type Docker from 'dockerode';
import { closeSync, openSync, readSync } from 'node:fs';
import { LABELS, SANDBOX, type AppliedLimits, type ObservedContainer } from '#libs/node';

const MAX_MESSAGE_BYTES = 4096;

const instant = (text: string | undefined): number | undefined => {
  const at = text === undefined || text.startsWith('0001-') ? NaN : Date.parse(text);
  return Number.isNaN(at) ? undefined : at;
};

/** The engine's inspection of a container as the node's planner sees it; undefined for one that is no pod's. */
export function observe(
  info: Docker.ContainerInspectInfo & { readonly Config: { readonly StopSignal?: string } },
  imageId: string,
): ObservedContainer | undefined {
  const labels = info.Config.Labels ?? {};
  const podUid = labels[LABELS.uid];
  const name = labels[LABELS.container];
  if (podUid === undefined || name === undefined) return undefined;
  const { State } = info;
  const startedAt = instant(State.StartedAt);
  const failedToStart = !State.Running && startedAt === undefined && (State.ExitCode !== 0 || State.Error !== '');
  const state = State.Running ? 'running' : startedAt !== undefined || failedToStart ? 'exited' : 'created';
  const createdAt = instant(info.Created) ?? 0;
  const finishedAt = instant(State.FinishedAt) ?? (failedToStart ? createdAt : undefined);
  const ip =
    name === SANDBOX ? Object.values(info.NetworkSettings.Networks ?? {}).find(({ IPAddress }) => IPAddress)?.IPAddress : undefined;
  const message = state === 'exited' ? terminationMessage(labels[LABELS.messageFile]) : undefined;
  return {
    id: info.Id,
    podUid,
    podNamespace: labels[LABELS.namespace] ?? '',
    podName: labels[LABELS.pod] ?? '',
    name,
    attempt: Number(labels[LABELS.attempt] ?? 0),
    state,
    createdAt,
    ...(startedAt === undefined ? {} : { startedAt }),
    ...(state === 'exited' ? { finishedAt: finishedAt ?? createdAt, exitCode: State.ExitCode } : {}),
    ...(State.OOMKilled ? { oomKilled: true } : {}),
    ...(failedToStart ? { startError: State.Error } : {}),
    image: info.Config.Image,
    imageId,
    ...(info.Config.StopSignal ? { stopSignal: info.Config.StopSignal } : {}),
    ...(info.Config.Tty ? { tty: true } : {}),
    ...(info.Config.OpenStdin ? { stdinOpen: true } : {}),
    ...(State.Pid > 0 ? { pid: State.Pid } : {}),
    ...(name === SANDBOX ? {} : { limits: limitsOf(info.HostConfig) }),
    ...(ip === undefined ? {} : { ip }),
    ...(message === undefined || message === '' ? {} : { message }),
  };
}

/** What a container has of cpu and memory; zero stands for no limit. */
const limitsOf = ({ CpuShares = 0, CpuQuota = 0, Memory = 0 }: Docker.HostConfig): AppliedLimits => ({
  cpuShares: CpuShares,
  ...(CpuQuota > 0 ? { cpuQuotaUs: CpuQuota } : {}),
  ...(Memory > 0 ? { memoryBytes: Memory } : {}),
});

/** The start of what a container left in its termination file. */
function terminationMessage(file: string | undefined): string | undefined {
  if (!file) return undefined;
  try {
    const handle = openSync(file, 'r');
    try {
      const bytes = Buffer.alloc(MAX_MESSAGE_BYTES);
      return bytes.toString('utf8', 0, readSync(handle, bytes));
    } finally {
      closeSync(handle);
    }
  } catch {
    return undefined;
  }
}
