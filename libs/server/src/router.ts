import { isServed, SERVICEACCOUNTS, SERVICES, PODS, type Catalog, type GroupVersion, type ResourceDefinition } from '#libs/api';
import { badRequest } from '#libs/apimachinery';
import { NO_METRICS, type Metrics, type StateView, type WebhookCaller, type WritePath } from '#libs/runtime';
import { Aggregator } from './aggregation/aggregator.js';
import type { Authentication } from './authentication/authentication.js';
import { createToken, type TokenRequestSources } from './authentication/token-request.js';
import { allowAuthenticated, type Authorizer } from './authorization/authorizer.js';
import { everythingAllowed, Reviews, REVIEWS } from './authorization/reviews.js';
import type { Call } from './call.js';
import { admitConnection } from './connections/connect-admission.js';
import { KubeletProxy, proxyNode } from './connections/kubelet-proxy.js';
import { PodStreams } from './connections/pod-streams.js';
import { Documents } from './documents/documents.js';
import { nothingHere, wrongMethod } from './encoding/respond.js';
import { HistoryApi } from './history/history-api.js';
import { CAUSES, PAST_KINDS } from './history/kinds.js';
import { Transactions, TRANSACTIONS } from './history/transactions.js';
import { Health } from './health.js';
import { answerMetrics } from './metrics/endpoint.js';
import { showObjects } from './metrics/watch-metrics.js';
import type { ServerOptions, ServerSettings } from './options.js';
import { Forwarder, type Upgrade } from './proxy/forwarder.js';
import { isProxyable } from './proxy/locations.js';
import { ObjectProxy } from './proxy/object-proxy.js';
import { Moments } from './past/moments.js';
import { PastCatalogs } from './past/past-catalogs.js';
import { PastRouter } from './past/past-router.js';
import { CompactionHorizon } from './reads/compaction-horizon.js';
import { Freshness, type Follower } from './reads/freshness.js';
import { ProjectionReader } from './reads/projection-reader.js';
import { Reader } from './reads/reader.js';
import type { RequestInfo } from './request-info.js';
import { ResourceHandler } from './resource-handler.js';
import { ServedResource } from './served-resource.js';
import { BINDINGS, createBinding, type BindingSources } from './unstored/binding.js';
import { ComponentStatuses, COMPONENT_STATUSES } from './unstored/component-status.js';
import { Replays } from './watches/replays.js';
import { Watches } from './watches/watches.js';

/** Knows which handler answers which path, and puts the handlers together. */
export class Router {
  private resources: ReadonlyMap<string, ServedResource> = new Map();
  private readonly reviewed = new Map<string, ResourceDefinition>();
  private readonly horizon: CompactionHorizon;
  private readonly watches: Watches;
  private readonly handler: ResourceHandler;
  private readonly documents: Documents;
  private readonly health: Health;
  private readonly reviews: Reviews;
  private readonly forwarder = new Forwarder();
  private readonly aggregator: Aggregator;
  private readonly past: PastRouter;
  private readonly proxy: KubeletProxy;
  private readonly objectProxy: ObjectProxy;
  private readonly components: ComponentStatuses;
  private readonly histories: HistoryApi;
  private readonly transactions: Transactions;
  private readonly bindings: BindingSources;
  private readonly writePath: WritePath;
  private readonly streams: PodStreams;
  private readonly tokens: TokenRequestSources;
  private readonly view: StateView;
  private readonly caller: WebhookCaller | undefined;
  private readonly metrics: Metrics;
  private readonly metricsText: (() => Promise<string>) | undefined;
  private unshown: () => void = () => undefined;
  private stopListening: (() => void) | undefined;

