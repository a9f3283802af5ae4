import { quoted } from './quoting.ts';
import type { CompletedCommand, Values } from './words.ts';

/** For zsh: with what each word does beside it. */
export const zshScript = (commands: readonly CompletedCommand[]): string => `#compdef portcullis
# portcullis completion for zsh
_portcullis() {
  local at='' i
  local -a offered
  for (( i = 2; i < CURRENT; i++ )); do
    case "$at \${words[i]}" in
      (${commands
        .filter(({ path }) => path !== '')
        .map(({ path }) => quoted(path))
        .join('|')}) at="$at \${words[i]}" ;;
    esac
  done
  case "$at|\${words[CURRENT-1]}" in
${commands.flatMap(valueCases).join('\n')}
  esac
  case "$at" in
${commands.map(commandCase).join('\n')}
  esac
}
if [[ \${funcstack[1]} == _portcullis ]]; then _portcullis "$@"; else compdef _portcullis portcullis; fi
`;

function valueCases({ path, options }: CompletedCommand): string[] {
  return options.flatMap(({ flags, what, values }) =>
    values === undefined
      ? []
      : [
          `    (${flags.map((flag) => quoted(`${path}|${flag}`)).join('|')}) ${offer(values, what)}; return ;;`,
        ],
  );
}

const offer = (values: Values, what: string): string =>
  values === 'any'
    ? `_message ${quoted(what)}`
    : values === 'file'
      ? '_files'
      : `compadd -- ${values.map(quoted).join(' ')}`;

function commandCase({ path, commands, options, values }: CompletedCommand): string {
  const flags = options.flatMap(({ flags: all, what }) =>
    all.filter((flag) => flag.startsWith('--')).map((flag) => quoted(`${flag}:${what}`)),
  );
  const words = commands.map(({ name, what }) => quoted(`${name}:${what}`));
  const rest = [
    ...(words.length > 0 ? [`offered=(${words.join(' ')}); _describe command offered`] : []),
    ...(values === undefined || values === 'any' ? [] : [offer(values, '')]),
  ];
  return [
    `    (${quoted(path)})`,
    `      if [[ \${words[CURRENT]} == -* ]]; then offered=(${flags.join(' ')}); _describe -o option offered`,
    `      else ${rest.join('; ') || ':'}`,
    '      fi ;;',
  ].join('\n');
}
