import { AGE, column, kindOf, NAME, ownSchema, wideColumn, type ResourceDefinition } from '#libs/api';
import {
  fieldsOf,
  HISTORY_GROUP,
  HISTORY_VERSION,
  pastSchema,
  type Activity,
  type Cause,
  type Effect,
  type HistoryActor,
  type ObjectReference,
  type Revision,
} from '#libs/history';

const resourceOf = (resource: string) => ({ group: HISTORY_GROUP, version: HISTORY_VERSION, resource });
const model = (kind: string): string => `dev.decklog.history.${HISTORY_VERSION}.${kind}`;

/** Fields of one row that are named. */
const MOST_FIELDS = 3;

const objectText = ({ group, resource, name }: ObjectReference): string => `${resource}${group === '' ? '' : `.${group}`}/${name}`;
const actorText = ({ user, impersonator }: HistoryActor): string => (impersonator === undefined ? user : `${user} (by ${impersonator})`);
const verbText = ({ verb, subresource }: Pick<Revision, 'verb' | 'subresource'>): string =>
  subresource === undefined ? verb : `${verb} ${subresource}`;

function fieldsText(fields: readonly string[] | undefined): string {
  if (fields === undefined) return '';
  const more = fields.length - MOST_FIELDS;
  return `${fields.slice(0, MOST_FIELDS).join(',')}${more > 0 ? ` + ${more} more...` : ''}`;
}

/** `revisions`: the events of objects' lives. */
export const REVISIONS = kindOf<Revision>(resourceOf('revisions'), 'Revision', {
  scope: 'Namespaced',
  verbs: ['get', 'list'],
  model: model('Revision'),
  schema: ownSchema((metadata) => pastSchema('Revision', metadata)),
  columns: [
    NAME as never,
    column<Revision>('Object', ({ object }) => objectText(object)),
    column<Revision>('Type', ({ type }) => type),
    column<Revision>('Verb', verbText),
    column<Revision>('Actor', ({ actor }) => actorText(actor)),
    column<Revision>('Changes', ({ changes }) => fieldsText(changes && fieldsOf(changes))),
    AGE as never,
    wideColumn<Revision>('Manager', ({ fieldManager }) => fieldManager ?? ''),
    wideColumn<Revision>('Agent', ({ agent }) => agent ?? ''),
    wideColumn<Revision>('Source', ({ sourceAddress }) => sourceAddress ?? ''),
    wideColumn<Revision>('Root', ({ root }) => root),
    wideColumn<Revision>('Cause', ({ cause }) => cause ?? ''),
  ],
});

const countOf = (effects: readonly Effect[]): number => effects.reduce((sum, effect) => sum + 1 + countOf(effect.effects ?? []), 0);
const ends = ({ chain }: Cause): readonly [first: Revision | undefined, last: Revision | undefined] => [
  chain[0]?.revision,
  chain.at(-1)?.revision,
];

/** `causes`: why events happened, and what came of them. */
export const CAUSES = kindOf<Cause>(resourceOf('causes'), 'Cause', {
  scope: 'Namespaced',
  // They are listed of one object alone: whoever lists all there is must not think that these can be.
  verbs: ['get'],
  model: model('Cause'),
  schema: ownSchema((metadata) => pastSchema('Cause', metadata)),
  columns: [
    NAME as never,
    column<Cause>('Object', (cause) => objectTextOf(ends(cause)[1])),
    column<Cause>('Root', ({ chain }) => chain[0]?.place ?? ''),
    column<Cause>('Began With', (cause) => began(ends(cause)[0])),
    column<Cause>('Actor', (cause) => actorTextOf(ends(cause)[0])),
    column<Cause>('Steps', ({ chain }) => chain.length, 'integer'),
    column<Cause>('Effects', ({ effects, truncated }) => `${countOf(effects)}${truncated === true ? '+' : ''}`),
    AGE as never,
  ],
});

const objectTextOf = (revision: Revision | undefined): string => (revision === undefined ? '<hidden>' : objectText(revision.object));
const actorTextOf = (revision: Revision | undefined): string => (revision === undefined ? '<hidden>' : actorText(revision.actor));
const began = (revision: Revision | undefined): string =>
  revision === undefined ? '<hidden>' : `${verbText(revision)} ${objectText(revision.object)}`;

/** `activities`: the audit trail, changes and other requests alike. */
export const ACTIVITIES = kindOf<Activity>(resourceOf('activities'), 'Activity', {
  scope: 'Namespaced',
  verbs: ['list', 'watch'],
  model: model('Activity'),
  schema: ownSchema((metadata) => pastSchema('Activity', metadata)),
  columns: [
    NAME as never,
    column<Activity>('Category', ({ category }) => category),
    column<Activity>('Actor', ({ actor }) => actorText(actor)),
    column<Activity>('Verb', verbText),
    column<Activity>('Object', ({ object, path }) => (object === undefined ? (path ?? '') : objectText(object))),
    column<Activity>('Changes', ({ fields }) => fieldsText(fields)),
    column<Activity>('Code', ({ code }) => (code === undefined ? '' : String(code))),
    AGE as never,
    wideColumn<Activity>('Agent', ({ agent }) => agent ?? ''),
    wideColumn<Activity>('Source', ({ sourceAddress }) => sourceAddress ?? ''),
    wideColumn<Activity>('Root', ({ root }) => root ?? ''),
  ],
});

/** The kinds of the past: served, and nothing of them stored. */
export const PAST_KINDS: readonly ResourceDefinition[] = [REVISIONS as never, CAUSES as never, ACTIVITIES as never];
