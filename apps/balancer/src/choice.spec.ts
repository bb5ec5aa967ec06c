import { offeringOrder, type Candidate } from './choice.js';

describe('where a connection goes', () => {
  const up = (connections: number): Candidate => ({ isUp: true, connections });
  const down = (connections: number): Candidate => ({ isUp: false, connections });
  const rows: readonly (readonly [title: string, candidates: readonly Candidate[], order: readonly Candidate[]])[] = [
    ['to the server with the fewest connections', [up(3), up(1)], [up(1), up(3)]],
    ['among equals to the first', [up(1), up(1)], [up(1), up(1)]],
    ['to one that does not answer only when no other is left', [down(0), up(9)], [up(9), down(0)]],
    ['somewhere, where none answers', [down(2), down(1)], [down(1), down(2)]],
    ['nowhere, where there is none', [], []],
  ];
  test.each(rows)('%s', (_title, candidates, order) => expect(offeringOrder(candidates)).toEqual(order));
});
