import fc from 'fast-check';
import { Dispatcher, type Ticket } from './dispatcher.js';
import type { LevelLimits } from './limits.js';

const LEVELS = ['a', 'b', 'c'] as const;

/** Limits of three levels that share a server, as `limitsOf` gives them: minimums never exceed the whole. */
const limits: fc.Arbitrary<readonly LevelLimits[]> = fc
  .tuple(
    ...LEVELS.map(() => fc.record({ nominal: fc.integer({ min: 1, max: 6 }), lent: fc.integer({ min: 0, max: 6 }), queued: fc.boolean() })),
  )
  .map((levels) =>
    levels.map(({ nominal, lent, queued }, index) => ({
      name: LEVELS[index] ?? '',
      exempt: false,
      nominal,
      minimum: Math.max(0, nominal - lent),
      most: 100,
      ...(queued ? { queuing: { queues: 4, handSize: 2, queueLengthLimit: 3 } } : {}),
    })),
  );

type Step =
  | { readonly kind: 'arrive'; readonly level: string; readonly flow: string }
  | { readonly kind: 'leave' | 'abandon'; readonly which: number };

const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant('arrive' as const), level: fc.constantFrom(...LEVELS), flow: fc.constantFrom('x', 'y', 'z') }),
    fc.record({ kind: fc.constantFrom('leave' as const, 'abandon' as const), which: fc.nat(50) }),
  ),
  { maxLength: 120 },
);

describe('the dispatcher, whatever comes', () => {
  test('works on no more than the server can, keeps what levels never lend, and loses nobody', () => {
    fc.assert(
      fc.property(limits, steps, (levels, given) => {
        const serverLimit = levels.reduce((sum, { nominal }) => sum + nominal, 0);
        const dispatcher = new Dispatcher<number>(serverLimit);
        dispatcher.configure(new Map(levels.map((level) => [level.name, level])));
        const running: Ticket<number>[] = [];
        const waiting = new Set<Ticket<number>>();
        const started = (tickets: readonly Ticket<number>[]): void => {
          for (const ticket of tickets) {
            expect(waiting.delete(ticket)).toBe(true);
            running.push(ticket);
          }
        };
        given.forEach((step, index) => {
          if (step.kind === 'arrive') {
            const ticket = { level: step.level, flow: step.flow, owner: index };
            const { minimum = 0 } = levels.find(({ name }) => name === step.level) ?? {};
            const before = dispatcher.count(step.level).running;
            const arrival = dispatcher.arrive(ticket);
            if (before < minimum) expect(arrival).toBe('runs');
            if (arrival === 'runs') running.push(ticket);
            if (arrival === 'waits') waiting.add(ticket);
          } else if (step.kind === 'leave') {
            const [ticket] = running.splice(step.which % Math.max(1, running.length), 1);
            if (ticket) started(dispatcher.leave(ticket.level));
          } else {
            const ticket = [...waiting][step.which % Math.max(1, waiting.size)];
            if (!ticket) return;
            dispatcher.abandon(ticket);
            waiting.delete(ticket);
          }
          expect(running.length).toBeLessThanOrEqual(serverLimit);
          for (const name of LEVELS) {
            const counted = dispatcher.count(name);
            expect(counted.running).toBe(running.filter(({ level }) => level === name).length);
            expect(counted.waiting).toBe([...waiting].filter(({ level }) => level === name).length);
          }
        });
        // Whoever waits is served once the others are done.
        while (running.length > 0) started(dispatcher.leave((running.shift() as Ticket<number>).level));
        expect(waiting.size).toBe(0);
      }),
      { numRuns: 300 },
    );
  });
});
