import fc from 'fast-check';
import type { EventMeta, Recorded } from './index.js';
import {
  absolutePlace,
  bodyWithVersion,
  decodeMeta,
  decodeObject,
  encodeMeta,
  encodeObject,
  evolve,
  formatPosition,
  guardSubject,
  parsePosition,
  parseSubject,
  subjectFilter,
  subjectOf,
  upcast,
} from './index.js';
import sample from './samples/schema-1.json';

const text = fc.string({ unit: 'grapheme', minLength: 1 });
const label = fc.stringMatching(/^[a-z]([a-z0-9-]{0,8}[a-z0-9])?$/);
const group = fc.oneof(
  fc.constant(''),
  fc.array(label, { minLength: 2, maxLength: 4 }).map((labels) => labels.join('.')),
);

describe('subjects', () => {
  it('parseSubject reverses subjectOf, whatever the name, always in seven tokens', () => {
    fc.assert(
      fc.property(label, group, label, fc.option(label, { nil: '' }), text, (cluster, group, resource, namespace, name) => {
        const subject = subjectOf(cluster, 'lease', { group, resource }, namespace, name);
        expect(subject.split('.')).toHaveLength(7);
        expect(subject).toMatch(/^[A-Za-z0-9:%._-]+$/);
        expect(parseSubject(subject)).toEqual({ cluster, stream: 'lease', group, resource, namespace, name });
      }),
    );
  });

  it('writes the core group, a dotted group and no namespace as the architecture page says', () => {
    expect(subjectOf('one', 'state', { group: '', resource: 'nodes' }, undefined, 'a.b_c')).toBe(
      'decklog.one.state.core.nodes._.a%2Eb%5Fc',
    );
    expect(subjectOf('one', 'state', { group: 'rbac.authorization.k8s.io', resource: 'clusterroles' }, '', 'system:x')).toBe(
      'decklog.one.state.rbac_authorization_k8s_io.clusterroles._.system:x',
    );
  });

  it('leaves wildcards in a filter where nothing is said', () => {
    expect(subjectFilter('one', 'state')).toBe('decklog.one.state.*.*.*.*');
    expect(subjectFilter('one', 'state', { group: '', resource: 'pods' }, 'default')).toBe('decklog.one.state.core.pods.default.*');
  });

  it("a guard's marker is no object's subject", () => {
    const marker = guardSubject('decklog.one.state.core.nodes._.n1');
    expect(marker).toBe('decklog.one.state.guard.core.nodes._.n1');
    expect(parseSubject(marker)).toBeUndefined();
  });
});

describe('bodies', () => {
  const object = {
    spec: { replicas: 2 },
    metadata: { name: 'web', resourceVersion: '3', labels: { a: 'ä' } },
    apiVersion: 'apps/v1',
    kind: 'Deployment',
  };

  it('start with kind, apiVersion and metadata, and hold no resourceVersion', () => {
    expect(new TextDecoder().decode(encodeObject(object))).toBe(
      '{"kind":"Deployment","apiVersion":"apps/v1","metadata":{"name":"web","labels":{"a":"ä"}},"spec":{"replicas":2}}',
    );
  });

  it('get their resourceVersion from the sequence, parsed or spliced', () => {
    const body = encodeObject(object);
    const parsed = decodeObject(body, 41);
    expect(parsed).toEqual({ ...object, metadata: { ...object.metadata, resourceVersion: '41' } });
    expect(JSON.parse(new TextDecoder().decode(bodyWithVersion(body, 41)))).toEqual(parsed);
  });

  it('take a resourceVersion even where metadata is empty', () => {
    const body = encodeObject({ kind: 'X', apiVersion: 'v1', metadata: {} });
    expect(new TextDecoder().decode(bodyWithVersion(body, 7))).toBe('{"kind":"X","apiVersion":"v1","metadata":{"resourceVersion":"7"}}');
  });

  it('decode to what was encoded', () => {
    fc.assert(
      fc.property(text, text, fc.dictionary(text, fc.jsonValue()), fc.dictionary(text, fc.jsonValue()), (kind, apiVersion, meta, rest) => {
        fc.pre(!kind.includes('{') && !apiVersion.includes('{') && !('resourceVersion' in meta));
        const input = { ...rest, kind, apiVersion, metadata: meta };
        const plain = JSON.parse(JSON.stringify({ ...input, metadata: { ...meta, resourceVersion: '5' } })) as unknown;
        expect(JSON.parse(new TextDecoder().decode(bodyWithVersion(encodeObject(input), 5)))).toEqual(plain);
        expect(decodeObject(encodeObject(input), 5)).toEqual(plain);
      }),
    );
  });
});