  constructor(options: ServerOptions, settings: ServerSettings, authentication: Authentication, authorizer: Authorizer) {
    const { view, log, history, world, logger, writePath, cluster, metrics = NO_METRICS } = options;
    this.view = view;
    this.caller = options.caller;
    this.metricsText = options.metricsText;
    this.metrics = metrics;
    this.writePath = writePath;
    this.serve(view.catalog.current);
    for (const definition of UNSTORED) this.reviewed.set(keyOf(definition.resource), definition);
    const { keys, issuer, audiences } = authentication;
    this.horizon = new CompactionHorizon(view, history, world.now, settings.compactionHorizonMs, settings.lost);
    const freshness = new Freshness(log, cacheOf(view), settings.readTimeoutMs, settings.futureVersionWaitMs);
    const projection = new ProjectionReader(history, this.horizon, log, settings);
    const reader = new Reader(view, projection, freshness, this.horizon, settings.readsFrom);
    this.watches = new Watches({ cluster, view, log, history, reader, horizon: this.horizon, world, logger, settings, metrics });
    const replays = new Replays({ cluster, log, history, projection, world, logger, settings });
    this.handler = new ResourceHandler({ reader, projection, watches: this.watches, replays, writePath, world, settings, authorizer });
    const { forwarder } = this;
    const changed = (): void => this.documents.othersChanged();
    this.aggregator = new Aggregator({ view, writePath, world, logger, forwarder, frontProxy: options.frontProxy, changed });
    const others = (): ReturnType<Aggregator['groupVersions']> => this.aggregator.groupVersions();
    this.documents = new Documents(view.catalog.current, UNSTORED, options, keys, settings.gzipFromBytes, others);
    this.past = new PastRouter({
      moments: new Moments(history, projection, world),
      catalogs: new PastCatalogs({
        view,
        history,
        caller: options.caller,
        documentsOf: (catalog) => new Documents(catalog, UNSTORED, options, keys, settings.gzipFromBytes, undefined, this.documents),
      }),
      history,
      isUnstored: (info) => this.reviewed.has(keyOf(info)),
      resource: (call, served) => this.resource(call, served, undefined),
    });
    this.health = new Health(options.healthChecks ?? [], options.conditions ?? (() => []));
    this.proxy = new KubeletProxy(options.kubelet, view, this.forwarder);
    const pods = new ServedResource(definitionIn(view.catalog.current, PODS));
    const services = new ServedResource(definitionIn(view.catalog.current, SERVICES));
    this.streams = new PodStreams(pods, reader, this.proxy, writePath);
    this.objectProxy = new ObjectProxy({ view, reader, pods, services, forwarder, world, isProxyable: options.isProxyable ?? isProxyable });
    this.components = new ComponentStatuses({ log, history, world });
    const { gzipFromBytes, minWatchMs } = settings;
    this.histories = new HistoryApi({ view, history, projection, authorizer, world, gzipFromBytes, minWatchMs });
    const { maxBodyBytes } = settings;
    this.transactions = new Transactions({ view, writePath, authorizer, maxBodyBytes });
    this.bindings = { view, writePath, maxBodyBytes };
    this.tokens = { keys, issuer, audiences, reader, view, world, maxBodyBytes, writePath };
    this.reviews = new Reviews({
      authorizer,
      rulesFor: options.rulesFor ?? (authorizer === allowAuthenticated ? everythingAllowed : rulesUnknown),
      tokens: authentication.tokens,
      audiences,
      now: world.now,
      maxBodyBytes,
    });
  }

  /** Takes over a catalog: what stays the same keeps its handler. */
  private serve(catalog: Catalog): void {
    const next = new Map<string, ServedResource>();
    for (const definition of catalog.definitions.filter(isServed)) {
      const key = keyOf(definition.resource);
      const known = this.resources.get(key);
      next.set(key, known?.definition === definition ? known : new ServedResource(definition, this.caller));
    }
    const before = this.resources;
    this.resources = next;
    for (const [key, served] of before) if (!isSame(next.get(key), served)) this.watches.endOf(served);
  }

  start(): void {
    const { catalog } = this.view;
    this.stopListening = catalog.subscribe((next) => {
      this.serve(next);
      this.documents.serve(next);
    });
    this.serve(catalog.current);
    this.documents.serve(catalog.current);
    this.horizon.start();
    this.watches.hub.start();
    this.unshown = showObjects(this.metrics, this.view);
    this.aggregator.start();
  }

  /** Ends what lasts long by nature: watches in good order, connections to kubelets at once. */
  endStreams(): void {
    this.watches.close();
    this.histories.close();
    this.forwarder.close();
  }

  stop(): void {
    this.stopListening?.();
    this.aggregator.stop();
    this.unshown();
    this.watches.hub.stop();
    this.horizon.stop();
  }

  /** Whether a kind of this name is served here, and such a subresource of it. */
  serves(info: RequestInfo): boolean {
    const key = keyOf(info);
    const definition = this.resources.get(key)?.definition ?? this.reviewed.get(key);
    if (definition === undefined || info.subresource === '') return definition !== undefined;
    return definition.subresources.some(({ name }) => name === info.subresource);
  }

  /** Answers a request that has been admitted. Throws StatusError. */
  async route(call: Call, upgrade: Upgrade | undefined): Promise<void> {
    const { info } = call;
    if (call.at !== undefined) {
      return this.past.route(call, call.at);
    }
    const passed = this.passedOn(info);
    if (passed !== undefined) return this.aggregator.forward(call, upgrade, passed);
    if (!info.resourceRequest) {
      if (/^\/(livez|readyz|healthz)(\/|$)/.test(info.path)) return this.health.answer(call);
      if (info.path === '/metrics' && this.metricsText !== undefined) return answerMetrics(call, this.metricsText);
      return this.documents.answer(call);
    }
    const key = keyOf(info);
    const served = this.resources.get(key);
    if (served !== undefined) return this.resource(call, served, upgrade);
    const review = this.reviewed.get(key);
    if (review === undefined) throw nothingHere();
    return this.unstored(call, review);
  }

  /** The group and version of a request that another server answers; undefined: this one does. */
  passedOn(info: RequestInfo): GroupVersion | undefined {
    const [, group = '', version = ''] = info.resourceRequest ? ['', info.group, info.version] : (OTHERS_PATH.exec(info.path) ?? []);
    const groupVersion = { group, version };
    return version !== '' && this.aggregator.passesOn(groupVersion) ? groupVersion : undefined;
  }

