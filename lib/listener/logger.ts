import { ConfigError } from '../errors.ts';

/** Where a listener says what an operator should know: `console`, pino and the like. */
export interface Logger {
  /** What is as it should be: the line at the start, a reload. */
  info(message: string): void;
  /** What somebody should look at. */
  warn(message: string): void;
}

/** The logger of `logger: false`: what is costly to say need not be made for it. */
export const silent: Logger = { info: () => undefined, warn: () => undefined };

/** A logger that throws has lost its own line, and nothing else: some lines are said amid a handshake or a request. */
export function readLogger(option: unknown): Logger {
  if (option === undefined) return guarded(console);
  if (option === false) return silent;
  if (typeof option === 'object' && option !== null && isMethod(option, 'info') && isMethod(option, 'warn'))
    return guarded(option as Logger);
  throw new ConfigError(
    'OPTION_INVALID',
    'logger',
    'it lacks info() or warn()',
    'Give console, a pino logger, or false for silence.',
  );
}

const guarded = (logger: Logger): Logger => ({
  info: (message) => quietly(() => logger.info(message)),
  warn: (message) => quietly(() => logger.warn(message)),
});

function quietly(say: () => void): void {
  try {
    say();
  } catch {
    // See above.
  }
}

const isMethod = (logger: object, name: string): boolean =>
  typeof (logger as Record<string, unknown>)[name] === 'function';
