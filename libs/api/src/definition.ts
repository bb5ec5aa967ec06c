import type { FieldError, GroupVersionResource, Instant, KubeObject, NameRule } from '#libs/apimachinery';
import type { MergeType } from '#libs/structured-merge';
import type { Scale } from './generated/types.js';
import type { Decoded, DecodeOptions } from './schema/index.js';

/** Who asks, as far as a strategy may know: what kinds that record their requester keep. */
export interface RequestingUser {
  readonly name: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

/** What a strategy may know of the request besides the objects. */
export interface PrepareContext {
  readonly now: Instant;
  readonly user?: RequestingUser;
}

/** The rules of a subresource that changes a part of its object and is neither `status` nor `scale`: `approval`, `resize`. */
export interface PartStrategy<T extends KubeObject = KubeObject> {
  /** The object with nothing of `next` but what the subresource may change. */
  readonly prepare: (next: T, old: T, context: PrepareContext) => T;
  /** Every problem of the prepared change. */
  readonly validate: (next: T, old: T) => readonly FieldError[];
}

/**
 * What Kubernetes calls a strategy: a kind's own rules on the write path. All pure; objects are not mutated.
 * What is left out does what most kinds do (see `standardStrategy`).
 */
export interface Strategy<T extends KubeObject = KubeObject> {
  /** Fills the fields a client may leave out, as the kind's `SetDefaults_*` functions upstream. */
  readonly defaults: (object: T) => T;
  /** Drops what a client may not set on create (status), sets what the server owns. `metadata` is the registry's work. */
  readonly prepareForCreate: (object: T, context: PrepareContext) => T;
  /** The same for an update of the main resource: keeps status, moves `metadata.generation` where spec changed. */
  readonly prepareForUpdate: (next: T, old: T, context: PrepareContext) => T;
  /** For `status` writes: everything but status (and metadata as upstream lets through) stays as in `old`. */
  readonly prepareForStatusUpdate: (next: T, old: T, context: PrepareContext) => T;
  /** Every problem of a new object, not the first. An empty list admits it. `metadata` has been validated by the registry. */
  readonly validate: (object: T) => readonly FieldError[];
  /** Every problem of a change; includes `validate(next)` where upstream does. */
  readonly validateUpdate: (next: T, old: T) => readonly FieldError[];
  readonly validateStatusUpdate: (next: T, old: T) => readonly FieldError[];
  /** The rules of further subresources that are parts of the object, by name. */
  readonly parts?: Readonly<Record<string, PartStrategy<T>>>;
  /** What the first request to delete an object changes besides what it changes of any object. Absent: nothing. */
  readonly prepareForDelete?: (object: T, context: PrepareContext) => T;
  /** Sentences for `Warning` headers. */
  readonly warnings: (next: T, old: T | undefined) => readonly string[];
}

/** How the objects of a kind without generated facts are read and merged: those of a custom resource. */
export interface ObjectSchema {
  /** As `decode` for built-in kinds: wrong types throw BadRequest, unknown fields are dropped and told. */
  readonly decode: (body: unknown, options: DecodeOptions) => Decoded;
  /** How its objects merge in server-side apply. */
  readonly merge: MergeType;
  /** The same for another version of the kind, by its apiVersion; undefined where it is not served. */
  readonly mergeAt: (apiVersion: string) => MergeType | undefined;
  /** Its schema in OpenAPI documents. */
  readonly published: () => Readonly<Record<string, unknown>>;
}

/** One column of `kubectl get`, as in metav1.TableColumnDefinition; priority > 0 shows with `-o wide` only. */
export interface PrinterColumn<T extends KubeObject = KubeObject> {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'date' | 'boolean' | 'number';
  readonly format?: string;
  readonly priority: number;
  /** What the column is about, where that is told. */
  readonly description?: string;
  readonly cell: (object: T, now: Instant) => string | number | boolean | null;
}

/** How objects are scaled whose replicas are not where those of built-in kinds are. */
export interface ScaleRules {
  /** What Scale says of an object; `found`: whether it says how many replicas are wanted. */
  readonly read: (object: KubeObject) => Pick<Scale, 'spec' | 'status'> & { readonly found: boolean };
  /** The object with as many replicas wanted. */
  readonly write: (object: KubeObject, replicas: number) => KubeObject;
  /** Where they are, e.g. `.spec.replicas`. */
  readonly path: string;
}

/** Where a webhook listens: a URL, or a Service of the cluster. */
export type WebhookTarget =
  | { readonly url: string }
  | { readonly service: { readonly namespace: string; readonly name: string; readonly path?: string; readonly port?: number } };

/** Converts objects between versions where that takes a webhook (apiextensions.k8s.io/v1 ConversionReview). */
export interface VersionWebhook {
  readonly target: WebhookTarget;
  readonly caBundle?: string;
  readonly timeoutSeconds: number;
  /** The body of a call that asks for these objects in a version. */
  readonly review: (uid: string, objects: readonly KubeObject[], apiVersion: string) => unknown;
  /** The objects that a call has answered with. Throws StatusError where it has not done what it was asked. */
  readonly converted: (
    uid: string,
    objects: readonly KubeObject[],
    apiVersion: string,
    answer: { readonly body: unknown } | { readonly failure: string },
  ) => readonly KubeObject[];
}

/** One served subresource: what discovery says of it, e.g. `pods/log`, kind Pod, verbs get. */
export interface SubresourceDefinition {
  readonly name: string;
  readonly kind: string;
  /** Group and version of `kind` where they are not the parent's (Scale: autoscaling/v1; Eviction: policy/v1). */
  readonly group?: string;
  readonly version?: string;
  readonly verbs: readonly string[];
  /** Of `scale`, where the replicas are not where those of built-in kinds are. */
  readonly scale?: ScaleRules;
  /** The columns of `kubectl get --subresource` where its kind is not the parent's. */
  readonly columns?: readonly PrinterColumn[];
}

/** One served resource: everything discovery, routing, the registry, OpenAPI and kubectl need to know. */
export interface ResourceDefinition<T extends KubeObject = KubeObject> {
  readonly resource: GroupVersionResource;
  readonly kind: string;
  readonly listKind: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly scope: 'Namespaced' | 'Cluster';
  /** The rule of the kind's names; absent: `dnsSubdomainNames`. The registry applies it with the rest of metadata. */
  readonly names?: NameRule;
  /** True where an update of an object that does not exist creates it (upstream's AllowCreateOnUpdate). */
  readonly createOnUpdate?: boolean;
  /** False where an update must carry a resourceVersion (upstream's AllowUnconditionalUpdate). Absent: true. */
  readonly unconditionalUpdate?: boolean;
  readonly verbs: readonly string[];
  /** False where objects of this version are stored and not served: a version of a custom resource that was turned off. */
  readonly served?: boolean;
  /**
   * Present where a deletion that does not say what becomes of dependents leaves them (upstream's
   * DefaultGarbageCollectionPolicy OrphanDependents), with what its client is told.
   */
  readonly orphansDependents?: { readonly warning?: string };
  /** True where the kind is on its way out: nothing of it is created any more. */
  readonly terminating?: boolean;
  /** The sentence of the `Warning` header that goes with every answer where upstream deprecates the kind. */
  readonly deprecation?: string;
  /** Name of the kind's type in the generated facts, e.g. `io.k8s.api.core.v1.Pod`. */
  readonly model: string;
  /** Present for custom resources: takes the place of `model`'s facts. */
  readonly schema?: ObjectSchema;
  /**
   * The fields that an applier of the main resource ('') or of a subresource can't own, as dotted paths: upstream's
   * GetResetFields. Absent: `status` for the main resource, `spec` for `status`.
   */
  readonly resetFields?: Readonly<Record<string, readonly string[]>>;
  /** The stream its events live in. */
  readonly stream: 'state' | 'lease' | 'event';
  /**
   * Where two groups serve the same objects (events, events.k8s.io/events), the resource they are stored as.
   * `toStored` and `fromStored` then convert at the edge.
   */
  readonly storage?: {
    readonly resource: GroupVersionResource;
    readonly toStored: (object: T) => KubeObject;
    readonly fromStored: (stored: KubeObject) => T;
    /** Present where an object of another version is first converted by a webhook. */
    readonly webhook?: VersionWebhook;
  };
  readonly subresources: readonly SubresourceDefinition[];
  /** Selectable fields besides metadata.name and metadata.namespace, with how to read each. */
  readonly fields: Readonly<Record<string, (object: T) => string>>;
  readonly strategy: Strategy<T>;
  readonly columns: readonly PrinterColumn<T>[];
}
