import { quoted } from './quoting.ts';
import type { CompletedCommand, Values } from './words.ts';

/** For bash 3.2 (macOS) and later. It calls nothing but the shell itself. */
export const bashScript = (commands: readonly CompletedCommand[]): string => `# portcullis completion for bash
_portcullis_words() { # words, separated by spaces
  local word
  while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -W "$1" -- "$current")
}
_portcullis_files() {
  local file
  type compopt >/dev/null 2>&1 && compopt -o filenames 2>/dev/null
  while IFS= read -r file; do COMPREPLY+=("$file"); done < <(compgen -f -- "$current")
}
_portcullis() {
  local current="\${COMP_WORDS[COMP_CWORD]}" before="" at="" i
  COMPREPLY=()
  (( COMP_CWORD > 0 )) && before="\${COMP_WORDS[COMP_CWORD-1]}"
  # '=' is a word of its own.
  if [[ $current == = ]]; then current=""
  elif [[ $before == = ]] && (( COMP_CWORD > 1 )); then before="\${COMP_WORDS[COMP_CWORD-2]}"
  fi
  for (( i = 1; i < COMP_CWORD; i++ )); do
    case "$at \${COMP_WORDS[i]}" in
      ${commands
        .filter(({ path }) => path !== '')
        .map(({ path }) => quoted(path))
        .join(' | ')}) at="$at \${COMP_WORDS[i]}" ;;
    esac
  done
  case "$at|$before" in
${commands.flatMap(valueCases).join('\n')}
  esac
  case "$at" in
${commands.map(commandCase).join('\n')}
  esac
}
complete -F _portcullis portcullis
`;

function valueCases({ path, options }: CompletedCommand): string[] {
  return options.flatMap(({ flags, values }) =>
    values === undefined
      ? []
      : [`    ${flags.map((flag) => quoted(`${path}|${flag}`)).join(' | ')}) ${offer(values)}; return ;;`],
  );
}

const offer = (values: Values): string =>
  values === 'any'
    ? ':'
    : values === 'file'
      ? '_portcullis_files'
      : `_portcullis_words ${quoted(values.join(' '))}`;

function commandCase({ path, commands, options, values }: CompletedCommand): string {
  const flags = options.flatMap((option) => option.flags.filter((flag) => flag.startsWith('--')));
  const words = commands.map(({ name }) => name);
  const rest = [
    ...(words.length > 0 ? [offer(words)] : []),
    ...(values === undefined || values === 'any' ? [] : [offer(values)]),
  ];
  return [
    `    ${quoted(path)})`,
    `      if [[ $current == -* ]]; then ${offer(flags)}`,
    `      else ${rest.join('; ') || ':'}`,
    '      fi ;;',
  ].join('\n');
}
