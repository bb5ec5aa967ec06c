import { createHash } from 'node:crypto';
import { absolutePlace, formatPlace, parseSubject } from '#libs/log';
import type { AppendTrace, ReconcileTrace, RequestTrace } from '#libs/runtime';

/** A span as OpenTelemetry has it: ids in hexadecimal, times in milliseconds since 1970. */
export interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: 'internal' | 'server' | 'producer';
  readonly begin: number;
  readonly end: number;
  readonly attributes: Readonly<Record<string, string | number>>;
  readonly isError?: boolean;
  readonly links?: readonly SpanPlace[];
}

/** Where a span is. */
export interface SpanPlace {
  readonly traceId: string;
  readonly spanId: string;
}

const hash = (length: number, ...parts: readonly string[]): string => {
  const hex = createHash('sha256').update(parts.join('\0')).digest('hex').slice(0, length);
  // An id of zeros is none.
  return /^0+$/.test(hex) ? hex.replace(/0$/, '1') : hex;
};

/** Ids that every process works out alike, so that whoever goes on with what another began joins its trace without being told. */
export interface Ids {
  /** Of the trace that a root event began. */
  trace(root: string): string;
  /** Of a trace that holds one request and changes nothing. */
  lone(requestId: string): string;
  event(place: string): string;
  request(requestId: string): string;
  reconcile(controller: string, key: string, decidedAt: number): string;
}

/** The ids of a cluster. */
export const idsOf = (cluster: string): Ids => ({
  trace: (root) => hash(32, 'trace', cluster, root),
  lone: (requestId) => hash(32, 'request', cluster, requestId),
  event: (place) => hash(16, 'event', cluster, place),
  request: (requestId) => hash(16, 'request', cluster, requestId),
  reconcile: (controller, key, decidedAt) => hash(16, 'reconcile', cluster, controller, key, String(decidedAt)),
});

/** Whether a trace is among the share that is kept: every process says the same of it. */
export const isSampled = (traceId: string, ratio: number): boolean => parseInt(traceId.slice(-12), 16) < ratio * 16 ** 12;

const TRACEPARENT = /^[\da-f]{2}-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})/;

/** What a W3C `traceparent` says; undefined where it says nothing that is valid. */
export function parentOf(traceparent: string | undefined): (SpanPlace & { readonly isSampled: boolean }) | undefined {
  const [, traceId = '', spanId = '', flags = ''] = TRACEPARENT.exec(traceparent ?? '') ?? [];
  if (traceId === '' || traceparent?.startsWith('ff') === true || /^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  return { traceId, spanId, isSampled: (parseInt(flags, 16) & 1) === 1 };
}

/** The root of what an event belongs to: its own place where it is the first. */
export interface Chain {
  readonly root: string;
  readonly cause?: string;
}

/** The chain of the first event that an append stored. */
export function chainOf({ stream, writes, sequences }: AppendTrace): Chain | undefined {
  const [write] = writes;
  const [sequence] = sequences;
  if (write === undefined || sequence === undefined) return undefined;
  const { root, cause } = write.meta;
  return { root: root ?? formatPlace(stream, sequence), ...(cause === undefined ? {} : { cause }) };
}

/** A span for each event that was stored: below the request or the decision that wrote it. */
export function appendSpans(ids: Ids, { stream, writes, sequences, begin, end }: AppendTrace): readonly Span[] {
  return writes.flatMap(({ subject, meta }, i): readonly Span[] => {
    const sequence = sequences[i];
    const parts = parseSubject(subject);
    if (sequence === undefined || parts === undefined) return [];
    const place = formatPlace(stream, sequence);
    const root = meta.root === undefined ? place : absolutePlace(meta.root, stream, sequence);
    const cause = meta.cause === undefined ? undefined : absolutePlace(meta.cause, stream, sequence);
    const { requestId, decision } = meta;
    const parentSpanId = decision
      ? ids.reconcile(decision.controller, decision.key, decision.decidedAt)
      : requestId !== undefined
        ? ids.request(requestId)
        : cause && ids.event(cause);
    const { group, resource, namespace, name } = parts;
    return [
      {
        traceId: ids.trace(root),
        spanId: ids.event(place),
        ...(parentSpanId === undefined ? {} : { parentSpanId }),
        name: `append ${meta.type} ${resource}`,
        kind: 'producer',
        begin,
        end,
        attributes: {
          'decklog.stream': stream,
          'decklog.sequence': sequence,
          'decklog.root': root,
          ...(cause === undefined ? {} : { 'decklog.cause': cause }),
          'decklog.actor': meta.actor.user,
          'k8s.group': group,
          'k8s.resource': resource,
          'k8s.namespace.name': namespace,
          'k8s.object.name': name,
        },
      },
    ];
  });
}

/** The span of a decision that changed something, below the event that woke it; undefined where nothing is known of why it was made. */
export function reconcileSpan(ids: Ids, reconcile: ReconcileTrace): Span | undefined {
  const { controller, key, decidedAt, cause, root, outcome, begin, end } = reconcile;
  if (root === undefined) return undefined;
  return {
    traceId: ids.trace(root),
    spanId: ids.reconcile(controller, key, decidedAt),
    ...(cause === undefined ? {} : { parentSpanId: ids.event(cause) }),
    name: `reconcile ${controller}`,
    kind: 'internal',
    begin,
    end,
    attributes: { 'decklog.controller': controller, 'decklog.key': key, 'decklog.root': root, 'decklog.outcome': outcome },
    ...(outcome === 'failed' ? { isError: true } : {}),
  };
}

/**
 * The span of a request: in the trace of what it changed, or in one of its own. Where its client has a trace, it is there too, and each of
 * the two points to the other.
 */
export function requestSpans(ids: Ids, request: RequestTrace, chain: Chain | undefined): readonly Span[] {
  const { id, verb, group, version, resource, subresource, namespace, name, user, agent, code, begin, end } = request;
  const parent = parentOf(request.traceparent);
  const spanId = ids.request(id);
  const own: Span = {
    traceId: chain ? ids.trace(chain.root) : ids.lone(id),
    spanId,
    ...(chain?.cause === undefined ? {} : { parentSpanId: ids.event(chain.cause) }),
    name: `${verb} ${[resource === '' ? 'path' : resource, subresource].filter((part) => part !== '').join('/')}`,
    kind: 'server',
    begin,
    end,
    attributes: {
      'decklog.request.id': id,
      'k8s.verb': verb,
      'k8s.group': group,
      'k8s.version': version,
      'k8s.resource': resource,
      'k8s.subresource': subresource,
      'k8s.namespace.name': namespace,
      'k8s.object.name': name,
      'http.response.status_code': code,
      ...(user === undefined ? {} : { 'enduser.id': user }),
      ...(agent === undefined ? {} : { 'user_agent.original': agent }),
      ...(chain === undefined ? {} : { 'decklog.root': chain.root }),
    },
    ...(code >= 500 ? { isError: true } : {}),
  };
  if (parent === undefined) return [own];
  const { parentSpanId: _within, ...rest } = own;
  const theirs: Span = { ...rest, traceId: parent.traceId, parentSpanId: parent.spanId };
  if (chain === undefined) return [theirs];
  return [
    { ...own, links: [{ traceId: theirs.traceId, spanId }] },
    { ...theirs, links: [{ traceId: own.traceId, spanId }] },
  ];
}
