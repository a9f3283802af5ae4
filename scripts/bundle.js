/**
 * Writes dist/bundle/: each entry of the package as one file, and what they share beside it. Node needs 0.4 ms for a
 * module, and the package has 230 of them: why, and what it brings, is in docs/decisions/start-up.md.
 *
 *   node scripts/bundle.js [FOLDER]
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { rolldown } from 'rolldown';

const root = resolve(import.meta.dirname, '..');
const folder = resolve(process.argv[2] ?? join(root, 'dist', 'bundle'));
const entries = ['index', 'cli/main'].concat(
  ['client', 'cluster', 'metrics', 'pki', 'redis', 'testing'].map((name) => `${name}/index`),
);
const sourceOf = (entry) => join(root, 'lib', `${entry}.ts`);

/** What `import 'portcullis'` loads. It is one chunk, so that all entries have its classes and its state in common. */
const core = new Set();

const findCore = {
  name: 'find-core',
  buildEnd() {
    const add = (id) => {
      if (core.has(id)) return;
      core.add(id);
      for (const imported of this.getModuleInfo(id)?.importedIds ?? []) add(imported);
    };
    add(sourceOf('index'));
  },
};

const bundle = await rolldown({
  cwd: root,
  input: Object.fromEntries(entries.map((entry) => [entry, sourceOf(entry)])),
  platform: 'node',
  external: (id) => !/^[./]/.test(id),
  plugins: [findCore],
});
const { output } = await bundle.write({
  dir: folder,
  format: 'esm',
  cleanDir: true,
  sourcemap: true,
  sourcemapExcludeSources: true,
  // Of chunks that are loaded at need; what they are called is nobody's matter.
  chunkFileNames: 'chunks/[name].js',
  comments: { annotation: true, jsdoc: false, legal: true },
  codeSplitting: { groups: [{ name: 'core', test: (id) => core.has(id) }] },
});
await bundle.close();

/** As they stand at the head of a chunk, one in a line: the lines of the source maps stay what they are. */
const importOfNode = /^import (?:(?:\* as )?(\w+)(?:, )?)?(\{[^}]*\})? ?from "(node:[\w/]+)";$/gm;

/**
 * An `import` of Node's own module reads all of its exports, and so loads what stands behind its getters: with
 * node:http that is the whole of undici, for 20 ms, since Node 22. Here nothing is read but what is used.
 */
function takeFromNode(_line, whole, some, module) {
  const taken = `process.getBuiltinModule("${module}")`;
  const names = some?.replaceAll(' as ', ': ');
  if (whole === undefined) return `const ${names} = ${taken};`;
  return `const ${whole} = ${taken}${names === undefined ? '' : `, ${names} = ${whole}`};`;
}

/** One character beyond Latin-1, and V8 keeps two octets for each of the file. All of them stand in texts and patterns. */
const escaped = (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;

for (const { type, fileName } of output) {
  if (type !== 'chunk') continue;
  const file = join(folder, fileName);
  const code = readFileSync(file, 'utf8')
    .replaceAll(importOfNode, takeFromNode)
    .replaceAll(/[^\0-\x7f]/g, escaped);
  const left = /^import .*"node:.*$/m.exec(code);
  if (left !== null) throw new Error(`${fileName}: not understood: ${left[0]}`);
  writeFileSync(file, code);
}
