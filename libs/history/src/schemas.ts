import type { Activity, Cause, Revision } from './wire.js';

type Schema = Readonly<Record<string, unknown>>;

const text = (description: string): Schema => ({ description, type: 'string' });
const whole = (description: string): Schema => ({ description, type: 'integer', format: 'int64' });
const any = (description: string): Schema => ({ description, 'x-kubernetes-preserve-unknown-fields': true });
const list = (description: string, items: Schema): Schema => ({ description, type: 'array', items });
const map = (description: string, properties: Schema, required: readonly string[] = []): Schema => ({
  description,
  type: 'object',
  ...(required.length === 0 ? {} : { required }),
  properties,
});

const OBJECT = map(
  'The object that it is about.',
  {
    apiVersion: text('Group and version that the object was stored in.'),
    kind: text('Its kind.'),
    group: text('Its group; empty for the core group.'),
    resource: text('Its resource, plural.'),
    namespace: text('Its namespace; absent for an object of the cluster.'),
    name: text('Its name.'),
    uid: text('Its uid: another one after it was deleted and created again.'),
  },
  ['group', 'resource', 'name'],
);

const ACTOR = map(
  'Who asked.',
  {
    user: text('The name of the user.'),
    uid: text('The uid of the user, where known.'),
    groups: list('The groups of the user.', { type: 'string' }),
    impersonator: text('Who really asked, where somebody acted as somebody else.'),
  },
  ['user'],
);

const DECISION = map('How a controller came to it: enough to decide again.', {
  controller: text('The name of the controller.'),
  build: text('The build that decided.'),
  key: text('What it was looking at.'),
  seen: text('The position of the state it decided on.'),
  decidedAt: text('The time it was given.'),
  index: whole('Index of the change within the decision.'),
});

const CHANGE = map(
  'One operation of a JSON Patch (RFC 6902).',
  {
    op: text('add, remove or replace.'),
    path: text('JSON pointer into the object.'),
    value: any('What stands there now.'),
    old: any('What stood there before.'),
    field: text('The place in words.'),
  },
  ['op', 'path'],
);

const ORIGIN = {
  verb: text('The verb of the request.'),
  subresource: text('The subresource that was written.'),
  actor: ACTOR,
  agent: text('The User-Agent of the client, or the name of the controller.'),
  sourceAddress: text('The address that the request came from.'),
  requestId: text('The Audit-Id of the request.'),
} as const;

const PLACES = {
  root: text('The event that began it all, stream:sequence; its own place on a root.'),
  cause: text('The event whose handling made this one, stream:sequence; absent on a root.'),
} as const;

const REVISION_PROPERTIES: { readonly [Field in keyof Omit<Required<Revision>, 'apiVersion' | 'kind' | 'metadata'>]: Schema } = {
  object: OBJECT,
  stream: text('The stream that holds the event: state, lease or event.'),
  sequence: whole("The event's place in the stream: the resourceVersion that the object had from then on."),
  previous: whole("The sequence of the same object's event before, across deletions."),
  time: text('When the log stored it, RFC 3339.'),
  type: text('Created, Updated or Deleted.'),
  ...ORIGIN,
  fieldManager: text('The field manager of the request.'),
  decision: DECISION,
  ...PLACES,
  changes: list('What an update changed, without managedFields.', CHANGE),
};

const effect = (depth: number): Schema =>
  map(
    'An event, and what was done because of it.',
    {
      place: text('stream:sequence.'),
      hidden: { description: 'Whether it is left out, its object being none that you may get.', type: 'boolean' },
      revision: map('The event.', REVISION_PROPERTIES),
      effects:
        depth === 0
          ? list('What it caused.', { type: 'object', 'x-kubernetes-preserve-unknown-fields': true })
          : list('What it caused.', effect(depth - 1)),
    },
    ['place'],
  );

const CAUSE_PROPERTIES: { readonly [Field in keyof Omit<Required<Cause>, 'apiVersion' | 'kind' | 'metadata'>]: Schema } = {
  chain: list('From the request that began it down to the event that is named.', effect(0)),
  effects: list('Everything that the named event caused, as a tree.', effect(1)),
  truncated: { description: 'Whether there is more than is shown.', type: 'boolean' },
};

const ACTIVITY_PROPERTIES: { readonly [Field in keyof Omit<Required<Activity>, 'apiVersion' | 'kind' | 'metadata'>]: Schema } = {
  category: text('change, or why the audit stream has it: denied, failed, secret, connect, token, impersonation or annotated.'),
  time: text('When it happened, RFC 3339.'),
  ...ORIGIN,
  object: OBJECT,
  path: text('Of a request for no resource: its path.'),
  code: whole('What it was answered with.'),
  reason: text('Why it was refused.'),
  latencyMs: whole('How long it took, in milliseconds.'),
  event: text('Of a change: its event, stream:sequence.'),
  type: text('Of a change: Created, Updated or Deleted.'),
  ...PLACES,
  controller: text('The controller that made the change.'),
  fields: list('The fields that were changed.', { type: 'string' }),
  count: whole('How many requests alike it stands for.'),
  annotations: { description: 'What admission has for the record.', type: 'object', additionalProperties: { type: 'string' } },
};

const KINDS = {
  Revision: ["One event of an object's life.", REVISION_PROPERTIES],
  Cause: ['Why an event happened, and what came of it.', CAUSE_PROPERTIES],
  Activity: ['One line of the audit trail.', ACTIVITY_PROPERTIES],
} as const;

/** How OpenAPI documents describe a kind of the past. `meta`: the schema of its metadata. */
export function pastSchema(kind: keyof typeof KINDS, meta: object): Schema {
  const [description, properties] = KINDS[kind];
  return {
    description,
    type: 'object',
    properties: { apiVersion: { type: 'string' }, kind: { type: 'string' }, metadata: meta, ...properties },
  };
}
