import type Docker from 'dockerode';
import { finished } from 'node:stream/promises';
import { pack } from 'tar-stream';

/** The image of pod sandboxes: one static program that waits, collects orphans, and ends at SIGTERM. */
export const PAUSE_IMAGE = 'decklog/pause:1';

/** SIGCHLD ignored (so that the kernel reaps), SIGTERM exits, then pause() for ever. */
const X86_64 =
  'bf11000000488d353c000000e81a000000bf0f000000488d354b000000e8' +
  '09000000b8220000000f05ebf731d241ba08000000b80d0000000f05c3b8' +
  '3c00000031ff0f050f1f4000010000000000000000000000000000000000' +
  '0000000000000000000000000000b3004000000000000000000400000000' +
  '00000000000000000000000000000000';

/** SIGCHLD ignored, then ppoll() for ever; ends at SIGKILL, which is what sandboxes are stopped with. */
const AARCH64 =
  '200280d2a1010010020080d2030180d2c81080d2010000d4' +
  '000080d2010080d2020080d2030080d2040080d2280980d2010000d4f9ffff17' +
  '0100000000000000000000000000000000000000000000000000000000000000';

const BASE = 0x400000n;
const HEADER_BYTES = 64 + 56;

/** A static ELF executable of one segment around the given machine code. */
export function elfExecutable(arch: string): Buffer {
  const machine = arch === 'arm64' ? 0xb7 : 0x3e;
  const code = Buffer.from(arch === 'arm64' ? AARCH64 : X86_64, 'hex');
  const size = BigInt(HEADER_BYTES + code.length);
  const header = Buffer.alloc(HEADER_BYTES);
  header.write('7f454c46020101', 0, 'hex');
  header.writeUInt16LE(2, 16);
  header.writeUInt16LE(machine, 18);
  header.writeUInt32LE(1, 20);
  header.writeBigUInt64LE(BASE + BigInt(HEADER_BYTES), 24);
  header.writeBigUInt64LE(64n, 32);
  header.writeUInt16LE(64, 52);
  header.writeUInt16LE(56, 54);
  header.writeUInt16LE(1, 56);
  header.writeUInt32LE(1, 64);
  header.writeUInt32LE(5, 68);
  header.writeBigUInt64LE(BASE, 80);
  header.writeBigUInt64LE(BASE, 88);
  header.writeBigUInt64LE(size, 96);
  header.writeBigUInt64LE(size, 104);
  header.writeBigUInt64LE(0x1000n, 112);
  return Buffer.concat([header, code]);
}

/** Makes the sandbox image where the engine does not have it: no registry is asked. */
export async function ensurePauseImage(docker: Docker): Promise<void> {
  try {
    await docker.getImage(PAUSE_IMAGE).inspect();
    return;
  } catch (error) {
    if ((error as { statusCode?: number }).statusCode !== 404) throw error;
  }
  const archive = pack();
  archive.entry({ name: 'pause', mode: 0o755 }, elfExecutable(process.arch));
  archive.finalize();
  const [repo, tag] = PAUSE_IMAGE.split(':');
  const options = { repo, tag, changes: ['ENTRYPOINT ["/pause"]'] };
  const answer = await docker.importImage(archive as unknown as NodeJS.ReadableStream, options);
  answer.resume();
  await finished(answer);
  await docker.getImage(PAUSE_IMAGE).inspect();
}
