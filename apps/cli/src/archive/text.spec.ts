import type { ArchivePlan } from '#libs/history';

import { planText, sizeText } from './text.js';

const amount = (kind: string, messages: number, bytes: number) => ({ kind, messages, bytes });
const plan = (more: Partial<ArchivePlan>): ArchivePlan => ({
  before: 90,
  messages: 3,
  bytes: 2_048,
  objects: 2,
  gone: 1,
  kinds: [amount('pods', 3, 2_048)],
  cuts: new Map(),
  ...more,
});

describe('what would be archived', () => {
  it('is a table by kind and a sentence', () => {
    expect(planText(plan({}), '/archive')).toBe(
      [
        'KIND   MESSAGES         SIZE',
        'pods          3      2.0 KiB',
        '',
        '3 messages (2.0 KiB) of 2 objects, 1 of them deleted before and archived whole, up to state:90,',
        'would go to /archive. What objects are now stays, and all of it can still be asked for.',
        '',
      ].join('\n'),
    );
  });

  it('says so where nothing of it was deleted, and one is not many', () => {
    expect(planText(plan({ messages: 1, objects: 1, gone: 0 }), '/a')).toContain('1 message (2.0 KiB) of 1 object, up to state:90,\n');
  });

  it('sums what is beyond a dozen kinds', () => {
    const kinds = Array.from({ length: 14 }, (_, i) => amount(`kind-${i}`, 2, 100));
    expect(planText(plan({ kinds }), '/a')).toMatch(/kind-11 +2 +100 B\n\(2 more\) +4 +200 B\n\n/);
  });

  it.each([
    [0, '0 B'],
    [1_023, '1023 B'],
    [1_536, '1.5 KiB'],
    [5 * 1_048_576, '5.0 MiB'],
    [3 * 1_024 ** 4, '3.0 TiB'],
  ])('%d bytes are %s', (bytes, text) => {
    expect(sizeText(bytes)).toBe(text);
  });
});
