import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

/** Installed beside the package, never in the repository. */
export const bundlers: readonly string[] = [
  'esbuild@0.28.2',
  'rollup@4.68.7',
  '@rollup/plugin-node-resolve@16.0.3',
];

interface EsBuild {
  readonly build: (options: object) => Promise<{
    readonly metafile: {
      readonly outputs: Readonly<
        Record<
          string,
          { readonly bytes: number; readonly inputs: Readonly<Record<string, { bytesInOutput: number }>> }
        >
      >;
    };
  }>;
}
interface Rollup {
  readonly rollup: (options: object) => Promise<{
    generate(options: object): Promise<{
      readonly output: ReadonlyArray<{
        readonly code: string;
        readonly modules: Readonly<Record<string, { renderedLength: number }>>;
      }>;
    }>;
    close(): Promise<void>;
  }>;
}

/** What a bundle has: its size, and of which folders of this package and of which other packages it is. */
interface Content {
  readonly bytes: number;
  readonly rooms: readonly string[];
  readonly packages: readonly string[];
}

const ours = /node_modules\/portcullis\/dist\/(?:lib\/)?([\w-]+)/;

function contentOf(files: readonly string[], bytes: number): Content {
  const inside = files.map((file) => ours.exec(file)?.[1] ?? '');
  const others = files.filter((_file, index) => inside[index] === '');
  const packageOf = (file: string): string =>
    /node_modules\/((?:@[^/]+\/)?[^/]+)\/(?!.*node_modules)/.exec(file)?.[1] ?? '';
  const named = (list: readonly string[]): string[] =>
    [...new Set(list.filter((name) => name !== ''))].toSorted();
  return { bytes, rooms: named(inside), packages: named(others.map(packageOf)) };
}

export interface Bundlers {
  /** Everything in one file, what is loaded only when needed too. */
  readonly withEsbuild: (source: string) => Promise<Content>;
  /** The packages stay outside, as in a server's bundle with its node_modules. */
  readonly withRollup: (source: string) => Promise<Content & { readonly outside: readonly string[] }>;
  /** A program of that folder, minified, in a file. */
  readonly write: (entry: string, format: 'esm' | 'cjs', outfile: string) => Promise<void>;
}

/** The bundlers of a consumer's folder. */
export function loadBundlers(directory: string): Bundlers {
  const load = createRequire(join(directory, 'index.cjs'));
  const { build } = load('esbuild') as EsBuild;
  const { rollup } = load('rollup') as Rollup;
  const { nodeResolve } = load('@rollup/plugin-node-resolve') as { nodeResolve: () => unknown };
  const common = {
    bundle: true,
    platform: 'node',
    absWorkingDir: directory,
    logLevel: 'silent',
    metafile: true,
  };
  return {
    withEsbuild: async (contents) => {
      const stdin = { contents, resolveDir: directory };
      const { metafile } = await build({ ...common, stdin, format: 'esm', outfile: 'out.mjs', write: false });
      const { bytes, inputs } = Object.values(metafile.outputs)[0]!;
      const used = Object.keys(inputs).filter((file) => inputs[file]!.bytesInOutput > 0);
      return contentOf(used, bytes);
    },
    withRollup: async (source) => {
      const input = join(directory, 'rolled.mjs');
      writeFileSync(input, source);
      const bundle = await rollup({
        input,
        plugins: [nodeResolve()],
        external: (id: string) => /^[@a-z]/i.test(id) && !id.startsWith('portcullis'),
        onLog: () => undefined,
      });
      try {
        const { output } = await bundle.generate({ format: 'es', inlineDynamicImports: true });
        const { code, modules } = output[0]!;
        const used = Object.keys(modules).filter((file) => modules[file]!.renderedLength > 0);
        const named = [...code.matchAll(/\b(?:from|import|import\() ?'([^'\n]+)'/g)].map(([, name]) => name!);
        return {
          ...contentOf(used, code.length),
          outside: named.filter((name) => !name.startsWith('node:')),
        };
      } finally {
        await bundle.close();
      }
    },
    write: async (entry, format, outfile) => {
      const banner = format === 'esm' ? { js: requireInEsm } : {};
      await build({ ...common, entryPoints: [entry], minify: true, banner, format, outfile });
    },
  };
}

/** Express and what it loads are CommonJS, and want `require`. */
const requireInEsm =
  "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";
