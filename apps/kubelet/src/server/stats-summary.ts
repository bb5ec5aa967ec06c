import os from 'node:os';
import type { ContainerUsage } from '#libs/node-adapters';
import type { Pod } from '#libs/api';
import { SANDBOX } from '#libs/node';
import type { NodeContext } from '../node-context.js';

const AT_ONCE = 4;

interface Usage {
  readonly name: string;
  readonly usage: ContainerUsage;
}

const cpu = (time: string, nanoseconds: number): object => ({ time, usageCoreNanoSeconds: nanoseconds });
const memory = (time: string, bytes: number): object => ({ time, usageBytes: bytes, workingSetBytes: bytes });

/** The kubelet's `/stats/summary`: what the node and its pods use, as far as the engine counts it. */
export async function statsSummary(context: NodeContext, pods: readonly Pod[]): Promise<object> {
  const queue = [...pods];
  const answers: object[] = [];
  const lane = async (): Promise<void> => {
    for (let pod = queue.shift(); pod; pod = queue.shift()) answers.push(await podStats(context, pod));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  const time = new Date().toISOString();
  const busyMs = os.cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0);
  const node = {
    nodeName: context.config.nodeName,
    startTime: new Date(Date.now() - os.uptime() * 1000).toISOString(),
    cpu: cpu(time, busyMs * 1_000_000),
    memory: { ...memory(time, os.totalmem() - os.freemem()), availableBytes: os.freemem() },
  };
  return { node, pods: answers };
}

async function podStats({ runtime }: NodeContext, pod: Pod): Promise<object> {
  const { name, namespace, uid = '' } = pod.metadata;
  const time = new Date().toISOString();
  const running = runtime.containersOf(uid).filter(({ state }) => state === 'running');
  const usages: Usage[] = [];
  for (const { id, name: container } of running) {
    const usage = await runtime.usage(id);
    if (usage) usages.push({ name: container, usage });
  }
  const own = usages.filter((entry) => entry.name !== SANDBOX);
  const sandbox = usages.find((entry) => entry.name === SANDBOX)?.usage;
  const total = (of: (usage: ContainerUsage) => number): number => own.reduce((sum, { usage }) => sum + of(usage), 0);
  return {
    podRef: { name, namespace, uid },
    startTime: pod.status?.startTime ?? pod.metadata.creationTimestamp,
    containers: own.map((entry) => ({
      name: entry.name,
      cpu: cpu(time, entry.usage.cpuNanoseconds),
      memory: memory(time, entry.usage.memoryBytes),
    })),
    cpu: cpu(
      time,
      total(({ cpuNanoseconds }) => cpuNanoseconds),
    ),
    memory: memory(
      time,
      total(({ memoryBytes }) => memoryBytes),
    ),
    ...(sandbox ? { network: { time, name: 'eth0', rxBytes: sandbox.rxBytes, txBytes: sandbox.txBytes } } : {}),
  };
}
