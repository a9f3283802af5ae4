import { execFile } from 'node:child_process';

/** Runs a program to its end and gives what it says, on both channels. Rejects where it cannot be started. */
export function capture(
  program: string,
  args: readonly string[],
  { environment = {}, input = '' }: { environment?: Record<string, string>; input?: string } = {},
): Promise<string> {
  return new Promise((settle, reject) => {
    const options = {
      env: { ...process.env, LC_ALL: 'C', ...environment },
      maxBuffer: 2 ** 26,
      timeout: 600_000,
    };
    const child = execFile(program, args, options, (error, stdout, stderr) => {
      // A scanner's exit code tells of findings; those are read from what it has written.
      if (error !== null && typeof error.code !== 'number') reject(new Error(`${program}: ${error.message}`));
      else settle(stdout + stderr);
    });
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input);
  });
}
