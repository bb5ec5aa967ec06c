import type { ArchivePlan } from '#libs/history';
import { plainTable } from '../table.js';

/** Kinds that are listed; the rest are summed. */
const MOST_KINDS = 12;

/** A size as people read it: `812 B`, `3.4 MiB`. */
export function sizeText(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let [size, unit] = [bytes, 0];
  while (size >= 1024 && unit < units.length - 1) {
    size /= 1024;
    unit++;
  }
  return unit === 0 ? `${size} B` : `${size.toFixed(1)} ${units[unit]}`;
}

const counted = (count: number, one: string, many = `${one}s`): string => `${count} ${count === 1 ? one : many}`;

/** What a plan would take out of the log, as a table by kind and a sentence. */
export function planText(plan: ArchivePlan, folder: string): string {
  const shown = plan.kinds.slice(0, MOST_KINDS);
  const others = plan.kinds
    .slice(MOST_KINDS)
    .reduce((sum, { messages, bytes }) => ({ messages: sum.messages + messages, bytes: sum.bytes + bytes }), {
      messages: 0,
      bytes: 0,
    });
  const rows = [...shown, ...(others.messages > 0 ? [{ kind: `(${plan.kinds.length - MOST_KINDS} more)`, ...others }] : [])];
  const widest = Math.max(8, ...rows.map(({ messages }) => String(messages).length));
  const table = plainTable(
    ['KIND', 'MESSAGES'.padStart(widest), 'SIZE'.padStart(10)],
    rows.map(({ kind, messages, bytes }) => [kind, String(messages).padStart(widest), sizeText(bytes).padStart(10)]),
  );
  const gone = plan.gone === 0 ? '' : `, ${counted(plan.gone, 'of them', 'of them')} deleted before and archived whole`;
  return [
    table,
    '',
    `${counted(plan.messages, 'message')} (${sizeText(plan.bytes)}) of ${counted(plan.objects, 'object')}${gone}, up to state:${plan.before},`,
    `would go to ${folder}. What objects are now stays, and all of it can still be asked for.`,
    '',
  ].join('\n');
}
