import type { PodContext } from './pod-context.js';

/** `key="value"` per line, sorted by key: how the downward API writes labels and annotations. */
const formatMap = (map: Readonly<Record<string, string>> | undefined): string =>
  Object.entries(map ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${goQuote(value)}`)
    .join('\n');

const goQuote = (text: string): string =>
  JSON.stringify(text).replace(/[\u007f-\u009f]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);

const SUBSCRIPT = /^metadata\.(labels|annotations)\['(.+)'\]$/;

/** The value of a field of the pod as the downward API serves it; unknown fields are empty. */
export function fieldValue(context: PodContext, fieldPath: string): string {
  const { metadata, spec } = context.pod;
  const subscript = SUBSCRIPT.exec(fieldPath);
  if (subscript) return metadata[subscript[1] as 'labels' | 'annotations']?.[subscript[2] ?? ''] ?? '';
  const values: Readonly<Record<string, () => string>> = {
    'metadata.name': () => metadata.name ?? '',
    'metadata.namespace': () => metadata.namespace ?? '',
    'metadata.uid': () => metadata.uid ?? '',
    'metadata.labels': () => formatMap(metadata.labels),
    'metadata.annotations': () => formatMap(metadata.annotations),
    'spec.nodeName': () => context.nodeName,
    'spec.serviceAccountName': () => spec?.serviceAccountName ?? '',
    'status.hostIP': () => context.hostIP,
    'status.hostIPs': () => context.hostIP,
    'status.podIP': () => context.podIP,
    'status.podIPs': () => context.podIP,
  };
  return values[fieldPath]?.() ?? '';
}
