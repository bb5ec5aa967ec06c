import type { Event } from '#libs/api';
import { eventSweeper } from './controller.js';

const DAY_MS = 24 * 3_600_000;
const NOW = Date.parse('2026-03-01T00:00:00Z');
const daysAgo = (days: number): string => new Date(NOW - days * DAY_MS).toISOString();

const event = (name: string, fields: object): Event =>
  ({ apiVersion: 'v1', kind: 'Event', metadata: { name, namespace: 'd', uid: `u-${name}` }, ...fields }) as Event;

describe('Kubernetes Events', () => {
  it.each<[string, object, number, boolean]>([
    ['as old as they may become are deleted', { lastTimestamp: daysAgo(3) }, 3, true],
    ['younger than that stay', { lastTimestamp: daysAgo(2.9) }, 3, false],
    ['stay longer where that is asked for', { lastTimestamp: daysAgo(40) }, 60, false],
    ['count from when they were last seen', { eventTime: daysAgo(40), series: { count: 2, lastObservedTime: daysAgo(1) } }, 30, false],
    ['without any time stay', {}, 30, false],
  ])('%s', (_, fields, days, isSwept) => {
    const { changes } = eventSweeper(days * DAY_MS).reconcile({ events: [event('a', fields)] }, NOW);
    expect(changes.map((change) => change.verb)).toEqual(isSwept ? ['delete'] : []);
  });
});
