import { StatusError } from '#libs/apimachinery';

/** A form other than the object itself, of group `meta.k8s.io`. */
export interface Transform {
  readonly kind: 'Table' | 'PartialObjectMetadata' | 'PartialObjectMetadataList';
  readonly version: 'v1' | 'v1beta1';
}

/** The encodings of answers. */
export type Format = 'json' | 'yaml' | 'protobuf';

/** How the answer is to be written. */
export interface Negotiated {
  readonly format: Format;
  readonly transform: Transform | undefined;
  /** Whether the media type itself asks for indented JSON. */
  readonly pretty?: boolean;
}

/** One clause of an Accept header. */
export interface AcceptClause {
  /** The two halves of `type/subtype`. */
  readonly type: string;
  readonly subtype: string;
  readonly params: Readonly<Record<string, string>>;
}

/** What a clause asks an answer to be turned into. */
export interface Target {
  readonly kind: string;
  readonly group: string;
  readonly version: string;
}

/** Whether an endpoint can answer in a format, and in another form than its own: upstream's EndpointRestrictions. */
export type Allows = (format: Format, target: Target | undefined) => boolean;

const PLAIN: Negotiated = { format: 'json', transform: undefined };
const MEDIA_TYPES = { json: 'application/json', yaml: 'application/yaml', protobuf: 'application/vnd.kubernetes.protobuf' } as const;
const FORMATS: readonly Format[] = ['json', 'yaml', 'protobuf'];

/** The media type of a format. */
export const mediaTypeOfFormat = (format: Format): string => MEDIA_TYPES[format];

/** Every media type that objects are read and written in, in upstream's order. */
export const OBJECT_MEDIA_TYPES: readonly string[] = FORMATS.map(mediaTypeOfFormat);

const STREAMED: readonly Format[] = ['json', 'protobuf'];
const STREAM_MEDIA_TYPES: readonly string[] = STREAMED.map((format) => `${MEDIA_TYPES[format]};stream=watch`);

const isMeta = ({ group, version }: Target): boolean => group === 'meta.k8s.io' && (version === 'v1' || version === 'v1beta1');

/** Objects as they are, in any format. */
export const ANY_FORMAT: Allows = (_, target) => target === undefined;

/** Built-in objects: all formats; metadata alone too, a table in all but Protocol Buffers, which have none. */
export const BUILT_IN_OBJECTS: Allows = (format, target) => {
  if (target === undefined) return true;
  if (!isMeta(target)) return false;
  return target.kind === 'Table' ? format !== 'protobuf' : isPartial(target.kind);
};

/** Custom resources: as built-in ones, but they have no Protocol Buffers; their metadata alone has. */
export const CUSTOM_OBJECTS: Allows = (format, target) =>
  (target !== undefined || format !== 'protobuf') && BUILT_IN_OBJECTS(format, target);

/** Kinds that no table is made of: reviews and requests. */
export const WITHOUT_TABLE: Allows = (format, target) => target?.kind !== 'Table' && BUILT_IN_OBJECTS(format, target);

const isPartial = (kind: string): boolean => kind === 'PartialObjectMetadata' || kind === 'PartialObjectMetadataList';

interface Weighed extends AcceptClause {
  readonly quality: number;
}

/** Upstream's order (goautoneg): by quality, but what is named stands before what a wildcard allows. */
const before = (a: Weighed, b: Weighed): boolean =>
  a.quality > b.quality || (a.type !== '*' && b.type === '*') || (a.subtype !== '*' && b.subtype === '*');

const MOST_CLAUSES = 64;

/** The clauses of an Accept header, best first. A header with more than 64 is cut off there. */
export function acceptClauses(header: string): readonly AcceptClause[] {
  const sorted: Weighed[] = [];
  for (const text of header.split(',', MOST_CLAUSES)) {
    const clause = clauseOf(text);
    if (clause === undefined) continue;
    let at = sorted.length;
    for (let last = sorted[at - 1]; last !== undefined && before(clause, last); last = sorted[at - 1]) at--;
    sorted.splice(at, 0, clause);
  }
  return sorted;
}

function clauseOf(text: string): Weighed | undefined {
  const [range = '', ...rest] = text.split(';');
  const [type = '', subtype = type.trim() === '*' ? '*' : ''] = range.trim().split('/');
  if (subtype === '') return undefined;
  const params: Record<string, string> = {};
  let quality = 1;
  for (const part of rest) {
    const [name = '', value, more] = part.split('=');
    if (value === undefined || value === '' || more !== undefined) continue;
    if (name.trim() === 'q') quality = Number(value) || 0;
    else params[name.trim()] = value.trim();
  }
  return { type: type.trim(), subtype: subtype.trim(), params, quality };
}

/** The form in which to answer. Throws 406 where nothing that the client accepts is served. */
export function negotiate(accept: string | undefined, allows: Allows = ANY_FORMAT): Negotiated {
  if (accept === undefined || accept === '' || accept === '*/*' || accept === 'application/json') return PLAIN;
  const found = accepted(accept, allows);
  if (found === undefined) throw notAcceptable(OBJECT_MEDIA_TYPES);
  return found;
}

/** The form of a watch's answer: a stream in JSON or Protocol Buffers. Throws 406. */
export function negotiateStream(accept: string | undefined, allows: Allows): Negotiated {
  const found = negotiate(accept, allows);
  if (!STREAMED.includes(found.format)) throw notAcceptable(STREAM_MEDIA_TYPES);
  return found;
}

/** The form of a failure: as the client accepts it, otherwise JSON. */
export const formatOfFailure = (accept: string | undefined): Format =>
  accept === undefined || accept === '' ? 'json' : (accepted(accept, ANY_FORMAT)?.format ?? 'json');

/** The first form that a client accepts and an endpoint has; undefined where there is none. */
export function accepted(accept: string, allows: Allows): Negotiated | undefined {
  for (const clause of acceptClauses(accept)) {
    const { type, subtype, params } = clause;
    for (const format of FORMATS) {
      if (type !== '*' && (type !== 'application' || (subtype !== '*' && `${type}/${subtype}` !== MEDIA_TYPES[format]))) continue;
      if (type === '*' && subtype !== '*') continue;
      const { stream = '', sv = '' } = params;
      if (stream !== '' && (stream !== 'watch' || !STREAMED.includes(format))) continue;
      if (sv !== '' && sv !== 'v1') continue;
      const target = targetOf(params);
      if (!allows(format, target)) continue;
      const transform = target === undefined ? undefined : ({ kind: target.kind, version: target.version } as Transform);
      return { format, transform, ...(params['pretty'] === '1' ? { pretty: true } : {}) };
    }
  }
  return undefined;
}

function targetOf({ as: kind, g: group, v: version }: AcceptClause['params']): Target | undefined {
  if (kind === undefined && group === undefined && version === undefined) return undefined;
  return { kind: kind ?? '', group: group ?? '', version: version ?? '' };
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
