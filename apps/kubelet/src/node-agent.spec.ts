import { NODES, type Node } from '#libs/api';
import { ApiClient } from '#libs/client';
import { SILENT_LOGGER } from '#libs/runtime';
import { startTestApiServer, type TestApiServer } from '#libs/testing';
import { KubeletConfig } from './config.js';
import { EventRecorder } from './event-recorder.js';
import { NodeAgent } from './node-agent.js';
import { SimulatedRuntime } from './simulated-runtime.js';

const REPORT_MS = 10_000;

describe('a node that was taken for lost', () => {
  let api: TestApiServer;
  let client: ApiClient;
  let agent: NodeAgent;
  let events: EventRecorder;

  beforeAll(async () => {
    jest.useFakeTimers({ doNotFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'nextTick', 'Date', 'performance', 'queueMicrotask'] });
    api = await startTestApiServer();
    const { cert, key } = api.admin;
    client = new ApiClient({ url: `https://127.0.0.1:${api.server.port}`, ca: api.authority.cert, cert, key });
    const file = '/none';
    const config = KubeletConfig.parse({
      ...{ NODE_NAME: 'node-1', API_URL: 'https://127.0.0.1', CLUSTER: 'test', NODE_IP: '10.64.1.1', POD_CIDR: '10.64.1.0/24' },
      ...{ ADVERTISE_ADDRESS: '10.64.0.1', CLUSTER_CIDR: '10.64.0.0/16', SERVICE_CIDR: '10.96.0.0/16', CLUSTER_DNS: '10.96.0.10' },
      ...{ CA_FILE: file, CERT_FILE: file, KEY_FILE: file, SERVING_CERT_FILE: file, SERVING_KEY_FILE: file, DATA_DIR: '/tmp' },
    });
    events = new EventRecorder(client, 'node-1', SILENT_LOGGER);
    const allocatable = { cpu: '1', memory: '1Gi', 'ephemeral-storage': '1Gi' };
    const runtime = new SimulatedRuntime('10.64.1.0/24');
    const context = { config, client, runtime, events, logger: SILENT_LOGGER, allocatable, memoryBytes: 2 ** 30 };
    await client.create(
      { group: '', version: 'v1', resource: 'namespaces' },
      {
        apiVersion: 'v1',
        kind: 'Namespace',
        metadata: { name: 'kube-node-lease' },
      },
    );
    agent = new NodeAgent(context, 10_250, '10.64.1.1');
    await agent.start();
  });

  afterAll(async () => {
    agent.stop();
    events.close();
    client.close();
    await api.close();
    jest.useRealTimers();
  });

  const ready = async (): Promise<string | undefined> =>
    (await client.get<Node>(NODES, undefined, 'node-1')).status?.conditions?.find(({ type }) => type === 'Ready')?.status;

  it('says that it is not with its next report, and does not wait until it would report anyway', async () => {
    expect(await ready()).toBe('True');
    const lost = [{ type: 'Ready', status: 'Unknown', reason: 'NodeStatusUnknown', message: 'Kubelet stopped posting node status.' }];
    await client.patch<Node>(NODES, undefined, 'node-1', { status: { conditions: lost } }, { subresource: 'status' });
    expect(await ready()).toBe('Unknown');
    jest.advanceTimersByTime(REPORT_MS);
    for (let looks = 0; looks < 200 && (await ready()) !== 'True'; looks++) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(await ready()).toBe('True');
  });
});
