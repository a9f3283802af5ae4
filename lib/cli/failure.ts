/** How a command ends. Documented in docs/cli.md. */
export const exitCodes = {
  fine: 0,
  /** The command has done its work, and the answer is no: a finding, a failed verdict, an untrusted server. */
  no: 1,
  /** The command line is wrong. */
  usage: 2,
  /** It could not be done: a file, the network, a configuration. */
  failed: 3,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** What each means, for the help, the man page and the reference; a command may say more of 0 and 1. */
export const exitMeanings: Readonly<Record<ExitCode, string>> = {
  0: 'done; or the answer is yes',
  1: 'done, and the answer is no: a finding, a failed verdict, something wrong',
  2: 'the command line is wrong',
  3: 'it could not be done: a file, the network, a configuration that is refused',
};

/**
 * Ends a command with a line for a person: what is wrong, and what to do about it. Never carries a secret.
 * An empty message prints nothing: `new CliFailure('', undefined, exitCodes.no)` where the output has said it all.
 */
export class CliFailure extends Error {
  override readonly name = 'CliFailure';
  readonly hint: string | undefined;
  readonly exitCode: ExitCode;

  constructor(message: string, hint?: string, exitCode: ExitCode = exitCodes.failed, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.hint = hint;
    this.exitCode = exitCode;
  }
}

/** What is wrong with a command line, and how it would be right. */
export const usage = (message: string, hint?: string): CliFailure =>
  new CliFailure(message, hint, exitCodes.usage);
