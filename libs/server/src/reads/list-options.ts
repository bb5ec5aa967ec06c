import { badRequest, forbiddenField, invalid, invalidValue, notSupported, notSupportedInOrder, type FieldError } from '#libs/apimachinery';
import type { Sequence } from '#libs/log';
import { truthy } from '../request-info.js';

/** metav1.ListOptions as a query gives them, validated. */
export interface ListOptions {
  readonly labelSelector: string;
  readonly fieldSelector: string;
  /** '' where none was given. */
  readonly resourceVersion: string;
  readonly resourceVersionMatch: '' | 'Exact' | 'NotOlderThan';
  readonly limit: number;
  readonly continue: string;
  readonly timeoutSeconds: number | undefined;
  readonly allowWatchBookmarks: boolean;
  readonly sendInitialEvents: boolean | undefined;
}

const NOT_OLDER = 'NotOlderThan';

/** Reads and validates the options of a list or a watch. Throws 422 in upstream's words, 400 where a number is none. */
export function listOptionsOf(query: URLSearchParams, watch: boolean): ListOptions {
  const initial = query.get('sendInitialEvents');
  const options = {
    labelSelector: query.get('labelSelector') ?? '',
    fieldSelector: query.get('fieldSelector') ?? '',
    resourceVersion: query.get('resourceVersion') ?? '',
    resourceVersionMatch: query.get('resourceVersionMatch') ?? '',
    limit: Math.max(0, integerOf(query, 'limit') ?? 0),
    continue: query.get('continue') ?? '',
    timeoutSeconds: integerOf(query, 'timeoutSeconds'),
    allowWatchBookmarks: truthy(query.get('allowWatchBookmarks')),
    sendInitialEvents: initial === null ? undefined : truthy(initial),
  };
  const problems = watch ? watchProblems(options) : listProblems(options);
  if (problems.length > 0) throw invalid('meta.k8s.io', 'ListOptions', '', problems);
  return { ...options, resourceVersionMatch: options.resourceVersionMatch as ListOptions['resourceVersionMatch'] };
}

type Raw = Omit<ListOptions, 'resourceVersionMatch'> & { readonly resourceVersionMatch: string };

function listProblems(options: Raw): readonly FieldError[] {
  const problems: FieldError[] = [];
  const { resourceVersionMatch: match, resourceVersion } = options;
  const about = (detail: string): void => void problems.push(forbiddenField('resourceVersionMatch', detail));
  if (match !== '') {
    if (resourceVersion === '') about('resourceVersionMatch is forbidden unless resourceVersion is provided');
    if (options.continue !== '') about('resourceVersionMatch is forbidden when continue is provided');
    if (match !== 'Exact' && match !== NOT_OLDER)
      problems.push(notSupportedInOrder('resourceVersionMatch', match, ['Exact', NOT_OLDER, '']));
    if (match === 'Exact' && resourceVersion === '0') about('resourceVersionMatch "exact" is forbidden for resourceVersion "0"');
  }
  if (options.sendInitialEvents !== undefined) {
    problems.push(forbiddenField('sendInitialEvents', 'sendInitialEvents is forbidden for list'));
  }
  return problems;
}

function watchProblems(options: Raw): readonly FieldError[] {
  const problems: FieldError[] = [];
  const { resourceVersionMatch: match, sendInitialEvents } = options;
  const about = (detail: string): void => void problems.push(forbiddenField('resourceVersionMatch', detail));
  if (sendInitialEvents !== undefined && match !== NOT_OLDER)
    about(`sendInitialEvents requires setting resourceVersionMatch to ${NOT_OLDER}`);
  if (match !== '') {
    if (sendInitialEvents === undefined) about('resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided');
    if (match !== NOT_OLDER) problems.push(notSupported('resourceVersionMatch', match, [NOT_OLDER]));
    if (options.continue !== '') about('resourceVersionMatch is forbidden when continue is provided');
  }
  return problems;
}

/** A whole number of a query; absent or empty: undefined. */
export function integerOf(query: URLSearchParams, key: string): number | undefined {
  const text = query.get(key);
  if (text === null || text === '') return undefined;
  if (!/^[+-]?\d+$/.test(text)) throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  const value = BigInt(text.replace('+', ''));
  if (value !== BigInt.asIntN(64, value)) throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: value out of range`);
  return Number(value);
}

/**
 * A resourceVersion as a sequence; '' counts as 0. A wrong one is 422 about `kind`, as the cache upstream says it
 * (storage `APIObjectVersioner.ParseResourceVersion`).
 */
export function sequenceOf(resourceVersion: string, about: { readonly group: string; readonly resource: string }): Sequence {
  if (resourceVersion === '') return 0;
  if (!/^\d{1,15}$/.test(resourceVersion)) {
    const why = /^\d+$/.test(resourceVersion) ? 'value out of range' : 'invalid syntax';
    const detail = `strconv.ParseUint: parsing ${JSON.stringify(resourceVersion)}: ${why}`;
    throw invalid(about.group, about.resource, '', [invalidValue('resourceVersion', resourceVersion, detail)]);
  }
  return Number(resourceVersion);
}
