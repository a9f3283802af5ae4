import { CliFailure, exitCodes } from '../failure.ts';

/** What is wrong with a command line, and how it would be right. */
export const usage = (message: string, hint: string): CliFailure =>
  new CliFailure(message, hint, exitCodes.usage);
