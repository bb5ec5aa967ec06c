/** Rows under headings in minikube's frame; numbers flush right, headings centred. */
export function framedTable(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = headings.map((heading, column) => Math.max(heading.length, ...rows.map((row) => cell(row, column).length)));
  const rule = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`;
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [
    rule,
    line(headings.map((heading, column) => centre(heading, widths[column] ?? 0))),
    rule,
    ...rows.map((row) => line(widths.map((width, column) => align(cell(row, column), width)))),
    rule,
  ].join('\n');
}

/** Columns as kubectl prints them: three spaces between, no frame. */
export function plainTable(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [headings, ...rows];
  const widths = headings.map((_, column) => Math.max(...all.map((row) => cell(row, column).length)));
  return all
    .map((row) =>
      widths
        .map((width, column) => cell(row, column).padEnd(width))
        .join('   ')
        .trimEnd(),
    )
    .join('\n');
}

function cell(row: readonly string[], column: number): string {
  return row[column] ?? '';
}

function centre(text: string, width: number): string {
  const left = Math.floor((width - text.length) / 2);
  return text.padStart(text.length + left).padEnd(width);
}

function align(text: string, width: number): string {
  return /^\d+$/.test(text) ? text.padStart(width) : text.padEnd(width);
}
