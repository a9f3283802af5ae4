import { ConfigError } from '../../errors.ts';
import { CliFailure, exitCodes } from '../failure.ts';

/** Which part of the command line stands for which option of the library. */
const flags: ReadonlyArray<readonly [path: RegExp, flag: string]> = [
  [/^nameConstraints\b/, '--permit'],
  [/^subject\b/, '--subject'],
  [/^names\.email\b/, '--email'],
  [/^names\.dns\b/, '--dns'],
  [/^names\.ip\b/, '--ip'],
  [/^names\.uri\b/, '--uri'],
  [/^crlDistributionPoints\b/, '--crl-url'],
  [/^not(?:After|Before)$/, '--days'],
  [/^keyType$/, '--key-type'],
];

/** An option that the library refuses is a fault of the command line, told by the name that it has there. */
export function rejectOption(error: unknown): never {
  if (!(error instanceof ConfigError) || error.code !== 'OPTION_INVALID') throw error;
  const { path, message, remedy } = error;
  const flag = flags.find(([pattern]) => pattern.test(path))?.[1];
  const problem = message
    .slice(path.length + 2, -remedy.length)
    .trim()
    .replace(/\.$/, '');
  const place = /[.[]/.test(path) ? `${flag} (${path})` : flag;
  throw new CliFailure(flag === undefined ? problem : `${place}: ${problem}`, remedy, exitCodes.usage, error);
}
