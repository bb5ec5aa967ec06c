import { modelFacts, type FieldFact } from '../schema/facts.js';
import { schemaPath, type Schema } from './reference.js';

type ParameterType = 'string' | 'boolean' | 'integer';

const query = (name: string, type: ParameterType): Schema => ({ name, in: 'query', schema: { type, uniqueItems: true } });

/** A part of the path that must be given. */
export const inPath = (name: string): Schema => ({ name, in: 'path', required: true, schema: { type: 'string', uniqueItems: true } });

/** Every operation may be asked for indented JSON. */
export const PRETTY = query('pretty', 'string');
/** Of create and update. */
export const WRITE = [query('dryRun', 'string'), query('fieldManager', 'string'), query('fieldValidation', 'string')];
/** Of patch. */
export const PATCH = [...WRITE, query('force', 'boolean')];
/** Of list and watch. */
export const LIST = [
  query('allowWatchBookmarks', 'boolean'),
  query('continue', 'string'),
  query('fieldSelector', 'string'),
  query('labelSelector', 'string'),
  query('limit', 'integer'),
  query('resourceVersion', 'string'),
  query('resourceVersionMatch', 'string'),
  query('sendInitialEvents', 'boolean'),
  query('timeoutSeconds', 'integer'),
  query('watch', 'boolean'),
];
/** Of the deletion of one object. */
export const DELETE = [
  query('dryRun', 'string'),
  query('gracePeriodSeconds', 'integer'),
  query('ignoreStoreReadErrorWithClusterBreakingPotential', 'boolean'),
  query('orphanDependents', 'boolean'),
  query('propagationPolicy', 'string'),
];
/** Of the deletion of many. */
export const DELETE_MANY = [...DELETE, ...LIST.filter(({ name }) => name !== 'allowWatchBookmarks' && name !== 'watch')].sort((a, b) =>
  String(a['name']) < String(b['name']) ? -1 : 1,
);

const PARAMETER_TYPES: Readonly<Record<string, ParameterType>> = { bool: 'boolean', int32: 'integer', int64: 'integer' };

/** What a stream is asked with: the fields of its kind of options, e.g. PodExecOptions. */
export const optionParameters = (model: string): readonly Schema[] =>
  Object.entries(modelFacts(model))
    .filter(([name, { type }]: readonly [string, FieldFact]) => name !== 'kind' && name !== 'apiVersion' && !type.startsWith('#'))
    .map(([name, { type }]) => query(name, PARAMETER_TYPES[type] ?? 'string'));

const JSON_TYPE = 'application/json';
const YAML = 'application/yaml';
const PROTOBUF = 'application/vnd.kubernetes.protobuf';
const STREAMED = ';stream=watch';

/** Of a body: in any encoding that the server reads. */
export const anyContent = (model: string): Schema => ({ '*/*': { schema: { $ref: schemaPath(model) } } });

/** Of an answer, in all encodings that a kind has; `streamed`: a list, which may be watched. */
export function encodedContent(model: string, protobuf: boolean, streamed = false): Schema {
  const encodings = protobuf ? [JSON_TYPE, PROTOBUF] : [JSON_TYPE];
  const types = [...encodings, ...(streamed ? encodings.map((type) => type + STREAMED) : []), YAML];
  return Object.fromEntries(types.sort().map((type) => [type, { schema: { $ref: schemaPath(model) } }]));
}

const SENTENCES: Readonly<Record<number, string>> = { 200: 'OK', 201: 'Created', 202: 'Accepted' };

/** What an operation answers, by its code. */
export const answers = (content: Schema, codes: readonly number[]): Schema =>
  Object.fromEntries([
    ...codes.map((code) => [`${code}`, { description: SENTENCES[code], content }]),
    ['401', { description: 'Unauthorized' }],
  ]);
