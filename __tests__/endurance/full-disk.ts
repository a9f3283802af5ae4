import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const page = 4_096;
/** The name of what fills it. */
export const filling = 'filling';

/** A small file system of its own, which is full when it is told to be. Mounting it is root's. */
export class FullDisk {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'portcullis-full-'));
  /** What a program says that finds it full. */
  readonly reason: RegExp = /ENOSPC|disk is full/;

  constructor() {
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=512k,mode=0700', 'none', this.folder], {
        stdio: 'pipe',
      });
    } catch (error) {
      throw new Error('a tmpfs cannot be mounted: run this as root, with CAP_SYS_ADMIN', { cause: error });
    }
  }

  /** Leaves room for so many pages of 4 KiB. */
  fill(pages = 0): void {
    this.free();
    const { bavail, bsize } = statfsSync(this.folder);
    const filler = openSync(join(this.folder, filling), 'w');
    for (let left = bavail * bsize; left > pages * page; left -= page)
      writeSync(filler, Buffer.alloc(page, 1));
    closeSync(filler);
  }

  free(): void {
    rmSync(join(this.folder, filling), { force: true });
  }

  /** Nothing can be written to it any more. */
  lock(isLocked = true): void {
    execFileSync('mount', ['-o', `remount,${isLocked ? 'ro' : 'rw'}`, this.folder]);
  }

  remove(): void {
    execFileSync('umount', [this.folder]);
    rmSync(this.folder, { recursive: true, force: true });
  }
}
