import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Kitchen } from '../examples/run-recipe.ts';
import { isProgram, pages, readBlocks } from '../examples/snippets/blocks.ts';
import type { Furniture } from '../examples/snippets/furniture.ts';
import { prove } from '../examples/snippets/page.ts';
import { settings } from '../examples/snippets/settings.ts';
import { type Consumer, makeConsumer, succeed } from './support.ts';

/** What the pages tell a reader to install beside portcullis. */
const packages = ['express@5', 'supertest@7', '@types/supertest@7', 'jose@6', 'prom-client@15', 'ws@8'];

let consumer: Consumer;
let modules: string;
let furniture: Furniture;

/** The files that a page's own lines make, in an empty folder. */
async function makeBy(page: string): Promise<Furniture> {
  const maker = readBlocks(page).find(
    (block) => isProgram(block) && block.text.includes('createAuthority('),
  )!;
  const kitchen = new Kitchen({}, modules);
  try {
    expect(await kitchen.run(maker.text)).toEqual({ code: 0, output: '' });
    const made = readdirSync(kitchen.folder).filter((name) => /\.(?:pem|key|crl)$/.test(name));
    expect(made).toEqual(
      expect.arrayContaining(['clients-ca.pem', 'client.key', 'client.pem', 'server.key', 'server.pem']),
    );
    return Object.fromEntries(made.map((name) => [name, readFileSync(join(kitchen.folder, name))]));
  } finally {
    await kitchen.close();
  }
}

beforeAll(async () => {
  consumer = await makeConsumer(packages);
  modules = join(consumer.directory, 'node_modules');
  furniture = await makeBy('README.md');
}, 300_000);

afterAll(() => rmSync(consumer.directory, { recursive: true, force: true }));

describe('a newcomer with the tarball', () => {
  it('follows the README, with the certificates that its lines make', async () => {
    expect(await prove('README.md', furniture, {}, modules)).toEqual([]);
  }, 120_000);

  it('follows the guide, with the certificates that its step 4 makes', async () => {
    expect(await prove('docs/guide.md', await makeBy('docs/guide.md'), {}, modules)).toEqual([]);
  }, 120_000);

  it('follows the private authority from an empty folder', async () => {
    expect(
      await prove('docs/private-authority.md', {}, settings['docs/private-authority.md'], modules),
    ).toEqual([]);
  }, 120_000);

  it.each(pages().filter((page) => /^docs\/recipes\/(?!README)/.test(page)))(
    'follows %s',
    async (page) => {
      const ca = furniture['clients-ca.pem']!;
      const roots = Object.fromEntries(['ca', 'app-ca', 'proxies-ca'].map((name) => [`${name}.pem`, ca]));
      expect(await prove(page, { ...furniture, ...roots }, settings[page], modules)).toEqual([]);
    },
    60_000,
  );

  it('has the command by npx', async () => {
    const { version } = JSON.parse(readFileSync(join(modules, 'portcullis', 'package.json'), 'utf8')) as {
      version: string;
    };
    const folder = join(consumer.directory, 'empty');
    mkdirSync(folder);
    const npx = (...args: string[]): Promise<string> =>
      succeed('npx', ['--no-install', 'portcullis', ...args], folder);
    expect((await npx('--version')).trim()).toBe(version);
    const help = await npx('--help');
    for (const command of ['serve', 'inspect', 'pin', 'pki', 'audit', 'doctor'])
      expect(help).toMatch(new RegExp(`\\b${command}\\b`));
  });
});
