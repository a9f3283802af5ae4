import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { transformSync } from '@swc/core';
import { ask, Kitchen, type RunningRecipe } from '../run-recipe.ts';
import { asksServer, type Block, isProgram, isServer, placeOf, readBlocks, root } from './blocks.ts';
import type { Furniture, Settings } from './furniture.ts';
import { complaintAbout } from './parsers.ts';
import { type Command, complaintsAbout, isHarmless, readCommands, readConsole, scriptOf } from './shell.ts';

const isShell = ({ language, marker }: Block): boolean =>
  marker === undefined && (language === 'sh' || language === 'console');

/** Node runs JavaScript: what is TypeScript loses its types. */
const javascriptOf = ({ language, text }: Block): string =>
  language === 'js'
    ? text
    : transformSync(text, {
        jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
        module: { type: 'es6' },
      }).code;

/** One page, in a folder of its own. */
class Page {
  readonly #kitchen: Kitchen;
  readonly #blocks: readonly Block[];
  readonly #settings: Settings;
  #server: RunningRecipe | undefined;
  /** By `portcullis serve`, or `node server.mjs`: it stays for the rest of the page. */
  #stays = false;

  constructor(page: string, furniture: Furniture, settings: Settings, modules?: string) {
    this.#blocks = readBlocks(page);
    this.#settings = settings;
    this.#kitchen = new Kitchen({ ...furniture, ...settings.files }, modules);
    for (const [name, of] of Object.entries(settings.copies ?? {})) this.#kitchen.write(name, furniture[of]!);
  }

  /** What is wrong with it. */
  async prove(): Promise<string[]> {
    const complaints: string[] = [];
    try {
      for (const block of this.#blocks) {
        const found = await this.#complaintsAbout(block).catch((error: unknown) => [String(error)]);
        complaints.push(...found.map((complaint) => `${placeOf(block)}: ${complaint}`));
      }
    } finally {
      await this.#kitchen.close();
    }
    return complaints;
  }

  async #complaintsAbout(block: Block): Promise<string[]> {
    if (isServer(block)) return this.#tryServer(block);
    if (isProgram(block)) return this.#runToEnd(block);
    if (isShell(block)) return this.#runShell(block);
    const complaint = await complaintAbout(block, this.#kitchen.folder);
    return complaint === undefined ? [] : [complaint];
  }

