import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect } from '@jest/globals';
import express from 'express';
import * as portcullis from 'portcullis';
import type { TestPki } from 'portcullis/testing';
import { listening } from './harness.ts';

/** Runs the first snippet of a page of the documentation as it is, but for its imports, files and port. */
export async function runDocumented(
  page: string,
  pki: TestPki,
  packages: Readonly<Record<string, unknown>> = {},
): Promise<portcullis.PortcullisServer> {
  const text = readFileSync(resolve(import.meta.dirname, `../../docs/${page}.md`), 'utf8');
  const files: Record<string, string> = {
    'clients-ca.pem': pki.ca,
    'server.key': pki.server.key,
    'server.pem': pki.server.cert,
  };
  const modules: Record<string, unknown> = {
    'node:fs': { readFileSync: (name: string) => files[name] },
    express: { default: express },
    portcullis,
    ...packages,
  };
  const body = /```js\n([^]*?)```/
    .exec(text)![1]!
    .replaceAll(/^import (\w+) from '(.*)';$/gm, "const $1 = modules['$2'].default;")
    .replaceAll(/^import (\{[^}]*\}) from '(.*)';$/gm, "const $1 = modules['$2'];")
    .replace('server.listen(8443);', 'return server;');
  expect(body).not.toMatch(/^import|listen\(/m);
  // oxlint-disable-next-line typescript/no-implied-eval -- the documentation is run
  const run = new Function('modules', `return (async () => {${body}})();`) as (
    modules: object,
  ) => Promise<portcullis.PortcullisServer>;
  return listening(await run(modules));
}
