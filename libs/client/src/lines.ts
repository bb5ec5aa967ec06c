/** The lines of a stream of bytes, without their ends. A line longer than `maxBytes` is an error, not a buffer that grows. */
export async function* splitLines(stream: AsyncIterable<unknown>, maxBytes: number): AsyncGenerator<string> {
  let parts: Buffer[] = [];
  let pending = 0;
  for await (const piece of stream) {
    let chunk = piece as Buffer;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10)) {
      parts.push(chunk.subarray(0, end));
      const line = parts.length === 1 ? (parts[0] ?? chunk) : Buffer.concat(parts);
      parts = [];
      pending = 0;
      chunk = chunk.subarray(end + 1);
      if (line.length > 0) yield line.toString('utf8');
    }
    if (chunk.length === 0) continue;
    pending += chunk.length;
    if (pending > maxBytes) throw new Error(`a line exceeds ${maxBytes} bytes`);
    parts.push(chunk);
  }
  if (pending > 0) yield Buffer.concat(parts).toString('utf8');
}
