import { CONFIGMAPS, DEPLOYMENTS, definitionOf, NODES, PODS, SERVICES } from '#libs/api';
import { StatusError, type GroupVersionResource, type KubeObject } from '#libs/apimachinery';
import type { Answered, Asked, Operation } from '#libs/consistency';
import type { WriteRequest } from '#libs/registry';
import { ReadBarrier, type WriteResult } from '#libs/runtime';
import type { Running, SeededCluster } from './cluster.js';

/** So long somebody waits for an answer. */
const PATIENCE_MS = 6_000;
const MOST_TRIES = 8;
const DEPLOYED = 3;
const MOST_REPLICAS = 6;
const NAMESPACE = 'default';
/** Evicted from a node that is not heard of ten seconds after it is given up. */
const TOLERATIONS = ['not-ready', 'unreachable'].map((taint) => ({
  key: `node.kubernetes.io/${taint}`,
  operator: 'Exists',
  effect: 'NoExecute',
  tolerationSeconds: 10,
}));

const deployment = (name: string, replicas: number, image: string): KubeObject & { spec: object } => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, namespace: NAMESPACE },
  spec: {
    replicas,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: {
        containers: [{ name: 'main', image, resources: { requests: { cpu: '500m', memory: '512Mi' } } }],
        tolerations: TOLERATIONS,
        terminationGracePeriodSeconds: 2,
      },
    },
  },
});

const service = (name: string): KubeObject =>
  ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: NAMESPACE },
    spec: { selector: { app: name }, ports: [{ port: 80 }] },
  }) as KubeObject;

const configMap = (name: string, content: string): KubeObject =>
  ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace: NAMESPACE },
    data: { content },
  }) as KubeObject;

const RETRIED: ReadonlySet<string> = new Set(['ServiceUnavailable', 'Timeout', 'ServerTimeout', 'InternalError', 'Conflict']);

type Ask = Pick<WriteRequest, 'verb'> & Partial<Pick<WriteRequest, 'name' | 'object' | 'patch'>>;

class NoAnswer extends Error {}

/**
 * Somebody who uses the cluster: deploys, scales, rolls out, deletes, through whichever API server answers. What is asked of ConfigMaps,
 * and what came back, is kept: it must have been able to happen in some order.
 */
export class Person {
  /** By ConfigMap. */
  readonly seen = new Map<string, Operation[]>();
  #asked = 0;
  #isAway = false;

  constructor(
    private readonly cluster: SeededCluster,
    private readonly name: string,
    private readonly steps: () => number,
  ) {}

  /** Does something every few seconds. */
  start(): void {
    const { world } = this.cluster;
    world.after(200 + world.random() * 4_000, () => {
      if (this.#isAway) return;
      void this.#act().then(() => this.start());
    });
  }

  leave(): void {
    this.#isAway = true;
  }

  async #act(): Promise<void> {
    const draw = this.#pick(20);
    const app = `app-${this.#pick(DEPLOYED)}`;
    if (draw < 4) return this.#insist(DEPLOYMENTS, { verb: 'create', object: deployment(app, 1 + this.#pick(MOST_REPLICAS), 'main:1') });
    if (draw < 7) return this.#merge(DEPLOYMENTS, app, { spec: { replicas: this.#pick(MOST_REPLICAS) } });
    if (draw < 9) {
      const { spec } = deployment(app, 1, `main:${this.#pick(9)}`);
      return this.#merge(DEPLOYMENTS, app, { spec: { template: (spec as { template: unknown }).template } });
    }
    if (draw < 10) return this.#insist(DEPLOYMENTS, { verb: 'delete', name: app });
    if (draw < 11) return this.#insist(SERVICES, { verb: 'create', object: service(app) });
    if (draw < 12) return this.#insist(SERVICES, { verb: 'delete', name: app });
    if (draw < 14) return this.#deletePod();
    return this.#keep(`kept-${this.#pick(2)}`);
  }

  /** A node that was taken away for good is told so. */
  async removeNode(name: string): Promise<void> {
    await this.#insist(NODES, { verb: 'delete', name });
  }

