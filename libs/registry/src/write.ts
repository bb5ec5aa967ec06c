import type { Basis, GroupVersionResource, Instant, KubeObject, Preconditions, PropagationPolicy, StatusError } from '#libs/apimachinery';
import type { Catalog, ResourceDefinition, SignatureCheck } from '#libs/api';
import type { Actor, Decision, Guard } from '#libs/log';

/** Who asks, and why: what an event's metadata keeps of the request. */
export interface Requester {
  readonly actor: Actor;
  /** What else is known of the user: UserInfo.extra. Told to admission, not kept with the event. */
  readonly extra?: Readonly<Record<string, readonly string[]>>;
  /** Whether a client of the API asks, not a controller of ours: only clients can overreach (RBAC escalation). */
  readonly client?: boolean;
  readonly agent?: string;
  readonly sourceAddress?: string;
  readonly requestId?: string;
  readonly fieldManager?: string;
  /** `stream:sequence` of the chain's first event and of the newest one that this write answers to. */
  readonly root?: string;
  readonly cause?: string;
  readonly decision?: Decision;
  /** Whether it answers to the object that it writes: a node does what the object asks of it, and says so. */
  readonly answers?: boolean;
  /** Subjects of `state` that must not have moved: what gives the requester the right to decide. Not kept with the event. */
  readonly guards?: readonly Guard[];
}

/** The patch types, by their media types' names; `apply` is server-side apply. */
export type Patch =
  | { readonly type: 'apply'; readonly body: unknown }
  | { readonly type: 'json'; readonly operations: readonly unknown[] }
  | { readonly type: 'merge'; readonly body: unknown }
  | { readonly type: 'strategic'; readonly body: unknown };

/** metav1.CreateOptions, UpdateOptions, PatchOptions and DeleteOptions, as far as each verb has them. */
export interface WriteOptions {
  readonly dryRun?: boolean;
  /** Apply only: takes fields over from other managers. */
  readonly force?: boolean;
  readonly fieldValidation?: 'Strict' | 'Warn' | 'Ignore';
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: PropagationPolicy;
  /** The old form of Orphan, still sent by some clients. */
  readonly orphanDependents?: boolean;
  /** Of deletions, and of the updates and patches of a transaction. */
  readonly preconditions?: Preconditions;
}

/**
 * One write as asked for, after authentication, authorization and the parsing of JSON or YAML. `object` is as
 * the client sent it: the write path decodes it against the kind's type (unknown fields, wrong types),
 * defaults, admits, validates.
 */
export interface WriteRequest {
  /** `connect` asks admission alone: whoever opens a connection to a pod, a node or a Service writes nothing. */
  readonly verb: 'create' | 'update' | 'patch' | 'delete' | 'connect';
  readonly definition: ResourceDefinition;
  readonly subresource?: string;
  readonly namespace?: string;
  /** Absent on a create of the main resource: the object's own name counts. */
  readonly name?: string;
  readonly object?: unknown;
  /** What the parser found besides: `duplicate field "spec.replicas"`. Judged by `fieldValidation` together with unknown fields. */
  readonly duplicates?: readonly string[];
  readonly patch?: Patch;
  /** Why the requester may not create the object, where an update or an apply that does not find it would. */
  readonly createRefused?: StatusError;
  readonly options: WriteOptions;
  /** What the write was decided on and moves, where a controller decided on it. */
  readonly basis?: Basis;
  readonly requester: Requester;
}

/** What is drawn once, at the edge, and handed in: the pure write path invents nothing. */
export interface WriteContext {
  readonly now: Instant;
  /** A fresh uid for an object that is created. */
  readonly uid: string;
  /** Five characters for `generateName`, from upstream's alphabet `bcdfghjklmnpqrstvwxz2456789`. */
  readonly suffix: string;
  /** A number in [0, 1) for choosing where to look first for a free ClusterIP or node port. */
  readonly draw: number;
}

/** Settings of the cluster that decisions depend on. */
export interface ClusterSettings {
  /** IPv4 range of ClusterIPs, e.g. `10.96.0.0/16`. */
  readonly serviceCidr: string;
  /** Lowest and highest node port, e.g. 30000 and 32767. */
  readonly nodePorts: readonly [number, number];
  readonly clusterDomain: string;
}

/** An object as stored: parsed, with its resourceVersion filled in from `sequence`. */
export interface StoredObject {
  readonly sequence: number;
  readonly object: KubeObject;
}

/** One event that an admitted write will append. `object` has no resourceVersion. */
export interface PlannedWrite {
  readonly type: 'Created' | 'Updated' | 'Deleted';
  readonly definition: ResourceDefinition;
  readonly object: KubeObject;
  /** The object's own previous sequence; 0 for a create. A tombstone's sequence is found by the runtime. */
  readonly previous: number;
}

/** What admission says: what it still has to know, or what is to be written. A refusal is a thrown StatusError. */
export type AdmissionStep =
  | { readonly need: readonly Need[] }
  | {
      /** The request's own object first, then what is written with it (claims of addresses and ports, a budget's status). */
      readonly writes: readonly PlannedWrite[];
      /** What a dry run would have written; absent otherwise. */
      readonly withheld?: readonly PlannedWrite[];
      /**
       * What the client is answered; for a write that changes nothing, the object as it is. Unless it is a `Status`,
       * the first write's sequence becomes its resourceVersion.
       */
      readonly answer: KubeObject;
      readonly code: 200 | 201 | 202;
      readonly warnings: readonly string[];
      /** What admission has for the record, by keys; absent: nothing. */
      readonly annotations?: ReadonlyMap<string, string>;
    };

/** What the runtime knows so far, at one position for all of it. */
export interface Known {
  /** `undefined`: not looked up yet; `null`: looked up, and there is none. A cluster-scoped object has namespace ''. */
  object(resource: GroupVersionResource, namespace: string, name: string): StoredObject | null | undefined;
  /** All objects of a resource, in one namespace or in all; `undefined`: not looked up yet. */
  list(resource: GroupVersionResource, namespace: string | undefined): readonly KubeObject[] | undefined;
  /** Whether a signature holds: cryptography that the pure write path asks for. */
  verifies(check: SignatureCheck): boolean;
  /** The kinds that are served; absent: the built-in ones. */
  readonly catalog?: Catalog;
  /** What came of a call that an earlier step needed; undefined: not made yet. */
  answer(key: string): CallAnswer | undefined;
}

/** Something admission asks the runtime to look up, at one position for all. */
export type Need =
  | { readonly kind: 'object'; readonly resource: GroupVersionResource; readonly namespace?: string; readonly name: string }
  | { readonly kind: 'list'; readonly resource: GroupVersionResource; readonly namespace?: string }
  | { readonly kind: 'calls'; readonly calls: readonly Call[] };

/** Where a webhook listens: a URL, or a Service of the cluster (admissionregistration/v1 WebhookClientConfig). */
export type CallTarget =
  | { readonly url: string }
  | { readonly service: { readonly namespace: string; readonly name: string; readonly path?: string; readonly port?: number } };

/** A webhook to be called: a POST of JSON over HTTPS. `key` names the call within one write: the same key, the same body. */
export interface Call {
  readonly key: string;
  readonly target: CallTarget;
  /** The authority of its certificate, base64 of PEM; absent: the machine's own. */
  readonly caBundle?: string;
  readonly timeoutSeconds: number;
  readonly body: unknown;
}

/** What came of a call: the parsed JSON of a 200, or why there is none, in Go's words (`context deadline exceeded`, ...). */
export type CallAnswer = { readonly body: unknown } | { readonly failure: string };
