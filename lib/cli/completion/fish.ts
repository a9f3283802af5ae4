import { fishQuoted } from './quoting.ts';
import type { CompletedCommand, CompletedOption, Values } from './words.ts';

/** For fish 3 and later. */
export const fishScript = (commands: readonly CompletedCommand[]): string => `# portcullis completion for fish
function __portcullis_at
    set -l at ''
    for word in (commandline -opc)[2..-1]
        switch "$at $word"
            case ${commands
              .filter(({ path }) => path !== '')
              .map(({ path }) => fishQuoted(path))
              .join(' ')}
                set at "$at $word"
        end
    end
    test "$at" = "$argv[1]"
end
complete -c portcullis -f
${commands.flatMap(linesOf).join('\n')}
`;

function linesOf({ path, commands, options, values }: CompletedCommand): string[] {
  const here = `complete -c portcullis -n ${fishQuoted(`__portcullis_at ${fishQuoted(path)}`)}`;
  return [
    ...commands.map(({ name, what }) => `${here} -a ${fishQuoted(name)} -d ${fishQuoted(what)}`),
    ...options.map((option) => `${here}${optionWords(option)} -d ${fishQuoted(option.what)}`),
    ...(values === undefined || values === 'any' ? [] : [`${here}${valueWords(values, false)}`]),
  ];
}

function optionWords({ flags, values }: CompletedOption): string {
  const names = flags.map((flag) =>
    flag.startsWith('--') ? ` -l ${flag.slice(2)}` : ` -s ${flag.slice(1)}`,
  );
  return `${names.join('')}${values === undefined ? '' : valueWords(values, true)}`;
}

function valueWords(values: Values, required: boolean): string {
  if (values === 'file') return required ? ' -r -F' : ' -F';
  if (values === 'any') return ' -x';
  return `${required ? ' -x' : ''} -a ${fishQuoted(values.join(' '))}`;
}
