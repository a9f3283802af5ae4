import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Outcome, run } from '../interop/support/program.ts';
import { root } from './support.ts';

/** TypeScript's first version that reads our declarations for sure, and the last of each line; 7 is our own. */
const compilerVersions: readonly string[] = ['5.5.4', '5.9.3', '6.0.3'];
const nameOf = (version: string): string => `typescript-${version}`;
export const compilers: readonly string[] = compilerVersions.map(
  (version) => `${nameOf(version)}@npm:typescript@${version}`,
);

/** Neither the DOM's types, nor a check of our declarations left out, nor newer types of Node than 20's. */
const common = {
  noEmit: true,
  strict: true,
  types: ['node'],
  target: 'es2023',
  lib: ['es2023'],
  skipLibCheck: false,
};
const strictest = {
  ...common,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  noPropertyAccessFromIndexSignature: true,
  isolatedModules: true,
  verbatimModuleSyntax: true,
};
const modules = ['app.ts', 'client.ts', 'testing-only.ts'];
const projects = {
  nodenext: { files: [...modules, 'common.cts'], compilerOptions: { ...strictest, module: 'nodenext' } },
  // Before 5.8 TypeScript lets no CommonJS file import an ES module.
  older: { files: modules, compilerOptions: { ...strictest, module: 'nodenext' } },
  bundler: {
    files: modules,
    compilerOptions: { ...strictest, module: 'esnext', moduleResolution: 'bundler' },
  },
  loose: { files: modules, compilerOptions: { ...common, module: 'nodenext' } },
};

/** Lays the programs and their projects into a consumer's folder. */
export function layTypes(directory: string): void {
  for (const file of projects.nodenext.files)
    copyFileSync(join(import.meta.dirname, 'consumer', file), join(directory, file));
  for (const [name, project] of Object.entries(projects))
    writeFileSync(join(directory, `tsconfig.${name}.json`), JSON.stringify(project));
}

/** What `tsc` of a version does there. */
export async function compile(directory: string, version: string, args: readonly string[]): Promise<Outcome> {
  const isOurs = !compilerVersions.includes(version);
  const home = isOurs
    ? join(root, 'node_modules/typescript')
    : join(directory, 'node_modules', nameOf(version));
  const { version: installed } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')) as {
    version: string;
  };
  if (!`${installed}.`.startsWith(`${version}.`)) throw new Error(`this is TypeScript ${installed}`);
  return run(process.execPath, [join(home, 'bin/tsc'), ...args], { cwd: directory, timeout: 300_000 });
}
