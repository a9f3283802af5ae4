import { ConfigError } from '../errors.ts';

/** Where a listener says what an operator should know: `console`, pino and the like. */
export interface Logger {
  info(message: string): void;
  warn(message: string): void;
}

const silent: Logger = { info: () => undefined, warn: () => undefined };

export function readLogger(option: unknown): Logger {
  if (option === undefined) return console;
  if (option === false) return silent;
  if (typeof option === 'object' && option !== null && isMethod(option, 'info') && isMethod(option, 'warn'))
    return option as Logger;
  throw new ConfigError(
    'OPTION_INVALID',
    'logger',
    'it lacks info() or warn()',
    'Give console, a pino logger, or false for silence.',
  );
}

const isMethod = (logger: object, name: string): boolean =>
  typeof (logger as Record<string, unknown>)[name] === 'function';
