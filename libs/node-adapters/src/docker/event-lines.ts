const MAX_LINE_BYTES = 1024 * 1024;

/** The lines of a stream of JSON messages, each within a bound. */
export async function* splitLines(stream: AsyncIterable<unknown>): AsyncGenerator<string> {
  let pending = '';
  for await (const chunk of stream) {
    const lines = (pending + String(chunk)).split('\n');
    pending = lines.pop() ?? '';
    if (pending.length > MAX_LINE_BYTES) throw new Error('the engine sent a line without end');
    for (const line of lines) if (line.trim() !== '') yield line;
  }
  if (pending.trim() !== '') yield pending;
}
