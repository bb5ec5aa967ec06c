import { encodeMeta, EventUnreadable, guardSubject } from '#libs/log';
import { metaOf } from '#libs/testing';
import { recordedOf } from './message.js';

const SUBJECT = 'decklog.c.state.core.configmaps.default.a';
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const headers = (more: Readonly<Record<string, string>> = {}): ReadonlyMap<string, string> =>
  new Map([...encodeMeta(metaOf()), ...Object.entries(more)]);

describe('a message of the log', () => {
  it.each<[string, string, ReadonlyMap<string, string>, string, RegExp]>([
    ['without anything', SUBJECT, new Map(), '', /state:7 can't be read: an event without Dl-Type/],
    ['without a type', SUBJECT, new Map(), '{}', /state:7 can't be read: an event without Dl-Type/],
    [
      'of a type that there is none of',
      SUBJECT,
      headers({ 'Dl-Type': 'Moved' }),
      '{}',
      /state:7 can't be read: an event of unknown type Moved/,
    ],
    ['of a newer build', SUBJECT, headers({ 'Dl-Schema': '99' }), '{}', /state:7 can't be read: .*schema 99, this build knows up to/],
    ['whose body is none', SUBJECT, headers(), '', /state:7 can't be read: its body is no object/],
    ['whose body is something else', SUBJECT, headers(), 'rubbish', /state:7 can't be read: its body is no object/],
    ['on a subject that is nobody’s', 'decklog.c.state.rubbish', new Map(), '{}', /state:7 can't be read: an event without Dl-Type/],
  ])('%s is named by its sequence, and not passed over', (_title, subject, from, body, words) => {
    const read = (): unknown => recordedOf('state', 7, subject, 0, from, bytes(body));
    expect(read).toThrow(EventUnreadable);
    expect(read).toThrow(words);
  });

  it.each([
    ['a guard', guardSubject(SUBJECT)],
    ['a number that a restored log leaves out', 'decklog.c.state.skip'],
  ])('that marks %s is no event', (_title, subject) => {
    expect(recordedOf('state', 7, subject, 0, new Map(), bytes(''))).toBeUndefined();
  });

  it('with all that an event has is one', () => {
    expect(recordedOf('state', 7, SUBJECT, 5, headers(), bytes('{"a":1}'))).toMatchObject({ sequence: 7, subject: SUBJECT, time: 5 });
  });
});
