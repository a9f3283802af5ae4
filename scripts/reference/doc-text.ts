/** A comment in Markdown, without its signs. */
export function markdownOf(docComment: string): string {
  return (
    docComment
      .replace(/^\/\*\*\s?/, '')
      .replace(/\*\/\s*$/, '')
      .split('\n')
      .map((line) => line.replace(/^\s*\* ?/, ''))
      .join('\n')
      .replaceAll(/^@(?:packageDocumentation|module|public)\b.*$/gm, '')
      // Its place is a column of its own.
      .replaceAll(/^@defaultValue\b[^]*?(?=\n\s*\n|\n@|$(?![^]))/gm, '')
      // Some stand there without a fence.
      .replaceAll(
        /^@example\s*\n(?!\s*```)([^]*?)(?=\n@|$(?![^]))/gm,
        (_, code: string) => `\`\`\`ts\n${code.trim()}\n\`\`\``,
      )
      .replaceAll(/^@example\s*$/gm, '')
      .trim()
  );
}

/** What stands behind `@defaultValue`. */
export const defaultOf = (docComment: string): string =>
  /@defaultValue\s+([^]*?)(?=\n\s*\*\s*\n|\n\s*\*\s*@|\*\/)/
    .exec(docComment)?.[1]
    ?.replaceAll(/\s*\n\s*\*\s*/g, ' ')
    .trim() ?? '';

/** In one line, for a table. */
export const cell = (markdown: string): string =>
  markdown
    .replaceAll(/```\w*\n([^]*?)```/g, (_, code: string) => `\`${code.trim()}\``)
    .replaceAll(/\s*\n\s*/g, ' ')
    .replaceAll('|', '\\|')
    .trim();

/** In code, for a table. */
export const codeCell = (text: string): string => (text === '' ? '' : `\`${cell(text)}\``);
