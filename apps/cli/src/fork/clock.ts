import { readFileSync } from 'node:fs';

import { parseTime } from '#libs/apimachinery';
import { Failure } from '../failure.js';
import type { Folders } from '../profile.js';

/** What a fork's clock says, as its control plane last wrote it down. */
export function clockOf(folders: Folders): number {
  const { now } = JSON.parse(readFileSync(folders.clockFile, 'utf8')) as { readonly now?: string };
  const time = parseTime(now);
  if (time === undefined) throw new Failure(`${folders.clockFile} holds no clock`);
  return time;
}
