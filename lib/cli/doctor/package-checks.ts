import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { packageVersion } from '../version.ts';
import { type Check, note, ok, wrong } from './check.ts';
import type { Machine } from './machine.ts';

const group = 'packages';

/** What works together with Portcullis, as seen from the user's folder. */
const partners: readonly (readonly [name: string, use: string])[] = [
  ['supertest', 'portcullis/testing'],
  ['prom-client', 'portcullis/metrics'],
  ['@redis/client', 'portcullis/redis'],
  ['ioredis', 'portcullis/redis'],
];

export function packageChecks({ directory }: Machine): Check[] {
  const express = versionOf('express', directory);
  return [
    ok(group, 'PORTCULLIS', `portcullis ${packageVersion()}`),
    expressCheck(express),
    ...partners.map(([name, use]) => {
      const version = versionOf(name, directory);
      const code = name.replace(/\W+/g, '_').replace(/^_/, '').toUpperCase();
      return version === undefined
        ? note(group, code, `no ${name}, which only ${use} needs`)
        : ok(group, code, `${name} ${version}, for ${use}`);
    }),
  ];
}

function expressCheck(version: string | undefined): Check {
  if (version === undefined)
    return note(group, 'EXPRESS', 'no express in this folder', 'npm install express');
  return Number.parseInt(version, 10) === 5
    ? ok(group, 'EXPRESS', `express ${version}`)
    : wrong(group, 'EXPRESS', `express ${version}: Portcullis is for Express 5`, 'npm install express@5');
}

/** Found by Node's own way, from a file in `directory`; undefined where it is not there. */
function versionOf(name: string, directory: string): string | undefined {
  try {
    const entry = createRequire(resolve(directory, 'package.json')).resolve(name);
    return versionAbove(dirname(entry), name);
  } catch {
    return undefined;
  }
}

/** Not by `name/package.json`, which a package need not export. */
function versionAbove(folder: string, name: string): string | undefined {
  const own = parsed(join(folder, 'package.json'));
  if (own?.['name'] === name) return String(own['version']);
  return folder === dirname(folder) ? undefined : versionAbove(dirname(folder), name);
}

function parsed(file: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}
