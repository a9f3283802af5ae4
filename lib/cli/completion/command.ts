import { Argument, Command } from 'commander';
import { withDetails } from '../command/details.ts';
import type { Io } from '../io.ts';

/** `portcullis completion SHELL`. */
export function completionCommand(io: Io): Command {
  const command = new Command('completion')
    .description('Print a script that completes commands, options and their values in a shell.')
    .addArgument(new Argument('<shell>', 'which shell').choices(['bash', 'zsh', 'fish']))
    .action(async (shell: 'bash' | 'zsh' | 'fish') => {
      const { completionScript } = await import('./script.ts');
      io.out(completionScript(command.parent!, shell));
    });
  return withDetails(command, [
    ['completion bash', 'show the script for bash'],
    [
      'completion bash > ~/.local/share/bash-completion/completions/portcullis',
      'for bash, from the next shell on',
    ],
    ['completion zsh > "${fpath[1]}/_portcullis"', 'for zsh'],
    ['completion fish > ~/.config/fish/completions/portcullis.fish', 'for fish'],
  ]);
}
