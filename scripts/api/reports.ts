import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { configOf, extractAll } from '../reference/extractor.ts';

/** Where the committed reports are. */
export const folder = 'etc';

/** By file name: all that an entry of package.json exports, with its types, as the build below `root` declares it. */
export async function makeReports(root: string): Promise<Map<string, string>> {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    exports: Record<string, string | { readonly module: string }>;
  };
  const entries = Object.entries(exports).flatMap(([name, files]) =>
    typeof files === 'string' ? [] : [[name, files.module] as const],
  );
  const names = entries.map(([name]) => `portcullis${name.slice(1).replace('/', '-')}.api.md`);
  const output = mkdtempSync(join(tmpdir(), 'api-'));
  try {
    extractAll(
      entries.map(([, file], index) =>
        configOf(root, file, {
          apiReport: {
            enabled: true,
            reportFileName: names[index]!,
            reportFolder: output,
            reportTempFolder: join(output, 'temp'),
            // A change of a type that is only named by an exported one is a change for its users.
            includeForgottenExports: true,
          },
        }),
      ),
    );
    const reports = new Map<string, string>();
    for (const [index, [, file]] of entries.entries()) {
      const values = (await import(pathToFileURL(join(root, file)).href)) as object;
      reports.set(names[index]!, forUsers(readFileSync(join(output, names[index]!), 'utf8'), values));
    }
    return reports;
  } finally {
    rmSync(output, { recursive: true, force: true });
  }
}

/** A report without the types that only the package's own modules reach, by a constructor that no user can call. */
function forUsers(report: string, values: object): string {
  const [head = '', ...parts] = report.split(/(?=^\/\/ @\w+)/m);
  const declared = parts.map((part) => (nameOf(part) in values ? part : withoutInside(part)));
  const named = new Map(declared.map((part) => [nameOf(part), part]));
  const reached = new Set(declared.filter((part) => /^export /m.test(part)));
  for (const part of reached) {
    for (const word of part.match(/[\w$]+/g) ?? []) {
      const other = named.get(word);
      if (other !== undefined) reached.add(other);
    }
  }
  const kept = declared
    .filter((part) => reached.has(part))
    .map((part) => part.replace(/\n\/\/ \(No[^]*|```\s*$/, ''));
  return `${[head, ...kept].join('').trimEnd()}\n\`\`\`\n`;
}

const withoutInside = (part: string): string => part.replace(/^ +(?:constructor\(|protected ).*\n/gm, '');

const nameOf = (part: string): string =>
  /^(?:export )?(?:declare |abstract )*(?:type|interface|class|function|const) ([\w$]+)/m.exec(part)?.[1] ??
  '';
