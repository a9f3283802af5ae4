import { mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const hour = 3_600;

/** Debian has it below the name of the architecture. */
function library(): string {
  for (const name of readdirSync('/usr/lib')) {
    try {
      const folder = join('/usr/lib', name, 'faketime');
      if (readdirSync(folder).includes('libfaketime.so.1')) return join(folder, 'libfaketime.so.1');
    } catch {
      // It is not here.
    }
  }
  throw new Error('libfaketime is not there (Debian package libfaketime)');
}

/** The clock of a process that is started with `environment`; its timers go on as before, as those of a machine do. */
export class FaultClock {
  readonly #folder = mkdtempSync(join(tmpdir(), 'portcullis-clock-'));
  readonly #file: string = join(this.#folder, 'time');
  readonly environment: Readonly<Record<string, string>>;

  constructor() {
    this.set(0);
    this.environment = {
      LD_PRELOAD: library(),
      FAKETIME_TIMESTAMP_FILE: this.#file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      DONT_FAKE_MONOTONIC: '1',
    };
  }

  /** So many hours ahead of the true time; a negative number: behind. */
  set(hours: number): void {
    const seconds = Math.round(hours * hour);
    writeFileSync(`${this.#file}.new`, `${seconds < 0 ? '' : '+'}${seconds}\n`);
    renameSync(`${this.#file}.new`, this.#file);
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