const some = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const sequence = fc.nat();
const position = fc.record({ state: sequence, lease: sequence, event: sequence });
const place = fc.tuple(fc.constantFrom('state', 'lease', 'event'), sequence).map(([stream, at]) => `${stream}:${at}`);
const meta = fc
  .record({
    type: fc.constantFrom('Created' as const, 'Updated' as const, 'Deleted' as const),
    verb: text,
    subresource: some(text),
    actor: fc
      .record({ user: text, uid: some(text), groups: some(fc.array(text)), impersonator: some(text) })
      .map((actor) => JSON.parse(JSON.stringify(actor)) as EventMeta['actor']),
    agent: some(fc.string({ unit: 'binary', minLength: 1 })),
    sourceAddress: some(text),
    fieldManager: some(text),
    requestId: some(text),
    root: some(place),
    cause: some(place),
    decision: some(fc.record({ controller: text, build: text, key: text, seen: position, decidedAt: sequence, index: sequence })),
    id: text,
    previous: sequence,
    schema: sequence,
    batch: some(fc.record({ id: text, size: sequence })),
    encoding: fc.constantFrom('json' as const, 'aes256gcm' as const),
  })
  .map((value) => JSON.parse(JSON.stringify(value)) as EventMeta);

describe('metadata', () => {
  it('reads back from its headers as it was written, in printable ASCII', () => {
    fc.assert(
      fc.property(meta, (value) => {
        const pairs = encodeMeta(value);
        for (const [, header] of pairs) expect(header).toMatch(/^([\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?)?$/);
        const headers = new Map(pairs);
        expect(decodeMeta((name) => headers.get(name), 'state', 1)).toEqual(value);
      }),
    );
  });

  it.each([
    ['state:4', 12, 'state:4'],
    ['~1', 12, 'state:11'],
    ['~11', 12, 'state:1'],
  ])('says of the event %s, at %i, that it is %s', (text, at, wanted) => {
    const headers = new Map(encodeMeta({ ...recorded().meta, root: text, cause: text }));
    expect(decodeMeta((name) => headers.get(name), 'state', at)).toMatchObject({ root: wanted, cause: wanted });
  });

  it.each(['~12', '~13', '~0', '~x', '~'])('of an event at 12 can not point to %s', (text) => {
    expect(() => absolutePlace(text, 'state', 12)).toThrow(`event state:12 points to ${text}, where nothing is`);
  });

  it('positions read back as written, and nothing else is one', () => {
    expect(formatPosition({ state: 1, lease: 2, event: 3 })).toBe('state:1,lease:2,event:3');
    expect(parsePosition('state:1,lease:2,event:3')).toEqual({ state: 1, lease: 2, event: 3 });
    expect(() => parsePosition('state:1')).toThrow(SyntaxError);
  });
});

const recorded = (): Recorded => {
  const headers = new Map(Object.entries(sample.headers));
  return {
    stream: 'state',
    sequence: 12,
    subject: sample.subject,
    time: 0,
    meta: decodeMeta((name) => headers.get(name), 'state', 12),
    body: new TextEncoder().encode(sample.body),
  };
};

describe('events', () => {
  it('of schema 1, as stored by the first release, are understood', () => {
    const event = upcast(recorded());
    expect(event.meta).toMatchObject({ type: 'Updated', subresource: 'status', previous: 7, batch: { id: 'b-17', size: 4 } });
    expect(event.meta.decision).toEqual({
      controller: 'deployment',
      build: '0.1.0',
      key: 'default/web',
      seen: { state: 9, lease: 4, event: 2 },
      decidedAt: 1767225600000,
      index: 0,
    });
    expect(Object.fromEntries(encodeMeta(event.meta))).toEqual(sample.headers);
    expect(evolve(undefined, event)).toMatchObject({ kind: 'Deployment', metadata: { name: 'web', resourceVersion: '12' } });
  });

  it('of a newer build are refused, never skipped', () => {
    const event = recorded();
    expect(() => upcast({ ...event, meta: { ...event.meta, schema: 2 } })).toThrow('event state:12 has schema 2, this build knows up to 1');
  });

  it('of older schemas go through every step once, in order', () => {
    const step = (from: number) => ({
      from,
      upcast: (event: Recorded): Recorded => ({ ...event, meta: { ...event.meta, verb: `${event.meta.verb}+${from}` } }),
    });
    expect(upcast(recorded(), [step(1), step(2)], 3).meta).toMatchObject({ verb: 'update+1+2', schema: 3 });
    expect(() => upcast(recorded(), [step(2)], 3)).toThrow('no step leads on from schema 1');
  });

  it('a deletion leaves no object', () => {
    const event = recorded();
    expect(evolve(undefined, { ...event, meta: { ...event.meta, type: 'Deleted' } })).toBeUndefined();
  });
});