  #merge(resource: GroupVersionResource, name: string, body: object): Promise<void> {
    return this.#insist(resource, { verb: 'patch', name, patch: { type: 'merge', body } });
  }

  async #deletePod(): Promise<void> {
    const pods = this.#server()?.view?.list(PODS, NAMESPACE) ?? [];
    const name = pods[this.#pick(Math.max(1, pods.length))]?.metadata.name;
    if (name !== undefined) await this.#insist(PODS, { verb: 'delete', name });
  }

  /** Asks until it is answered; that somebody else was faster is an answer. */
  async #insist(resource: GroupVersionResource, ask: Ask): Promise<void> {
    const { trace, world } = this.cluster;
    trace.say(`${this.name} wants to ${ask.verb} ${resource.resource} ${ask.name ?? (ask.object as KubeObject).metadata.name ?? ''}`);
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      try {
        await this.#execute(resource, ask);
        return;
      } catch (error) {
        if (!(error instanceof NoAnswer) && !(error instanceof StatusError && RETRIED.has(error.reason))) {
          if (!(error instanceof StatusError)) throw error;
          return trace.say(`${this.name} is refused: ${error.message}`);
        }
        await new Promise<void>((resolve) => void world.after(300, resolve));
      }
    }
  }

  /** One request about a ConfigMap, which is remembered. */
  async #keep(name: string): Promise<void> {
    const content = `${this.name}-${++this.#asked}`;
    const draw = this.#pick(10);
    const asked: Asked =
      draw < 3 ? { verb: 'create', content } : draw < 6 ? { verb: 'update', content } : draw < 7 ? { verb: 'delete' } : { verb: 'get' };
    const from = this.steps();
    const answered = await this.#answer(name, asked);
    const operations = this.seen.get(name) ?? [];
    this.seen.set(name, operations);
    operations.push({ client: this.name, asked, answered, from, to: this.steps() });
    this.cluster.trace.say(
      `${this.name} ${asked.verb}s ${name}: ${answered.outcome} ${'version' in answered ? (answered.version ?? '') : ''}`,
    );
  }

  async #answer(name: string, asked: Asked): Promise<Answered> {
    try {
      if (asked.verb === 'get') return await this.#get(name);
      if (asked.verb === 'delete') {
        await this.#execute(CONFIGMAPS, { verb: 'delete', name });
        return { outcome: 'done' };
      }
      const ask: Ask =
        asked.verb === 'create'
          ? { verb: 'create', object: configMap(name, asked.content) }
          : { verb: 'update', name, object: configMap(name, asked.content) };
      const { object } = await this.#execute(CONFIGMAPS, ask);
      return { outcome: 'done', version: Number(object.metadata.resourceVersion) };
    } catch (error) {
      const reason = error instanceof StatusError ? error.reason : undefined;
      if (reason === 'NotFound' || reason === 'AlreadyExists' || reason === 'Conflict') return { outcome: reason };
      if (error instanceof NoAnswer || reason === undefined || RETRIED.has(reason)) return { outcome: 'unknown' };
      throw error;
    }
  }

  async #get(name: string): Promise<Answered> {
    const server = this.#server();
    const { view } = server ?? {};
    if (!server || !view) throw new NoAnswer();
    await this.#timely(new ReadBarrier(server.link, view).pass('state'));
    const found = view.get(CONFIGMAPS, NAMESPACE, name) as (KubeObject & { data?: { content?: string } }) | undefined;
    if (!found) return { outcome: 'NotFound' };
    const content = found.data?.content;
    return { outcome: 'done', version: Number(found.metadata.resourceVersion), ...(content === undefined ? {} : { content }) };
  }

  async #execute(resource: GroupVersionResource, ask: Ask): Promise<WriteResult> {
    const { writePath } = this.#server() ?? {};
    const definition = definitionOf(resource);
    if (!writePath || !definition) throw new NoAnswer();
    const requester = { actor: { user: this.name, groups: ['system:masters', 'system:authenticated'] }, agent: this.name };
    const place = definition.scope === 'Namespaced' ? { namespace: NAMESPACE } : {};
    return this.#timely(writePath.execute({ ...ask, ...place, definition, options: {}, requester }));
  }

  /** An API server that died says nothing at all. */
  #timely<T>(answer: Promise<T>): Promise<T> {
    const { world } = this.cluster;
    return new Promise((resolve, reject) => {
      const cancel = world.after(PATIENCE_MS, () => reject(new NoAnswer()));
      answer.then(resolve, reject).finally(cancel);
    });
  }

  #server(): Running | undefined {
    const { servers } = this.cluster;
    return servers[this.#pick(Math.max(1, servers.length))];
  }

  #pick(of: number): number {
    return Math.floor(this.cluster.world.random() * of);
  }
}
