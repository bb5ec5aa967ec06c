import type { Instant } from './reconcile.js';

const MOST_FORMATTERS = 700;
const formatters = new Map<string, Intl.DateTimeFormat>();

/** The calendar of a zone, from the engine's copy of the IANA database. Throws a RangeError for a zone it does not know. */
export function calendarOf(zone: string): Intl.DateTimeFormat {
  const known = formatters.get(zone);
  if (known) return known;
  const formatter = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  if (formatters.size >= MOST_FORMATTERS) formatters.clear();
  formatters.set(zone, formatter);
  return formatter;
}

/** How far a zone's clocks are ahead of UTC at an instant, in milliseconds. Throws a RangeError for a zone that the engine does not know. */
export function zoneOffsetMs(zone: string, at: Instant): number {
  if (zone === 'UTC') return 0;
  const fields = new Map(
    calendarOf(zone)
      .formatToParts(at)
      .map(({ type, value }) => [type, Number(value)]),
  );
  const field = (name: Intl.DateTimeFormatPartTypes): number => fields.get(name) ?? 0;
  const wall = Date.UTC(field('year'), field('month') - 1, field('day'), field('hour'), field('minute'), field('second'));
  return wall - Math.floor(at / 1000) * 1000;
}
