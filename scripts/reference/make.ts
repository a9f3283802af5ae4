import { codesPage, silentCodes } from './codes.ts';
import { commandPage, silentCommands } from './command.ts';
import { readEntries } from './model.ts';
import { exportPages, indexPage, withoutWords } from './pages.ts';

export interface Reference {
  /** File name below docs/reference → Markdown. */
  readonly pages: ReadonlyMap<string, string>;
  /** What nobody has said a word about. */
  readonly silent: readonly string[];
}

/** The whole reference, from the build and the sources below `root`. */
export function makeReference(root: string): Reference {
  const entries = readEntries(root);
  const pages = exportPages(entries);
  pages.set('codes.md', codesPage(root));
  pages.set('command.md', commandPage());
  pages.set('README.md', indexPage(pages));
  return { pages, silent: [...withoutWords(entries), ...silentCodes(root), ...silentCommands()] };
}
