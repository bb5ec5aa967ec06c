import { mkdirSync } from 'node:fs';
import { bridgeName, DockerRuntime, type ContainerRuntime } from '#libs/node-adapters';
import { SERVICES, type Service } from '#libs/api';
import { ApiClient, watchResource } from '#libs/client';
import { PROCESS_METRICS } from '#libs/process';
import type { Logger } from '#libs/runtime';
import type { KubeletConfig } from './config.js';
import { EventRecorder } from './event-recorder.js';
import { ImagePuller } from './image-puller.js';
import { NodeAgent } from './node-agent.js';
import type { NodeContext } from './node-context.js';
import { machineAllocatable, machineMemoryBytes } from './node-object.js';
import { showNode } from './node-metrics.js';
import { ObjectSource } from './object-source.js';
import { PodActions } from './pod-actions.js';
import { PodManager } from './pod-manager.js';
import { KubeletServer } from './server/kubelet-server.js';
import { SimulatedRuntime } from './simulated-runtime.js';
import { TokenSource } from './tokens.js';
import { ClaimedVolumes } from './claimed-volumes.js';
import { PodVolumes } from './volumes.js';

/** A node's agent that runs. */
export interface RunningKubelet {
  /** The port logs, exec, attach and port-forward are served on. */
  readonly port: number;
  /** Stops the agent; the pods go on. */
  stop(): Promise<void>;
}

function makeRuntime(config: KubeletConfig, logger: Logger): ContainerRuntime {
  if (config.runtime === 'simulated') return new SimulatedRuntime(config.podCidr);
  return new DockerRuntime({
    socketPath: config.dockerSocket,
    owner: { cluster: config.cluster, node: config.nodeName },
    network: {
      cluster: config.cluster,
      node: config.nodeName,
      name: bridgeName(config.cluster, config.podCidr),
      podCidr: config.podCidr,
      gateway: config.nodeIp,
      clusterCidr: config.clusterCidr,
    },
    onError: (what, error) => logger.warn(what, { error: String(error) }),
  });
}

/**
 * Starts a node's agent: its runtime and network, its server, its Node in the API, its pods. Resolves when the
 * node is registered and ready. It knows nothing but the API server.
 */
export async function startKubelet(config: KubeletConfig, logger: Logger): Promise<RunningKubelet> {
  mkdirSync(config.dataDir, { recursive: true, mode: 0o700 });
  const { apiUrl: url, caFile, certFile, keyFile } = config;
  const client = ApiClient.fromFiles({ url, caFile, certFile, keyFile, userAgent: 'kubelet/v1.36.4', maxSockets: 1_024 });
  const runtime = makeRuntime(config, logger);
  const events = new EventRecorder(client, config.nodeName, logger);
  const allocatable = machineAllocatable(config.dataDir);
  const context: NodeContext = { config, client, runtime, events, logger, allocatable, memoryBytes: machineMemoryBytes() };
  const warn = (error: unknown): void => logger.warn('a watch broke', { error: String(error) });
  const objects = new ObjectSource(client, warn);
  const services = watchResource<Service>(client, SERVICES, { onError: warn });
  const volumes = new PodVolumes(config.dataDir, new TokenSource(client), new ClaimedVolumes(client));
  const manager = new PodManager(context, new PodActions(context, volumes, new ImagePuller(runtime, objects), objects, services));
  await runtime.start((podUid) => manager.wake(podUid));
  const server = new KubeletServer(context, manager);
  const { port, address } = await server.listen();
  const unshown = showNode(PROCESS_METRICS, {
    node: config.nodeName,
    pods: () => manager.list(),
    podUids: () => runtime.podUids(),
    containersOf: (uid) => runtime.containersOf(uid),
  });
  const agent = new NodeAgent(context, port, address);
  await agent.start();
  manager.start();
  logger.info('the node is ready', { node: config.nodeName, runtime: runtime.name, port });
  return {
    port,
    stop: async () => {
      unshown();
      agent.stop();
      events.close();
      await Promise.all([server.close(), manager.stop(), services.stop(), objects.close()]);
      await runtime.stop();
      client.close();
    },
  };
}
