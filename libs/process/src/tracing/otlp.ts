import type { Span } from './spans.js';

const KINDS = { internal: 1, server: 2, producer: 4 } as const;
const nanoseconds = (ms: number): string => `${Math.trunc(ms)}${String(Math.round((ms % 1) * 1e6)).padStart(6, '0')}`;

const attribute = (key: string, value: string | number): object => ({
  key,
  value: typeof value === 'number' ? { intValue: String(value) } : { stringValue: value },
});
const attributesOf = (values: Readonly<Record<string, string | number>>): readonly object[] =>
  Object.entries(values).flatMap(([key, value]) => (value === '' ? [] : [attribute(key, value)]));

const spanOf = ({ traceId, spanId, parentSpanId, name, kind, begin, end, attributes, isError, links }: Span): object => ({
  traceId,
  spanId,
  ...(parentSpanId === undefined ? {} : { parentSpanId }),
  name,
  kind: KINDS[kind],
  startTimeUnixNano: nanoseconds(begin),
  endTimeUnixNano: nanoseconds(end),
  attributes: attributesOf(attributes),
  ...(links === undefined ? {} : { links }),
  ...(isError === true ? { status: { code: 2 } } : {}),
});

/** Spans as OTLP has them in JSON: an ExportTraceServiceRequest. `resource`: what is said of the process they come from. */
export const exportRequest = (spans: readonly Span[], resource: Readonly<Record<string, string>>): object => ({
  resourceSpans: [
    { resource: { attributes: attributesOf(resource) }, scopeSpans: [{ scope: { name: 'decklog' }, spans: spans.map(spanOf) }] },
  ],
});
