import { readFileSync } from 'node:fs';

import { parseTime } from '#libs/apimachinery';
import { Failure } from '../failure.js';
import type { Folders } from '../profile.js';

/** What a fork's clock says, as its control plane last wrote it down; undefined where no file says so. */
export function readClock({ clockFile }: Folders): number | undefined {
  try {
    return parseTime((JSON.parse(readFileSync(clockFile, 'utf8')) as { readonly now?: string }).now);
  } catch {
    return undefined;
  }
}

/** `readClock` where nothing can be done without it. Throws Failure. */
export function clockOf(folders: Folders): number {
  const time = readClock(folders);
  if (time === undefined) throw new Failure(`${folders.clockFile} holds no clock`, ['Delete the fork and fork again.']);
  return time;
}
