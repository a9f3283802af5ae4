import type { Command } from 'commander';
import { bashScript } from './bash.ts';
import { fishScript } from './fish.ts';
import { completedCommands } from './words.ts';
import { zshScript } from './zsh.ts';

/** The completion of a whole command line, for one shell. */
export function completionScript(program: Command, shell: 'bash' | 'zsh' | 'fish'): string {
  const commands = completedCommands(program);
  return { bash: bashScript, zsh: zshScript, fish: fishScript }[shell](commands);
}
