import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

/** A TCP relay before a server, which a test can disturb. */
export interface Relay {
  readonly port: number;
  /** Breaks the connections there are. */
  readonly cut: () => void;
  /** Whether what the server answers is dropped. */
  readonly swallow: (on: boolean) => void;
  /** Whether there is no way through at all. */
  readonly part: (on: boolean) => void;
  readonly close: () => Promise<void>;
}

/** A relay on a free port of the loopback to another port of it. */
export async function startRelay(target: number): Promise<Relay> {
  const sockets = new Set<Socket>();
  let [dropping, parted] = [false, false];
  const listener = createServer((client) => {
    if (parted) return client.destroy();
    const upstream = connect(target, '127.0.0.1');
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    }
    client.on('data', (chunk) => upstream.write(chunk)).on('close', () => upstream.destroy());
    upstream.on('data', (chunk) => (dropping ? undefined : client.write(chunk))).on('close', () => client.destroy());
    return undefined;
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (listener.address() as AddressInfo).port,
    cut,
    swallow: (on) => (dropping = on),
    part: (on) => {
      parted = on;
      if (on) cut();
    },
    close: async () => {
      cut();
      await new Promise((resolve) => listener.close(resolve));
    },
  };
}
