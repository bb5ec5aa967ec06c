import { readFileSync, statfsSync } from 'node:fs';
import os from 'node:os';
import type { Node, NodeStatus } from '#libs/api';
import type { Allocatable } from '#libs/node';
import type { KubeletConfig } from './config.js';
import type { NodeContext } from './node-context.js';

const KUBELET_VERSION = 'v1.36.4+decklog';
const MAX_PODS = 110;
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64', arm: 'arm', ppc64: 'ppc64le', s390x: 's390x' };

const architecture = (): string => ARCHITECTURES[process.arch] ?? process.arch;

function fileText(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return '';
  }
}

/** Memory of the machine in bytes. */
export const machineMemoryBytes = (): number => os.totalmem();

/** What the node offers its pods: all that the machine has. */
export function machineAllocatable(dataDir: string): Allocatable {
  const { bsize, blocks } = statfsSync(dataDir);
  return {
    cpu: String(os.cpus().length),
    memory: `${Math.floor(os.totalmem() / 1024)}Ki`,
    'ephemeral-storage': `${Math.floor((bsize * blocks) / 1024)}Ki`,
  };
}

/** The Node as it is registered. */
export function nodeObject(config: KubeletConfig): Node {
  const arch = architecture();
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name: config.nodeName,
      labels: {
        'beta.kubernetes.io/arch': arch,
        'beta.kubernetes.io/os': 'linux',
        'kubernetes.io/arch': arch,
        'kubernetes.io/hostname': config.nodeName,
        'kubernetes.io/os': 'linux',
        ...(config.runtime === 'simulated' ? { 'decklog.dev/runtime': 'simulated' } : {}),
      },
    },
    spec: { podCIDR: config.podCidr, podCIDRs: [config.podCidr] },
  };
}

/** The part of the status that only a restart changes. `address` is where the kubelet is reached. */
export function staticStatus({ config, runtime, allocatable }: NodeContext, kubeletPort: number, address: string): NodeStatus {
  const amounts = { ...allocatable, 'hugepages-1Gi': '0', 'hugepages-2Mi': '0', pods: String(MAX_PODS) };
  const machineID = fileText('/etc/machine-id');
  return {
    capacity: amounts,
    allocatable: amounts,
    addresses: [
      { type: 'InternalIP', address },
      { type: 'Hostname', address: config.nodeName },
    ],
    daemonEndpoints: { kubeletEndpoint: { Port: kubeletPort } },
    nodeInfo: {
      machineID,
      systemUUID: fileText('/sys/class/dmi/id/product_uuid') || machineID,
      bootID: fileText('/proc/sys/kernel/random/boot_id'),
      kernelVersion: os.release(),
      osImage: /^PRETTY_NAME="?([^"\n]*)"?/m.exec(fileText('/etc/os-release'))?.[1] ?? os.type(),
      containerRuntimeVersion: `${runtime.name}://${runtime.version}`,
      kubeletVersion: KUBELET_VERSION,
      kubeProxyVersion: '',
      operatingSystem: 'linux',
      architecture: architecture(),
    },
  };
}
