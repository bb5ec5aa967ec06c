import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type CustomResources, kubectlBinary, startCustomResources } from '#libs/testing';

const run = promisify(execFile);
const DEFINITION = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: crontabs.stable.example.com
spec:
  group: stable.example.com
  scope: Namespaced
  names: {plural: crontabs, singular: crontab, kind: CronTab, shortNames: [ct], categories: [all]}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        description: A thing that runs at times
        type: object
        properties:
          spec:
            type: object
            description: What is wanted
            required: [cronSpec]
            properties:
              cronSpec: {type: string, description: When it runs}
              image: {type: string, default: busybox}
              replicas: {type: integer, minimum: 0}
          status:
            type: object
            properties:
              replicas: {type: integer}
              labelSelector: {type: string}
    additionalPrinterColumns:
    - {name: Spec, type: string, jsonPath: .spec.cronSpec}
    - {name: Replicas, type: integer, jsonPath: .spec.replicas}
    - {name: Image, type: string, jsonPath: .spec.image, priority: 1}
    subresources:
      status: {}
      scale: {specReplicasPath: .spec.replicas, statusReplicasPath: .status.replicas, labelSelectorPath: .status.labelSelector}
`;

const OBJECT = (spec: string): string => `apiVersion: stable.example.com/v1
kind: CronTab
metadata: {name: tab}
spec: ${spec}
`;

describe('kubectl and custom resources', () => {
  let custom: CustomResources;
  let folder: string;
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const kubectl = async (...words: string[]): Promise<string> => {
    const place = ['--kubeconfig', join(folder, 'config'), '--cache-dir', join(folder, 'cache')];
    try {
      const { stdout, stderr } = await run(kubectlBinary(), [...place, ...words], { timeout: 60_000 });
      return (stdout + stderr).trim();
    } catch (error) {
      const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
      return (stdout + stderr).trim();
    }
  };

  beforeAll(async () => {
    custom = await startCustomResources();
    folder = mkdtempSync(join(tmpdir(), 'kubectl-custom-'));
    const { server } = custom;
    const encode = (text: string): string => Buffer.from(text).toString('base64');
    const cluster = { server: `https://127.0.0.1:${server.server.port}`, 'certificate-authority-data': encode(server.authority.cert) };
    const user = { 'client-certificate-data': encode(server.admin.cert), 'client-key-data': encode(server.admin.key) };
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'test',
      clusters: [{ name: 'test', cluster }],
      users: [{ name: 'admin', user }],
      contexts: [{ name: 'test', context: { cluster: 'test', user: 'admin' } }],
    };
    writeFileSync(join(folder, 'config'), JSON.stringify(config));
    await kubectl('apply', '-f', file('crd.yaml', DEFINITION));
    await kubectl('wait', '--for', 'condition=established', '--timeout=20s', 'crd/crontabs.stable.example.com');
  });
  afterAll(async () => {
    await custom.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('lists definitions and knows their resources by all their names', async () => {
    expect(await kubectl('get', 'crds', '--no-headers')).toMatch(/^crontabs\.stable\.example\.com\s+\d{4}-\d\d-\d\dT/);
    expect(await kubectl('api-resources', '--api-group=stable.example.com', '--no-headers')).toMatch(
      /crontabs\s+ct\s+stable\.example\.com\/v1\s+true\s+CronTab/,
    );
  });

  it('checks manifests against the published schema, and explains it', async () => {
    expect(await kubectl('apply', '-f', file('unknown.yaml', OBJECT('{cronSpec: "* *", extra: 1}')))).toContain(
      'unknown field "spec.extra"',
    );
    expect(await kubectl('apply', '-f', file('missing.yaml', OBJECT('{replicas: 1}')))).toContain('spec.cronSpec: Required value');
    const explained = await kubectl('explain', 'crontabs.spec');
    expect(explained).toContain('KIND:       CronTab');
    expect(explained).toContain('cronSpec\t<string> -required-');
    expect(explained).toContain('When it runs');
    expect(await kubectl('explain', 'ct', '--recursive')).toContain('metadata\t<ObjectMeta>');
  });

  it('applies, gets, scales, patches, diffs and deletes', async () => {
    expect(await kubectl('apply', '-f', file('tab.yaml', OBJECT('{cronSpec: "* *", replicas: 1}')))).toBe(
      'crontab.stable.example.com/tab created',
    );
    expect(await kubectl('apply', '-f', join(folder, 'tab.yaml'))).toBe('crontab.stable.example.com/tab unchanged');
    expect(await kubectl('get', 'ct')).toMatch(/NAME\s+SPEC\s+REPLICAS\ntab\s+\* \*\s+1/);
    expect(await kubectl('get', 'ct', 'tab', '-o', 'wide')).toMatch(/busybox/);
    expect(await kubectl('get', 'all')).toContain('crontab.stable.example.com/tab');
    expect(await kubectl('scale', '--replicas=3', 'ct/tab')).toBe('crontab.stable.example.com/tab scaled');
    expect(await kubectl('get', 'ct/tab', '-o', 'jsonpath={.spec.replicas}')).toBe('3');
    expect(await kubectl('patch', 'ct/tab', '--type=merge', '-p', '{"spec":{"image":"x"}}')).toContain('patched');
    expect(await kubectl('patch', 'ct/tab', '--subresource=status', '--type=merge', '-p', '{"status":{"replicas":3}}')).toContain(
      'patched',
    );
    expect(await kubectl('diff', '-f', file('next.yaml', OBJECT('{cronSpec: "1 *", replicas: 1}')))).toContain('+  cronSpec: 1 *');
    expect(await kubectl('apply', '--server-side', '--field-manager=other', '-f', join(folder, 'next.yaml'))).toContain('conflict');
    expect(await kubectl('apply', '--server-side', '--force-conflicts', '-f', join(folder, 'next.yaml'))).toContain('serverside-applied');
    expect(await kubectl('delete', 'ct', '--all')).toContain('"tab" deleted');
    expect(await kubectl('delete', 'crd', 'crontabs.stable.example.com')).toContain('deleted');
    expect(await kubectl('get', 'ct')).toContain('the server could not find the requested resource');
  });
});
