import type { Command } from 'commander';
import { humanDuration, parseTime, type Instant } from '#libs/apimachinery';
import {
  changeText,
  fewLines,
  howOf,
  placeName,
  revisionLines,
  touchesField,
  whoOf,
  withinField,
  type ChangeLine,
  type Revision,
} from '#libs/history';

import { moment, wholeNumber, type AddCommand, type Surroundings } from '../options.js';
import { listObject, nothingOf, revisionsOf } from './asking.js';
import { jsonText, printed, printOptions, yamlText, type Paper, type PrintOptions } from './output.js';
import { objectText } from './resources.js';
import { namespaceOption, sessionOptions, withSession } from './session.js';
import { columns, printable, type Paint, type Row } from './text.js';

interface HistoryOptions extends PrintOptions {
  readonly fields?: readonly string[];
  readonly since?: Instant;
  readonly until?: Instant;
  readonly limit: number;
  readonly status: boolean;
}

/** Most lines that one revision takes. */
const MOST_LINES = 6;

/** `decklog history`: every revision of an object. */
export const addHistoryCommand: AddCommand = (program, around) => {
  const command = program
    .command('history')
    .description('every revision of an object, newest first, across deletions and re-creations: who made it, how, and what it changed')
    .argument('<object...>', 'KIND/NAME or KIND NAME, as for kubectl; of a kind that is gone: widgets.example.com/NAME')
    .option('--fields <fields>', 'only where one of these changed, e.g. spec.replicas,metadata.labels', (text: string) => text.split(','))
    .option('--no-status', 'without what was only reported (status)')
    .option('--since <when>', 'not before: an age (90m, 2h, 1d) or a time (2026-01-02T03:04:05Z)', moment)
    .option('--until <when>', 'not after', moment)
    .option('--limit <n>', 'how many at most', wholeNumber, 1_000);
  printOptions(namespaceOption(sessionOptions(command)));
  command.action((args: readonly string[], options: HistoryOptions, self: Command) => printHistory(args, options, self, around));
};

async function printHistory(args: readonly string[], options: HistoryOptions, command: Command, { signal }: Surroundings): Promise<void> {
  await withSession(command, async (session) => {
    const object = await session.object(args);
    const { fields, since, until, limit } = options;
    const time = (instant: Instant | undefined): string | undefined =>
      instant === undefined ? undefined : new Date(instant).toISOString();
    const terms = { since: time(since), until: time(until), changed: fields?.length === 1 ? fields[0] : undefined };
    const { items, more } = await revisionsOf(session.client, object, session.namespace, terms, limit, signal);
    const fitting = items.filter((one) => (fields === undefined || touches(one, fields)) && (options.status || !reports(one)));
    const where = object.namespaced === false ? '' : ` in namespace ${session.namespace}`;
    const narrowed = !options.status || fields !== undefined || since !== undefined || until !== undefined;
    if (fitting.length === 0) throw nothingOf(objectText(object), where, narrowed);
    await printed(options, async (paper) => {
      await paper.write(historyText(fitting, options.output, Date.now(), paper));
      if (more && (options.output === undefined || options.output === 'wide'))
        await paper.write(`${paper.paint('dim', `There is more: the ${limit} newest were asked for (--limit).`)}\n`);
    });
  });
}

/** Whether nothing but status was changed, or what goes with it. */
const reports = ({ subresource, changes = [] }: Revision): boolean =>
  changes.length > 0 && (subresource === 'status' || changes.every(({ field = '' }) => withinField(field, 'status')));

/** As the API's `changed`: what was created or deleted changed no field. */
const touches = ({ changes = [] }: Revision, fields: readonly string[]): boolean =>
  changes.some((change) => fields.some((field) => touchesField(change, field)));

/** Revisions as one of the formats. */
export function historyText(
  revisions: readonly Revision[],
  format: string | undefined,
  now: Instant,
  { paint, width }: Pick<Paper, 'paint' | 'width'>,
): string {
  if (format === 'json') return jsonText(listObject('RevisionList', revisions));
  if (format === 'yaml') return yamlText(listObject('RevisionList', revisions));
  if (format === 'name') return revisions.map(({ metadata }) => `revision/${printable(metadata.name ?? '')}\n`).join('');
  return `${historyTable(revisions, format === 'wide', now, paint, width).join('\n')}\n`;
}

/** A place as commands take it: the bare sequence in the stream that is meant by one. */
export const placeText = ({ stream, sequence }: Pick<Revision, 'stream' | 'sequence'>): string =>
  stream === 'state' ? String(sequence) : placeName({ stream, sequence });

const COLOURS = { '+': 'green', '-': 'red', '~': undefined } as const;

/** A line of a change, printable and coloured. */
export function changeShown(line: ChangeLine, paint: Paint): string {
  const colour = COLOURS[line.sign];
  const text = printable(changeText(line));
  return colour === undefined ? text : paint(colour, text);
}

function historyTable(
  revisions: readonly Revision[],
  wide: boolean,
  now: Instant,
  paint: Paint,
  width: number | undefined,
): readonly string[] {
  const headings = wide
    ? ['SEQUENCE', 'TIME', 'WHO', 'HOW', 'AGENT', 'SOURCE', 'ROOT', 'CAUSE', 'CHANGES']
    : ['SEQUENCE', 'AGE', 'WHO', 'HOW', 'CHANGES'];
  const rows = revisions.flatMap((revision, at): readonly Row[] => {
    const lines = fewLines(revisionLines(revision), MOST_LINES).map((line) => changeShown(line, paint));
    const when = wide ? revision.time : humanDuration(now - (parseTime(revision.time) ?? now));
    const more = wide ? [revision.agent ?? '-', revision.sourceAddress ?? '-', revision.root, revision.cause ?? '-'] : [];
    const head = [placeText(revision), when, whoOf(revision).name, howOf(revision), ...more].map(printable);
    const older = revisions[at + 1];
    return [[...head, lines], ...(older === undefined ? [] : between(revision, older, paint))];
  });
  return columns(headings, rows, width);
}

/** What stands between two lives of a name. */
function between(newer: Revision, older: Revision, paint: Paint): readonly Row[] {
  const newUid = newer.object.uid;
  if (newer.type !== 'Created' && (newUid === undefined || newUid === older.object.uid)) return [];
  const gap = (parseTime(newer.time) ?? 0) - (parseTime(older.time) ?? 0);
  const text =
    older.type === 'Deleted'
      ? `not there for ${humanDuration(gap)}; before, another object of this name`
      : 'before, another object of this name';
  return [{ rule: paint('dim', `--- ${text} ---`) }];
}
