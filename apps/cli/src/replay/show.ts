import { setTimeout as sleep } from 'node:timers/promises';
import type { Activity } from '#libs/history';

import { Failure } from '../failure.js';
import { activityLine, byPeople } from '../history/activity.js';
import { historyPath, listed } from '../history/asking.js';
import { jsonLine, printed, type PrintOptions } from '../history/output.js';
import type { Session } from '../history/session.js';
import { formatDuration } from '../terminal.js';
import { pauseBetween } from './pace.js';

/** What to show again, and how fast. */
export interface ShowOptions extends PrintOptions {
  readonly from: number;
  readonly to?: number;
  readonly speed: number;
  readonly people?: boolean;
}

/** Most entries that are shown: they are held before the first one is. */
const MOST_SHOWN = 20_000;

const iso = (moment: number): string => new Date(moment).toISOString();

/** Shows what happened once more, one line an entry, in its order and at its pace. */
export async function showAgain(session: Session, options: ShowOptions, signal: AbortSignal): Promise<void> {
  const { from, to = Date.now(), speed } = options;
  if (to <= from) throw new Failure('--to lies before --from', [], 2);
  const namespace = session.namespaceGiven && !session.allNamespaces ? session.namespace : undefined;
  const terms = { since: iso(from), until: iso(to) };
  const keep = options.people === true ? byPeople : undefined;
  const path = historyPath('activities', namespace);
  const { items, more } = await listed<Activity>(session.client, path, terms, MOST_SHOWN, signal, keep);
  if (more)
    throw new Failure(`more than ${MOST_SHOWN} entries lie between ${iso(from)} and ${iso(to)}`, [
      'Choose a shorter time, one namespace (-n) or --people.',
    ]);
  const objects = options.output === 'ndjson';
  await printed(
    options,
    async ({ write, paint }) => {
      const pace = speed === Infinity ? 'as fast as it goes' : `at ${speed} times its pace`;
      const head = `${items.length} entries from ${iso(from)} to ${iso(to)}, ${pace}`;
      if (!objects && !(await write(`${paint('bold', head)}\n`))) return;
      let before: number | undefined;
      for (const entry of [...items].reverse()) {
        const at = Date.parse(entry.time);
        const { waitMs, skippedMs } = pauseBetween(before ?? at, at, speed);
        before = at;
        if (skippedMs > 0 && !objects && !(await write(`${paint('dim', `... ${formatDuration(skippedMs)} in which nothing happened`)}\n`)))
          return;
        if (waitMs > 0) await sleep(waitMs, undefined, { signal });
        const text = objects ? jsonLine(entry) : `${activityLine(entry, options.output === 'wide', paint)}\n`;
        if (!(await write(text))) return;
      }
    },
    { live: true },
  );
}
