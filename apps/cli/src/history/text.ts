/** Text of the cluster made printable: what could steer a terminal, or turn the order of letters about, is shown as `?`. */
export const printable = (text: string): string => text.replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, '?');

/** How a stretch of text looks. */
export type Look = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'blue' | 'cyan';

/** Paints text, or leaves it as it is where there are no colours. */
export type Paint = (look: Look, text: string) => string;

const CODES: Readonly<Record<Look, readonly [number, number]>> = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  blue: [34, 39],
  cyan: [36, 39],
};

/** Without colours. */
export const PLAIN: Paint = (_, text) => text;

/** With a terminal's colours. Text that spans lines is painted line by line: pagers forget colours at a line's end. */
export const PAINTED: Paint = (look, text) => {
  const [on, off] = CODES[look];
  return text.replace(/[^\n]+/g, (line) => `\x1b[${on}m${line}\x1b[${off}m`);
};

/** How many columns text takes: without colours, each other character one. */
export const widthOf = (text: string): number => [...text.replace(/\x1b\[\d+m/g, '')].length;

/** Text broken at spaces into lines of at most so many columns; a longer word is a line of its own. */
export function wrapped(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && widthOf(line) + 1 + widthOf(word) > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

/** A cell of a table: text, or several lines of it. Only the last column may have several. */
export type Cell = string | readonly string[];

const linesOf = (cell: Cell | undefined): readonly string[] => (cell === undefined ? [''] : typeof cell === 'string' ? [cell] : cell);
const padded = (text: string, width: number): string => text + ' '.repeat(Math.max(0, width - widthOf(text)));

/** A row of cells, or a line right across. */
export type Row = readonly Cell[] | { readonly rule: string };

const isRule = (row: Row): row is { readonly rule: string } => 'rule' in row;

/** The narrowest last column: below, its lines go under the row. */
const NARROWEST = 34;

/**
 * Columns as kubectl prints them, three spaces between. Where the screen has a width, the last column is wrapped to fit, or put under
 * its row where next to nothing would be left of it; other columns are never cut.
 */
export function columns(headings: readonly string[], all: readonly Row[], width: number | undefined): readonly string[] {
  const rows = all.filter((row): row is readonly Cell[] => !isRule(row));
  const last = headings.length - 1;
  const widths = headings.map((heading, at) => Math.max(widthOf(heading), ...rows.map((row) => widthOf(linesOf(row[at])[0] ?? ''))));
  const before = widths.slice(0, last).reduce((sum, one) => sum + one + 3, 0);
  const left = width === undefined ? undefined : width - before;
  const below = left !== undefined && left < NARROWEST && rows.some((row) => linesOf(row[last]).some((line) => widthOf(line) > left));
  const room = width === undefined ? undefined : below ? width - INDENT.length : left;
  const start = (row: readonly Cell[]): string =>
    row
      .slice(0, last)
      .map((cell, at) => `${padded(linesOf(cell)[0] ?? '', widths[at] ?? 0)}   `)
      .join('');
  const body = all.flatMap((row) => {
    if (isRule(row)) return [row.rule];
    const lines = linesOf(row[last]).flatMap((line) => (room === undefined ? [line] : wrapped(line, room)));
    if (below) return [start(row).trimEnd(), ...lines.filter((line) => line !== '').map((line) => INDENT + line)];
    const [first = '', ...more] = room === undefined ? [lines.join('; ')] : lines;
    return [`${start(row)}${first}`.trimEnd(), ...more.map((line) => ' '.repeat(before) + line)];
  });
  return [`${start(headings)}${below ? '' : (headings[last] ?? '')}`.trimEnd(), ...body];
}

const INDENT = '    ';
