import { exponentialBuckets } from '#libs/runtime';
import { textOf } from './exposition.js';
import { merged, type Family } from './family.js';
import { MetricsRegistry } from './registry.js';
import { withoutUnknown } from './process-metrics.js';

const lines = (registry: MetricsRegistry): readonly string[] => textOf(merged(registry.families())).trimEnd().split('\n');

describe('metrics', () => {
  it('shows a counter as Prometheus reads it, one line for each set of labels', () => {
    const registry = new MetricsRegistry();
    const total = registry.counter({ name: 'things_total', help: 'Things.', labels: ['verb', 'code'] });
    total.of('GET', '200').add();
    total.of('GET', '200').add(2);
    total.of('GET', '404').add();
    expect(lines(registry)).toEqual([
      '# HELP things_total Things.',
      '# TYPE things_total counter',
      'things_total{verb="GET",code="200"} 3',
      'things_total{verb="GET",code="404"} 1',
    ]);
  });

  it('counts a histogram cumulatively, a value on a bucket’s end within it', () => {
    const registry = new MetricsRegistry();
    const seconds = registry.histogram({ name: 'x_seconds', help: 'X.', labels: ['of'], buckets: [0.5, 1] }).of('a');
    for (const value of [0.25, 0.5, 0.75, 4]) seconds.observe(value);
    expect(lines(registry).slice(2)).toEqual([
      'x_seconds_bucket{of="a",le="0.5"} 2',
      'x_seconds_bucket{of="a",le="1"} 3',
      'x_seconds_bucket{of="a",le="+Inf"} 4',
      'x_seconds_sum{of="a"} 5.5',
      'x_seconds_count{of="a"} 4',
    ]);
  });

  it('escapes what labels and helps may not hold', () => {
    const registry = new MetricsRegistry();
    registry
      .gauge({ name: 'a', help: 'One\nor \\.', labels: ['l'] })
      .of('say "no"\n\\')
      .set(1);
    expect(lines(registry)).toEqual(['# HELP a One\\nor \\\\.', '# TYPE a gauge', 'a{l="say \\"no\\"\\n\\\\"} 1']);
  });

  it('asks for values when they are shown, adds up those of several who answer, and forgets who has ended', () => {
    const registry = new MetricsRegistry();
    const depth = { name: 'depth', help: 'Keys.', labels: ['name'], type: 'gauge' } as const;
    let keys = 1;
    const end = registry.ask(depth, () => [{ labels: ['a'], value: keys }]);
    registry.ask(depth, () => [{ labels: ['a'], value: 10 }]);
    expect(lines(registry).at(-1)).toBe('depth{name="a"} 11');
    keys = 5;
    expect(lines(registry).at(-1)).toBe('depth{name="a"} 15');
    end();
    expect(lines(registry).at(-1)).toBe('depth{name="a"} 10');
  });

  it('leaves a metric out of which nothing has been counted', () => {
    const registry = new MetricsRegistry();
    registry.counter({ name: 'none_total', help: 'None.', labels: ['a'] });
    expect(textOf(registry.families())).toBe('');
  });

  it('takes a second description of a metric for the same one, and refuses one that differs', () => {
    const registry = new MetricsRegistry();
    registry
      .counter({ name: 'a_total', help: 'A.', labels: ['x'] })
      .of('1')
      .add();
    registry
      .counter({ name: 'a_total', help: 'A.', labels: ['x'] })
      .of('1')
      .add();
    expect(lines(registry).at(-1)).toBe('a_total{x="1"} 2');
    expect(() => registry.counter({ name: 'a_total', help: 'A.', labels: ['y'] })).toThrow('described in two ways');
    expect(() => registry.gauge({ name: 'a_total', help: 'A.', labels: ['x'] })).toThrow('described in two ways');
    expect(() => registry.counter({ name: 'a_total', help: 'A.', labels: ['x'] }).of()).toThrow('has 1 labels, not 0');
  });

  it('keeps no more than 20,000 series of a metric, whatever values its labels get', () => {
    const registry = new MetricsRegistry();
    const total = registry.counter({ name: 'many_total', help: 'Many.', labels: ['l'] });
    for (let i = 0; i < 20_100; i++) total.of(String(i)).add();
    expect(registry.families()[0]?.series).toHaveLength(20_000);
  });

  it('joins what threads have counted apart', () => {
    const family = (value: number, counts: readonly number[]): Family => ({
      name: 'h',
      help: 'H.',
      type: 'histogram',
      labels: ['l'],
      buckets: [1],
      series: [{ labels: ['a'], value, counts }],
    });
    const other: Family = { name: 'g', help: 'G.', type: 'gauge', labels: [], buckets: [], series: [{ labels: [], value: 7 }] };
    expect(merged([family(3, [1, 2]), other, family(4, [0, 1])])).toEqual([other, family(7, [1, 3])]);
  });

  it('has buckets that grow without the dust of binary fractions', () => {
    expect(exponentialBuckets(1e-8, 10, 4)).toEqual([1e-8, 1e-7, 1e-6, 1e-5]);
    expect(exponentialBuckets(0.001, 2, 3)).toEqual([0.001, 0.002, 0.004]);
  });
});

it('what Node has not measured yet is left out', () => {
  const known = '# HELP a A.\n# TYPE a gauge\na 0.5\nb{x="nan"} 1\n';
  expect(withoutUnknown(`${known}nodejs_eventloop_lag_mean_seconds Nan\nc{x="y"} NaN\n`)).toBe(known);
});
