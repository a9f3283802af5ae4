/** `node observatory-child.js MODULE HOST:PORT`: one scan by MDN's HTTP Observatory, as one line of JSON. */
import dns from 'node:dns';
import { syncBuiltinESMExports } from 'node:module';
import { pathToFileURL } from 'node:url';

interface Scan {
  readonly scan: {
    readonly grade: string;
    readonly score: number;
    readonly responseHeaders: Readonly<Record<string, string>>;
  };
  readonly tests: Readonly<Record<string, { readonly pass: boolean; readonly result: string }>>;
}

const [module = '', host = ''] = process.argv.slice(2);

// A public name, as for localhost there is no HSTS; it is to lead to this machine all the same.
const { lookup } = dns;
dns.lookup = ((...[, ...rest]: Parameters<typeof lookup>) => lookup('127.0.0.1', ...rest)) as typeof lookup;
syncBuiltinESMExports();

const { scan } = (await import(pathToFileURL(module).href)) as { scan: (host: string) => Promise<Scan> };
const { scan: summary, tests } = await scan(host);
console.log(
  JSON.stringify({
    grade: summary.grade,
    score: summary.score,
    failed: Object.entries(tests).flatMap(([name, { pass, result }]) => (pass ? [] : [`${name}: ${result}`])),
    hsts: summary.responseHeaders['strict-transport-security'],
  }),
);
