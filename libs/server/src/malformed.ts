import type { Duplex } from 'node:stream';

/** How long the rest of a request that can't be read is thrown away, so that its client gets to read the answer. */
const LINGER_MS = 500;

/** Answers what is no HTTP, has no end of headers, or takes too long to say them; then the connection ends. */
export function refuseMalformed(error: NodeJS.ErrnoException, socket: Duplex): void {
  // Each further piece of the same request is an error of its own.
  if (socket.writableEnded) return;
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const status =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? '431 Request Header Fields Too Large'
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? '408 Request Timeout'
        : '400 Bad Request';
  socket.on('error', () => socket.destroy());
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
  socket.resume();
  setTimeout(() => socket.destroy(), LINGER_MS).unref();
}