  get #environment(): Record<string, string> {
    return {
      NODE_ENV: 'development',
      PORTCULLIS_HOME: join(this.#kitchen.folder, 'home'),
      NPM_ASKED: join(this.#kitchen.folder, 'npm-asked'),
      DOCUMENTED_PORTS: JSON.stringify({ ...this.#ports, ...this.#settings.ports }),
      ...this.#settings.environment,
    };
  }

  get #ports(): Readonly<Record<string, number>> {
    const ports = { ...this.#server?.ports };
    return ports['8443'] === undefined ? ports : { ...ports, 443: ports['8443'] };
  }

  #localized(block: Block): string {
    let text = javascriptOf(block);
    for (const [from, to] of Object.entries(this.#settings.instead ?? {})) text = text.replaceAll(from, to);
    return text;
  }

  async #start(block: Block): Promise<RunningRecipe> {
    await this.#stop();
    this.#server = await this.#kitchen.start(this.#localized(block), {}, this.#environment);
    return this.#server;
  }

  async #stop(): Promise<void> {
    await this.#server?.stop('SIGKILL');
    this.#server = undefined;
    this.#stays = false;
  }

  /** It has to answer, whatever it says. */
  async #tryServer(block: Block): Promise<string[]> {
    const { port } = await this.#start(block);
    const read = (name: string): string => readFileSync(join(this.#kitchen.folder, name), 'utf8');
    const client = existsSync(join(this.#kitchen.folder, 'client.key'))
      ? { key: read('client.key'), cert: read('client.pem') }
      : {};
    // Whose certificate it is, is the page's affair: here it only has to answer.
    const told =
      (await ask(port, '/', { ...client, servername: 'localhost', rejectUnauthorized: false }).catch(
        () => undefined,
      )) ?? (await ask(port, '/', {}));
    await this.#stop();
    return told.status >= 100 ? [] : ['it has not answered'];
  }

  /** The page's server for a block: the nearest before it, else the nearest after it. */
  async #serve(block: Block): Promise<void> {
    if (this.#stays || !asksServer(block)) return;
    const servers = this.#blocks.filter(isServer);
    const server = servers.findLast(({ line }) => line < block.line) ?? servers[0];
    if (server !== undefined) await this.#start(server);
  }

  async #runToEnd(block: Block): Promise<string[]> {
    await this.#serve(block);
    const text = this.#localized(block);
    const ended = /from ['"]@jest\/globals['"]/.test(text)
      ? await this.#runJest(text)
      : await this.#kitchen.run(text, {}, this.#environment);
    if (!this.#stays) await this.#stop();
    return ended.code === 0 ? [] : [`it ended with ${ended.code}: ${ended.output}`];
  }

  async #runJest(text: string): Promise<{ code: number | null; output: string }> {
    const file = this.#kitchen.write('page.test.mjs', text);
    const config = JSON.stringify({ rootDir: this.#kitchen.folder, testMatch: [file], transform: {} });
    const jest = join(root, 'node_modules', 'jest', 'bin', 'jest.js');
    return this.#kitchen.launch(
      process.execPath,
      ['--experimental-vm-modules', jest, '--config', config, '--runInBand'],
      this.#environment,
    ).ended;
  }

  async #runShell(block: Block): Promise<string[]> {
    await this.#serve(block);
    const commands = block.language === 'sh' ? readCommands(block.text) : readConsole(block.text);
    const complaints = commands
      .filter((command) => !isHarmless(command))
      .map(({ text }) => `this is not run: ${text}`);
    if (complaints.length > 0) return complaints;
    for (const part of parts(commands)) complaints.push(...(await this.#runPart(block, part)));
    if (!this.#stays) await this.#stop();
    return [...complaints, ...this.#npmComplaints()];
  }

  async #runPart(block: Block, part: Command | readonly Command[]): Promise<string[]> {
    if (!('serves' in part)) {
      for (const { text } of part) this.#placeProgram(block, text);
      const script = this.#kitchen.write('block.sh', scriptOf(part, this.#ports));
      const { output } = await this.#kitchen.launch('bash', [script], this.#environment).ended;
      return complaintsAbout(part, output);
    }
    await this.#stop();
    const command = part.text
      .trim()
      .replace(/^npx /, '')
      .replace(/\s*(?:&|#.*)$/, '');
    this.#placeProgram(block, command);
    const launched = this.#kitchen.launch('bash', ['-c', `exec ${command}`], this.#environment);
    this.#server = { ...launched, port: await launched.listening };
    this.#stays = true;
    return [];
  }

  /** `node server.mjs` is the program before it. */
  #placeProgram({ line }: Block, command: string): void {
    const name = /\bnode (?:-\S+ )*([\w./-]+\.m?js)\b/.exec(command)?.[1];
    if (name === undefined || existsSync(join(this.#kitchen.folder, name))) return;
    const program = this.#blocks.findLast((block) => isProgram(block) && block.line < line);
    if (program !== undefined) this.#kitchen.write(basename(name), this.#localized(program));
  }

  /** What npm was asked for has to be there, in package.json. */
  #npmComplaints(): string[] {
    const file = join(this.#kitchen.folder, 'npm-asked');
    if (!existsSync(file)) return [];
    const own = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Record<string, object>;
    const known = { ...own['dependencies'], ...own['devDependencies'], portcullis: '' };
    return readFileSync(file, 'utf8')
      .trim()
      .split('\n')
      .flatMap((asked) => {
        const [, verb = '', ...words] = asked.split(' ').filter((word) => !word.startsWith('-'));
        if (verb === 'install' || verb === 'i' || verb === 'add')
          return words.filter((name) => !Object.hasOwn(known, name)).map((name) => `npm has no ${name} here`);
        if (verb === 'run')
          return Object.hasOwn(own['scripts']!, words[0] ?? '') ? [] : [`there is no script ${words[0]}`];
        return ['start', 'test', 'init', 'pkg', 'ci'].includes(verb) ? [] : [`what does "${asked}" do?`];
      });
  }
}

/** The commands between two that serve, together, as they share variables. */
function parts(commands: readonly Command[]): Array<Command | Command[]> {
  const found: Array<Command | Command[]> = [];
  for (const command of commands) {
    const last = found.at(-1);
    if (command.serves) found.push(command);
    else if (Array.isArray(last)) last.push(command);
    else found.push([command]);
  }
  return found;
}

/** What is wrong with a page, with the packages in `modules` rather than this repository's. */
export const prove = (
  page: string,
  furniture: Furniture,
  settings: Settings = {},
  modules?: string,
): Promise<string[]> => new Page(page, furniture, settings, modules).prove();
