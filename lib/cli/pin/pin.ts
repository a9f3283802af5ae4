import { isIP } from 'node:net';
import { CliFailure, type ExitCode, exitCodes, usage } from '../failure.ts';
import { kindOf } from '../input/load-module.ts';
import { looksLikeFile } from '../input/looks-like-file.ts';
import { passphraseFrom, type PassphraseFlags } from '../input/passphrase.ts';
import { readGiven } from '../input/read-file.ts';
import { readName, readTarget } from '../inspect/target.ts';
import type { Io } from '../io.ts';
import { reportFailure } from '../report-failure.ts';
import { jsonText } from '../terminal/json-text.ts';
import { plain } from '../terminal/plain.ts';
import { style } from '../terminal/style.ts';
import { pinsOfFile } from './file-pins.ts';
import type { Pinned } from './pinned.ts';
import { type AskedServer, pinsOfServer } from './server-pins.ts';

export interface PinFlags extends PassphraseFlags {
  readonly chain?: boolean;
  readonly servername?: string;
  readonly hex?: boolean;
  readonly json?: boolean;
}

/** What was found in one target. */
interface Found {
  readonly target: string;
  readonly source: 'file' | 'server';
  readonly pins: readonly Pinned[];
}

/** Prints the pins of each target; one that fails is told, and the others follow. */
export async function pin(targets: readonly string[], flags: PinFlags, io: Io): Promise<void> {
  if (flags.passphraseFile === '-' && targets.includes('-')) throw onlyOneInput();
  let given: Promise<string | undefined> | undefined;
  // Once for all: a pipe has it but once.
  const passphrase = (): Promise<string | undefined> => (given ??= passphraseFrom(flags, io));
  const found: Found[] = [];
  let code: ExitCode = exitCodes.fine;
  for (const target of targets) {
    try {
      // oxlint-disable-next-line no-await-in-loop -- in the order of the command line
      found.push(await look(target, flags, passphrase, io));
    } catch (error) {
      code = reportFailure(error, io);
    }
  }
  if (flags.json === true) io.out(jsonText(found.flatMap(asJson)));
  else io.out(found.map((one) => asText(one, flags, targets.length > 1, io)).join(''));
  for (const one of found) advise(one, flags, io);
  if (code !== exitCodes.fine) throw new CliFailure('', undefined, code);
}

const onlyOneInput = (): CliFailure =>
  usage('standard input cannot be both target and passphrase', 'Give one of them by a file.');

async function look(
  target: string,
  flags: PinFlags,
  passphrase: () => Promise<string | undefined>,
  io: Io,
): Promise<Found> {
  if (target === '-' || kindOf(io, target) !== undefined || looksLikeFile(target)) {
    const name = target === '-' ? 'standard input' : target;
    const content = await readGiven(io, target);
    let answer: Promise<string | undefined> | undefined;
    const typed = (): Promise<string | undefined> =>
      (answer ??= io.askSecret?.(`Passphrase of ${plain(name)}: `) ?? Promise.resolve(undefined));
    const ask = { given: await passphrase(), typed };
    return { target, source: 'file', pins: await pinsOfFile(content, name, ask) };
  }
  const pins = await pinsOfServer(serverNamed(target, flags.servername), io.stop);
  return { target, source: 'server', pins: flags.chain === true ? pins : pins.slice(0, 1) };
}

function serverNamed(target: string, servername: string | undefined): AskedServer {
  const { host, port } = readTarget(target);
  if (servername === undefined) return { host, port, servername: isIP(host) === 0 ? host : undefined };
  const name = isIP(servername) === 0 ? readName(servername) : undefined;
  if (name === undefined) throw usage(`'${servername}' is no host name`);
  return { host, port, servername: name };
}

const asJson = ({ target, source, pins }: Found): object[] => pins.map((one) => ({ target, source, ...one }));

/** A pin a line, first of all, so that scripts can cut it off. */
function asText({ target, pins }: Found, { hex }: PinFlags, several: boolean, io: Io): string {
  const { dim } = style(io.colours);
  const name = several ? `${plain(target)}: ` : '';
  return pins
    .map((one) => `${hex === true ? one.hex : one.pin}  ${dim(`${name}${plain(whatIs(one))}`)}\n`)
    .join('');
}

function whatIs({ kind, subject, notAfter }: Pinned): string {
  if (kind === 'certificate') return `${subject} (until ${notAfter?.slice(0, 10)})`;
  return kind === 'request' ? `request of ${subject}` : kind.replace('-', ' ');
}

function advise({ target, source, pins }: Found, { chain }: PinFlags, io: Io): void {
  const { yellow, dim } = style(io.colours);
  const name = plain(target);
  if (source === 'server') {
    const more = chain === true ? '' : '; --chain shows its issuers';
    io.err(`${yellow('warning:')} ${name} was not verified: compare before you pin${more}\n`);
  }
  const holds = (kind: Pinned['kind']): boolean => pins.some((one) => one.kind === kind);
  if (holds('private-key') && !holds('certificate'))
    io.err(
      `${dim('hint:')} ${name} holds a private key: its certificate has the same pin, and may be passed around\n`,
    );
}