  /** Answers for a kind of which nothing is stored. */
  private async unstored(call: Call, definition: ResourceDefinition): Promise<void> {
    const { info } = call;
    if (info.subresource !== '') throw nothingHere();
    const isAnswered = definition.verbs.includes(info.verb) || (definition === (CAUSES as never) && info.verb === 'list');
    if (!isAnswered || (info.verb === 'create' && info.name !== '')) throw wrongMethod();
    if (definition === COMPONENT_STATUSES) return this.components.answer(call);
    if (PAST_KINDS.includes(definition)) return this.histories.answer(call, definition);
    if (definition.scope === 'Namespaced' && info.namespace === '') throw wrongMethod();
    if (definition === (TRANSACTIONS as never)) return this.transactions.create(call);
    if (definition === BINDINGS) return createBinding(this.bindings, call);
    return this.reviews.create(call, definition);
  }

  private async resource(call: Call, served: ServedResource, upgrade: Upgrade | undefined): Promise<void> {
    const { info } = call;
    const { definition } = served;
    const { method } = call.request;
    // Upstream has routes for HEAD to what is proxied alone, and the old paths of watches are read whatever the method.
    if ((method === 'HEAD' && info.subresource !== 'proxy') || (info.verb === 'watch' && method !== 'GET')) throw wrongMethod();
    const namespaced = definition.scope === 'Namespaced';
    const inNamespace = info.namespace !== '' && info.resource !== 'namespaces';
    if (namespaced ? info.name !== '' && info.namespace === '' : inNamespace) throw nothingHere();
    if (info.subresource === '') {
      if (info.rest.length > 0) throw nothingHere();
      if (!definition.verbs.includes(info.verb)) throw wrongMethod();
      if (namespaced && info.namespace === '' && !['list', 'watch'].includes(info.verb)) throw wrongMethod();
      if ((info.verb === 'create') !== (info.name === '') && ['create', 'update', 'patch'].includes(info.verb)) throw wrongMethod();
      return this.handler.handle(call, served, undefined);
    }
    const subresource = definition.subresources.find(({ name }) => name === info.subresource);
    if (subresource === undefined) throw nothingHere();
    if (info.group === '' && info.subresource === 'proxy') {
      await admitConnection(this.writePath, call, definition);
      return info.resource === 'nodes' ? proxyNode(this.proxy, call, upgrade) : this.objectProxy.serve(call, upgrade);
    }
    if (info.rest.length > 0) throw nothingHere();
    if (info.resource === PODS.resource && info.subresource === 'log') return this.streams.log(call);
    if (info.resource === PODS.resource && ['exec', 'attach', 'portforward'].includes(info.subresource))
      return this.streams.connect(call, upgrade);
    if (upgrade !== undefined) throw badRequest('this endpoint does not change protocols');
    if (!subresource.verbs.includes(info.verb)) throw wrongMethod();
    if (info.resource === SERVICEACCOUNTS.resource && info.subresource === 'token') return createToken(this.tokens, call, served);
    return this.handler.handle(call, served, subresource);
  }
}

/** What is served without being stored: for routing, discovery and OpenAPI. */
const UNSTORED: readonly ResourceDefinition[] = [
  BINDINGS as never,
  COMPONENT_STATUSES as never,
  ...REVIEWS,
  ...PAST_KINDS,
  TRANSACTIONS as never,
];

/** Whether a kind is still served as it was; that nothing of it is created any more is no matter to those who read it. */
const isSame = (now: ServedResource | undefined, before: ServedResource): boolean =>
  now === before || (now !== undefined && now.definition.schema !== undefined && now.definition.schema === before.definition.schema);

/** What a server says of one group and version: its resources, its OpenAPI document. */
const OTHERS_PATH = /^(?:\/openapi\/v3)?\/apis\/([^/]+)\/([^/]+)\/?$/;

const keyOf = ({ group, version, resource }: { readonly group: string; readonly version: string; readonly resource: string }): string =>
  `${group}/${version}/${resource}`;

function definitionIn(catalog: Catalog, resource: ResourceDefinition['resource']): ResourceDefinition {
  const found = catalog.definitionOf(resource);
  if (found === undefined) throw new Error(`the definitions have no ${resource.resource}`);
  return found;
}

/** The cache as something that follows the log. */
const cacheOf = (view: StateView): Follower => ({
  name: 'cache',
  known: (stream) => view.position[stream],
  reached: (stream, sequence, signal) => view.reached(stream, sequence, signal),
  position: async (stream) => view.position[stream],
});

/** For authorizers that only say yes or no. */
const rulesUnknown = (): ReturnType<typeof everythingAllowed> => ({
  resourceRules: [],
  nonResourceRules: [],
  incomplete: true,
  evaluationError: 'the authorizer does not support user rule resolution',
});
