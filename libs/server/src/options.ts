import type { Descriptions } from '#libs/api';
import type { AuditStream, EventLog, Lost } from '#libs/log';
import type { Condition, Logger, Metrics, PastReader, StateView, Tracing, TransactionPath, WebhookCaller, World } from '#libs/runtime';
import type { FrontProxyTls } from './aggregation/backend.js';
import type { AuthenticationSettings } from './authentication/settings.js';
import type { Authorizer } from './authorization/authorizer.js';
import type { RulesFor } from './authorization/reviews.js';

/** Where to listen; port 0 draws a free one. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** What the server serves with, and which authority it believes clients' certificates of. All PEM. */
export interface ServerTls {
  readonly cert: string;
  readonly key: string;
  readonly clientCa: string;
}

/** How service account tokens are signed and recognised. Keys are PEM (RSA or P-256). */
export interface TokenSettings {
  readonly signingKey: string;
  /** Public keys (or certificates) whose tokens are accepted; the signing key's own is always among them. */
  readonly verifyingKeys: readonly string[];
  /** Goes into `iss`, e.g. `https://kubernetes.default.svc.cluster.local`; the first is used for signing. */
  readonly issuer: string;
  /** What a token must be for to be accepted here, and what a TokenRequest without audiences gets. Default: the issuer. */
  readonly audiences?: readonly string[];
}

/** The credentials with which the server calls kubelets, and the authority of their certificates. All PEM. */
export interface KubeletTls {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

/** One line of `/livez` and `/readyz`: rejects or throws when it does not hold. */
export interface HealthCheck {
  readonly name: string;
  readonly check: () => void | Promise<void>;
  /** Whether it counts for `/livez` too; by default only for `/readyz`. */
  readonly live?: boolean;
}

/** Limits and times of the server; each has upstream's default. Times in milliseconds. */
export interface ServerSettings {
  /**
   * Whence a get or a list of current objects is answered: from the cache, without a round trip, or from the
   * projection, byte for byte the same. Watches and writes go on using the cache.
   */
  readonly readsFrom: 'cache' | 'projection';
  readonly maxBodyBytes: number;
  readonly maxReadsInFlight: number;
  readonly maxWritesInFlight: number;
  /** How long a request waits for its turn where its priority level is busy, before it is refused. */
  readonly maxQueueWaitMs: number;
  /** How long a read of a resourceVersion that is not there yet waits before it is refused. */
  readonly futureVersionWaitMs: number;
  /** How long a read waits for the log or for the cache to catch up with it, before it is refused. */
  readonly readTimeoutMs: number;
  /** Continue tokens and exact lists older than this answer 410. */
  readonly compactionHorizonMs: number;
  /** Watches from, and exact lists of, these answer 410: a cluster that is gone, whose backup this one is of, may have given them out. */
  readonly lost: Lost;
  /** Lower end of the default time of a watch; the upper end is twice as long. */
  readonly minWatchMs: number;
  readonly bookmarkEveryMs: number;
  /** A watcher whose unread bytes exceed this is cut off. */
  readonly maxWatchBacklogBytes: number;
  /** Where the unread bytes of all watchers together exceed this, those that lag most are cut off. */
  readonly maxWatchBacklogTotalBytes: number;
  /** Responses at least this long are compressed for clients that accept it. */
  readonly gzipFromBytes: number;
  /** How long `close` lets requests finish before it cuts them off. */
  readonly shutdownGraceMs: number;
}

/** Upstream's defaults (apiserver `server/config.go`, `cacher`, `responsewriters`). */
export const DEFAULT_SETTINGS: ServerSettings = {
  readsFrom: 'cache',
  maxBodyBytes: 3 * 1024 * 1024,
  maxReadsInFlight: 400,
  maxWritesInFlight: 200,
  maxQueueWaitMs: 15_000,
  futureVersionWaitMs: 3_000,
  readTimeoutMs: 30_000,
  compactionHorizonMs: 10 * 60_000,
  lost: {},
  minWatchMs: 30 * 60_000,
  bookmarkEveryMs: 60_000,
  maxWatchBacklogBytes: 16 * 1024 * 1024,
  maxWatchBacklogTotalBytes: 256 * 1024 * 1024,
  gzipFromBytes: 128 * 1024,
  shutdownGraceMs: 10_000,
};

/** Everything an API server is made of. It keeps no state of its own that the log does not hold. */
export interface ServerOptions {
  /** The cluster's id: a token of every subject. */
  readonly cluster: string;
  readonly view: StateView;
  readonly log: EventLog;
  readonly history: PastReader;
  readonly writePath: TransactionPath;
  /** Calls the webhooks that convert custom resources for readers; absent: what needs one is refused as if it were down. */
  readonly caller?: WebhookCaller;
  /** Where requests that are no events are recorded; default: nowhere. The server does not close it. */
  readonly audit?: AuditStream;
  readonly world: World;
  readonly logger: Logger;
  readonly listen: readonly ListenAddress[];
  readonly tls: ServerTls;
  readonly tokens: TokenSettings;
  /** Default: none of them. */
  readonly authentication?: AuthenticationSettings;
  readonly kubelet: KubeletTls;
  /** The credentials with which requests are passed on to other API servers; default: none are shown. */
  readonly frontProxy?: FrontProxyTls;
  /** Which addresses of pods and Services may be reached by proxy; default: all but loopback and link-local ones. */
  readonly isProxyable?: (address: string) => boolean;
  /** Default: whoever is authenticated may do everything. */
  readonly authorizer?: Authorizer;
  /** Lists what a user may do, for SelfSubjectRulesReview. */
  readonly rulesFor?: RulesFor;
  readonly healthChecks?: readonly HealthCheck[];
  /** How the process stands, for `/readyz` and `/healthz`; default: nothing is known. */
  readonly conditions?: () => readonly Condition[];
  readonly settings?: Partial<ServerSettings>;
  /** Where the server counts what it does; default: nowhere. */
  readonly metrics?: Metrics;
  /** Told of every request that was answered; default: nobody. */
  readonly tracing?: Tracing | undefined;
  /** All metrics of the process, in Prometheus' text format, for `/metrics`; default: there is no such path. */
  readonly metricsText?: () => Promise<string>;
  /** Sentences about types and fields, shown in OpenAPI documents; default: none. */
  readonly descriptions?: Descriptions;
  /** Reported by `/version`; default `v1.36.4+decklog`. */
  readonly gitVersion?: string;
  /** When this build was made, RFC 3339; reported by `/version`. */
  readonly buildDate?: string;
}
