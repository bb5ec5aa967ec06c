import { StatusError } from '#libs/apimachinery';

/** A form other than the object itself, of group `meta.k8s.io`. */
export interface Transform {
  readonly kind: 'Table' | 'PartialObjectMetadata' | 'PartialObjectMetadataList';
  readonly version: 'v1' | 'v1beta1';
}

/** How the answer is to be written. */
export interface Negotiated {
  readonly format: 'json' | 'yaml';
  readonly transform: Transform | undefined;
}

/** One clause of an Accept header. */
export interface AcceptClause {
  /** `type/subtype`, lower case. */
  readonly mediaType: string;
  readonly params: Readonly<Record<string, string>>;
}

const PLAIN: Negotiated = { format: 'json', transform: undefined };

/** The clauses of an Accept header, best first: by quality, then as written; wildcards after what is named. */
export function acceptClauses(header: string): readonly AcceptClause[] {
  const clauses = header.split(',').flatMap((text, index) => {
    const [mediaType = '', ...rest] = text.split(';').map((part) => part.trim());
    if (mediaType === '') return [];
    const params: Record<string, string> = {};
    for (const part of rest) {
      const at = part.indexOf('=');
      if (at > 0) params[part.slice(0, at).trim().toLowerCase()] = unquoted(part.slice(at + 1).trim());
    }
    const quality = params['q'] === undefined ? 1 : Number(params['q']);
    const stars = mediaType.split('*').length;
    return [{ mediaType: mediaType.toLowerCase(), params, quality: Number.isFinite(quality) ? quality : 1, stars, index }];
  });
  return clauses.filter(({ quality }) => quality > 0).sort((a, b) => b.quality - a.quality || a.stars - b.stars || a.index - b.index);
}

const unquoted = (text: string): string => (text.startsWith('"') && text.endsWith('"') && text.length > 1 ? text.slice(1, -1) : text);

const YAML = new Set(['application/yaml', 'application/x-yaml', 'text/yaml']);

/**
 * The form in which to answer. Throws 406 where nothing that the client accepts is served: Protocol Buffers
 * alone, or an unknown transformation. A watch streams JSON only.
 */
export function negotiate(accept: string | undefined, watch = false): Negotiated {
  if (accept === undefined || accept === '' || accept === '*/*' || accept === 'application/json') return PLAIN;
  for (const { mediaType, params } of acceptClauses(accept)) {
    const yaml = YAML.has(mediaType);
    if (!yaml && mediaType !== 'application/json' && mediaType !== '*/*' && mediaType !== 'application/*') continue;
    if (yaml && watch) continue;
    if (params['stream'] !== undefined && !(watch && params['stream'] === 'watch')) continue;
    const transform = transformOf(params);
    if (transform === 'unknown') continue;
    return { format: yaml ? 'yaml' : 'json', transform };
  }
  throw notAcceptable(watch ? ['application/json', 'application/json;stream=watch'] : ['application/json', 'application/yaml']);
}

function transformOf(params: AcceptClause['params']): Transform | undefined | 'unknown' {
  const { as: kind, g: group, v: version } = params;
  if (kind === undefined) return undefined;
  if (group !== 'meta.k8s.io' || (version !== 'v1' && version !== 'v1beta1')) return 'unknown';
  if (kind !== 'Table' && kind !== 'PartialObjectMetadata' && kind !== 'PartialObjectMetadataList') return 'unknown';
  return { kind, version };
}

/** 406, naming what is served. */
export const notAcceptable = (mediaTypes: readonly string[]): StatusError =>
  new StatusError('NotAcceptable', `only the following media types are accepted: ${mediaTypes.join(', ')}`);

/** 415, naming what is understood. */
export const unsupportedMediaType = (mediaTypes: readonly string[]): StatusError =>
  new StatusError(
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${mediaTypes.join(', ')}`,
  );
