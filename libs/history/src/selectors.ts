import { badRequest, parseFieldSelector } from '#libs/apimachinery';
import type { AuditKind } from '#libs/log';
import { MOMENT_FORMS, parseMoment, type Moment } from './moment.js';
import { parsePlace } from './place.js';
import type { ActivityCategory } from './wire.js';

/** What of the past is asked for, as a field selector says it. What is absent matches all. */
export interface PastSelection {
  readonly group?: string;
  readonly resource?: string;
  readonly kind?: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly uid?: string;
  readonly actor?: string;
  readonly verb?: string;
  /** `stream:sequence`. */
  readonly root?: string;
  readonly cause?: string;
  readonly since?: Moment;
  readonly until?: Moment;
  /** A field: what changed it, or something within it. */
  readonly changed?: string;
  readonly category?: ActivityCategory;
}

const CATEGORIES: readonly ('change' | AuditKind)[] = [
  'change',
  'annotated',
  'connect',
  'denied',
  'failed',
  'impersonation',
  'secret',
  'token',
];

type Reads = Readonly<Record<string, (value: string) => PastSelection>>;

function momentOf(field: string, text: string): Moment {
  const moment = parseMoment(text);
  if (moment === undefined) throw badRequest(`invalid field selector: ${field}=${text}: it must be ${MOMENT_FORMS}`);
  return moment;
}

function placeOf(field: string, text: string): string {
  const place = parsePlace(text);
  if (place === undefined) throw badRequest(`invalid field selector: ${field}=${text}: it must be an event, like state:12`);
  return `${place.stream}:${place.sequence}`;
}

const REVISION_FIELDS: Reads = {
  'object.group': (group) => ({ group }),
  'object.resource': (resource) => ({ resource }),
  'object.kind': (kind) => ({ kind }),
  'object.namespace': (namespace) => ({ namespace }),
  'object.name': (name) => ({ name }),
  'object.uid': (uid) => ({ uid }),
  'metadata.namespace': (namespace) => ({ namespace }),
  actor: (actor) => ({ actor }),
  verb: (verb) => ({ verb }),
  root: (text) => ({ root: placeOf('root', text) }),
  cause: (text) => ({ cause: placeOf('cause', text) }),
  since: (text) => ({ since: momentOf('since', text) }),
  until: (text) => ({ until: momentOf('until', text) }),
  changed: (changed) => ({ changed }),
};

const ACTIVITY_FIELDS: Reads = {
  ...REVISION_FIELDS,
  category: (text) => {
    const category = CATEGORIES.find((known) => known === text);
    if (category === undefined) throw badRequest(`invalid field selector: category=${text}: it must be one of ${CATEGORIES.join(', ')}`);
    return { category };
  },
};

/** The fields by which each kind of the past is selected. */
export const PAST_FIELDS = { Revision: REVISION_FIELDS, Cause: REVISION_FIELDS, Activity: ACTIVITY_FIELDS } as const;

/** Reads a `fieldSelector`. Throws 400 for a field that is not selected by, for another operator than `=`, and for a value that is none. */
export function pastSelectionOf(text: string, kind: keyof typeof PAST_FIELDS): PastSelection {
  const fields: Reads = PAST_FIELDS[kind];
  let selection: PastSelection = {};
  for (const { field, operator, value } of text === '' ? [] : parseFieldSelector(text)) {
    const read = Object.hasOwn(fields, field) ? fields[field] : undefined;
    if (read === undefined) {
      throw badRequest(`field label not supported: ${field}; ${kind}s are selected by ${Object.keys(fields).join(', ')}`);
    }
    if (operator !== '=') throw badRequest(`invalid field selector: ${field}${operator}${value}: the past is selected by = alone`);
    const part = read(value);
    const [twice] = Object.keys(part).filter((key) => Object.hasOwn(selection, key));
    if (twice !== undefined) throw badRequest(`invalid field selector: ${field} is given twice`);
    selection = { ...selection, ...part };
  }
  return selection;
}
