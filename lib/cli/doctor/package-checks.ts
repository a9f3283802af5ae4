import { resolve } from 'node:path';
import { installedFrom } from '../input/installed.ts';
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

const versionOf = (name: string, directory: string): string | undefined =>
  installedFrom(resolve(directory, 'package.json'), name)?.version;
