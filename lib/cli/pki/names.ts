import { usage } from '../failure.ts';
import { plain } from '../terminal/plain.ts';

/**
 * A name by which a folder can be called, wherever it comes from: `*.example.org` gives `wildcard.example.org`, and what
 * steers a path, a shell or a terminal becomes `_`. Two that give the same one do not overwrite each other: the folder
 * is there already.
 */
export function fileName(name: string): string {
  const safe = name
    .normalize('NFC')
    .replace(/^\*(?=\.)/, 'wildcard')
    .replace(/[^\p{L}\p{N}._@+-]/gu, '_')
    // Neither hidden, nor an option, nor the folder above.
    .replace(/^[.-]+/, '_')
    // Windows drops dots at the end.
    .replace(/\.+$/, '_');
  // 255 octets is what file systems take; letters have up to 4.
  return Array.from(safe).slice(0, 60).join('') || '_';
}

/** A name that somebody chose with `--name`. */
export function chosenName(name: string): string {
  if (name !== '' && fileName(name) === name) return name;
  throw usage(
    `--name: '${plain(name)}' cannot be the name of a folder`,
    `Use letters, digits and . _ @ + - as in '${fileName(name)}'.`,
  );
}
