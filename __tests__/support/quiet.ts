const { info } = console;

/** Every listener without a logger of its own says in a line what it is; with a stack for each, nothing else is seen. */
console.info = (...words: unknown[]): void => {
  if (!String(words[0]).startsWith('Portcullis: listening on ')) info.apply(console, words);
};
