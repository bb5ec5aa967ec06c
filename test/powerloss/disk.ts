import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const MIB = 512;

/**
 * What a power cut is to a file system: from this moment on nothing reaches the disk, neither what was only written to memory nor the
 * journal's own (ext4's EXT4_IOC_SHUTDOWN with NOLOGFLUSH, as the kernel's tests of file systems use it).
 */
const CUT = 'open(my $f, "<", $ARGV[0]) or die "$!\\n"; my $how = pack("L", 2); ioctl($f, 0x8004587d, $how) or die "$!\\n"';

function run(command: string, ...args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8' });
  if (status === 0) return stdout.trim();
  throw new Error(
    `a disk to cut off needs root, loop devices, e2fsprogs and perl: ${command} ${args.join(' ')}: ${error?.message ?? stderr.trim()}`,
  );
}

/** A disk of its own in a file, with an ext4 on it: it loses its power without anybody losing theirs. */
export class Disk {
  readonly #home = mkdtempSync(path.join(tmpdir(), 'decklog-disk-'));
  readonly #image = path.join(this.#home, 'image');
  /** Where it is mounted. */
  readonly folder = path.join(this.#home, 'disk');

  static make(): Disk {
    const disk = new Disk();
    try {
      run('truncate', '-s', `${MIB}M`, disk.#image);
      run('mkfs.ext4', '-q', disk.#image);
      mkdirSync(disk.folder);
      disk.#mount();
    } catch (error) {
      disk.remove();
      throw error;
    }
    return disk;
  }

  /** Writes down everything that was written up to now: how a machine is that has been up for a while. */
  settle(): void {
    run('sync', '-f', this.folder);
  }

  /** The power goes. Whoever still writes gets errors. */
  cut(): void {
    run('perl', '-e', CUT, this.folder);
  }

  /** The power is back. Everybody must have closed their files. */
  restore(): void {
    run('umount', this.folder);
    this.#mount();
  }

  remove(): void {
    if (existsSync(this.folder)) spawnSync('umount', [this.folder]);
    rmSync(this.#home, { recursive: true, force: true });
  }

  #mount(): void {
    run('mount', '-o', 'loop', this.#image, this.folder);
  }
}
