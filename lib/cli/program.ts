import { Command } from 'commander';
import { auditCommand } from './audit/command.ts';
import { formatHelp } from './command/help.ts';
import { completionCommand } from './completion/command.ts';
import { doctorCommand } from './doctor/command.ts';
import { inspectCommand } from './inspect/command.ts';
import type { Io } from './io.ts';
import { pinCommand } from './pin/command.ts';
import { pkiCommand } from './pki/command.ts';
import { serveCommand } from './serve/command.ts';
import { style } from './terminal/style.ts';
import { packageVersion } from './version.ts';

/** One line for each command, in the order of the help. */
const commands = (io: Io): readonly Command[] => [
  serveCommand(io),
  inspectCommand(io),
  pinCommand(io),
  pkiCommand(io),
  auditCommand(io),
  doctorCommand(io),
  completionCommand(io),
];

/** The whole command line. What is heavy is loaded by the action that needs it, so that help and completion are quick. */
export function createProgram(io: Io): Command {
  const program = new Command('portcullis')
    .description('Hardened HTTPS for Express: serve, inspect, pin, audit, and a private authority.')
    .version(packageVersion(), '-V, --version', 'print the version');
  for (const command of commands(io)) program.addCommand(command);
  configure(program, io);
  return program;
}

/** Every command, however deep, prints by `io`, ends by an exception, and shows its help in the same form. */
function configure(command: Command, io: Io): void {
  command
    .exitOverride()
    .helpOption('-h, --help', 'print this help')
    .configureOutput({
      writeOut: io.out,
      writeErr: io.err,
      // run() tells what is wrong with a command line.
      outputError: () => undefined,
      getOutHelpWidth: () => io.columns,
      getErrHelpWidth: () => io.columns,
      getOutHasColors: () => io.colours,
      getErrHasColors: () => io.colours,
    })
    .configureHelp({ formatHelp, styleTitle: (text) => style(io.colours).bold(text) });
  if (command.commands.length > 0) command.helpCommand('help [command]', 'print the help of a command');
  for (const child of command.commands) configure(child, io);
}
