import { Command } from 'commander';
import { withDetails } from '../command/details.ts';
import type { Io } from '../io.ts';

/** `portcullis doctor`. */
export function doctorCommand(io: Io): Command {
  const command = new Command('doctor')
    .description(
      'Look at this machine: Node and OpenSSL and their ends of life, what they can do, what in the environment weakens TLS, the development certificate.',
    )
    .option('--json', 'as JSON')
    .action(async (flags: { readonly json?: boolean }) => {
      const { doctor } = await import('./doctor.ts');
      doctor(flags, io);
    });
  return withDetails(
    command,
    [
      ['doctor', 'what this machine can do, and what is wrong with it'],
      ['doctor --json', 'the same for a bug report or a pipeline'],
    ],
    { 0: 'nothing is wrong', 1: 'something is wrong' },
  );
}
