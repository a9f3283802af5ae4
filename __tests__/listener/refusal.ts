import { expect } from '@jest/globals';
import { ConfigError, type ConfigErrorCode, createServer, type PortcullisOptions } from 'portcullis';

/** What is refused, the options, and the ConfigError's code, path and remedy. */
export type Refusal = readonly [
  what: string,
  options: () => unknown,
  code: ConfigErrorCode,
  path: string,
  remedy: RegExp,
];

/** The ConfigError of `createServer`, which must throw one at once. */
export function refused(options: unknown): ConfigError {
  try {
    createServer(options as PortcullisOptions);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('createServer took the options');
}

/** What is to be compared in `it.each<Refusal>`: what was thrown, */
export const thrown = ([, options]: Refusal): object => {
  const { code, path, remedy } = refused(options());
  return { code, path, remedy };
};

/** and what should have been. */
export const wanted = ([, , code, path, remedy]: Refusal): object => ({
  code,
  path,
  remedy: expect.stringMatching(remedy),
});
