import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { nodeBinary, run, testedVersions } from '../nodes.ts';
import { capture } from './capture.ts';
import { serverName } from './certificates.ts';
import type { Target } from './targets.ts';

const version = '1.4.8';

/** What MDN's HTTP Observatory says. */
export interface Observation {
  readonly grade: string;
  readonly score: number;
  readonly failed: readonly string[];
  readonly hsts: string | undefined;
}

/**
 * Fetches MDN's HTTP Observatory from npm into `.tools/` the first time. Without its install script, which downloads
 * the lists of preloaded and public domains: the scanned name is on neither.
 */
export async function fetchObservatory(): Promise<string> {
  const prefix = resolve('.tools', `observatory-${version}`);
  const module = join(prefix, 'node_modules/@mdn/mdn-http-observatory');
  if (!existsSync(join(module, 'conf/hsts-preload.json'))) {
    mkdirSync(prefix, { recursive: true });
    const install = ['install', '--prefix', prefix, '--no-save', '--ignore-scripts', '--loglevel=error'];
    const code = await run('npm', [...install, `@mdn/mdn-http-observatory@${version}`]);
    if (code !== 0) throw new Error(`npm gives no @mdn/mdn-http-observatory@${version}`);
    writeFileSync(join(module, 'conf/hsts-preload.json'), '{}');
  }
  return join(module, 'src/index.js');
}

/** Has the server scanned by its public name and port, with its CA trusted as a public one would be. */
export async function observe(
  observatory: string,
  { port }: Target,
  directory: string,
): Promise<Observation> {
  const node = await nodeBinary(testedVersions.find((candidate) => candidate.startsWith('24.'))!);
  const program = join(import.meta.dirname, 'observatory-child.js');
  const said = await capture(node, [program, observatory, `${serverName}:${port}`], {
    environment: { NODE_EXTRA_CA_CERTS: join(directory, 'ca.pem'), NODE_OPTIONS: '' },
  });
  try {
    return JSON.parse(said.trim().split('\n').at(-1)!) as Observation;
  } catch (error) {
    throw new Error(`the HTTP Observatory has failed: ${said}`, { cause: error });
  }
}
