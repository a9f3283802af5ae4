import type { ReadStream } from 'node:tty';
import { CliFailure } from '../failure.ts';

interface Screen {
  write(text: string): unknown;
}

/** Keys as a terminal in raw mode sends them. */
const enter: ReadonlySet<string> = new Set(['\r', '\n', '\u0004']);
const erase: ReadonlySet<string> = new Set(['\b', '\u007f']);
const interrupt = '\u0003';
const clearLine = '\u0015';

/** Asks for a line at a terminal without showing it. Ctrl-C ends it with a CliFailure. */
export function askSecret(
  input: Pick<ReadStream, 'setRawMode' | 'on' | 'removeListener' | 'resume' | 'pause'>,
  screen: Screen,
  prompt: string,
): Promise<string> {
  screen.write(prompt);
  input.setRawMode(true);
  input.resume();
  return new Promise((resolve, reject) => {
    let secret: string[] = [];
    const end = (): void => {
      input.removeListener('data', onData);
      input.setRawMode(false);
      input.pause();
      screen.write('\n');
    };
    const onData = (octets: Buffer): void => {
      for (const key of octets.toString('utf8')) {
        if (enter.has(key)) {
          end();
          resolve(secret.join(''));
          return;
        }
        if (key === interrupt) {
          end();
          reject(new CliFailure('given up at the prompt'));
          return;
        }
        if (erase.has(key)) secret.pop();
        else if (key === clearLine) secret = [];
        else secret.push(key);
      }
    };
    input.on('data', onData);
  });
}
