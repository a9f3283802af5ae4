import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { messageOf } from '../../errors.ts';
import { CliFailure } from '../failure.ts';
import { type Answer, legacyGroups, Prober } from './probe/prober.ts';
import type { Target } from './target.ts';
import { startTlsHint } from './target.ts';
import { readableSuites } from './wire/key-schedule.ts';
import { suitesBefore13 } from './wire/suites.ts';

/** A server that has answered, and how it introduced itself. */
export interface Reached {
  readonly address: string;
  readonly prober: Prober;
  /** To a hello of TLS 1.3, and where that got no chain, to one of TLS 1.2. */
  readonly introductions: readonly Answer[];
  /** Whether it still introduces itself; true where it never did. */
  readonly knock: () => Promise<boolean>;
}

/** The most addresses of a name that are tried. */
const mostAddresses = 4;

/** Finds an address of the target that answers. A CliFailure where none does, or where it is no TLS. */
export async function reach(
  target: Target,
  serverName: string | undefined,
  limits: { readonly timeout: number; readonly signal: AbortSignal },
): Promise<Reached> {
  let problem = 'it has no address';
  for (const address of await addressesOf(target.host)) {
    const prober = new Prober({ address, port: target.port }, serverName, limits);
    // oxlint-disable-next-line no-await-in-loop -- the next one only where this one does not answer
    const first = await introduce13(prober);
    if (first.ending.kind === 'unreachable') {
      problem = `${address}: ${first.ending.code}`;
      continue;
    }
    refuseStrangers(first, target);
    // oxlint-disable-next-line no-await-in-loop -- ends the loop
    return reachedBy(prober, target, address, first);
  }
  throw new CliFailure(
    `cannot connect to ${told(target)}: ${problem}`,
    startTlsHint(target.port) ?? 'Is it the right port, and is the server running?',
  );
}

export const told = ({ host, port }: Target): string =>
  isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`;

async function addressesOf(host: string): Promise<readonly string[]> {
  if (isIP(host) !== 0) return [host];
  try {
    const found = await lookup(host, { all: true });
    return found.slice(0, mostAddresses).map(({ address }) => address);
  } catch (error) {
    const code = String((error as { code?: unknown }).code ?? messageOf(error));
    throw new CliFailure(`${host} cannot be resolved: ${code}`, 'Is the name spelt right?', undefined, error);
  }
}

const introduce13 = (prober: Prober): Promise<Answer> =>
  prober.read13({ suites: readableSuites, alpn: ['h2', 'http/1.1'] });

/** What everybody had before TLS 1.3: ECDHE and RSA, by AES. */
const usual = suitesBefore13
  .filter(({ name }) => /^TLS_(?:ECDHE_(?:ECDSA|RSA)|DHE_RSA|RSA)_WITH_(?:AES|CHACHA20)/.test(name))
  .map(({ number }) => number);

const introduce12 = (prober: Prober): Promise<Answer> =>
  prober.ask({ version: 'TLSv1.2', suites: usual, groups: legacyGroups });

async function reachedBy(prober: Prober, target: Target, address: string, first: Answer): Promise<Reached> {
  if (first.hello !== undefined && first.sent !== undefined) {
    const knock = async (): Promise<boolean> => (await introduce13(prober)).hello !== undefined;
    return { address, prober, introductions: [first], knock };
  }
  const second = await introduce12(prober);
  // Node would wait as long for each of its own.
  if (isSilent(first) && isSilent(second)) throw notTls(target, 'does not answer');
  const knock = async (): Promise<boolean> =>
    second.hello === undefined || (await introduce12(prober)).hello !== undefined;
  return { address, prober, introductions: [first, second], knock };
}

const isSilent = ({ hello, alert, ending }: Answer): boolean =>
  hello === undefined && alert === undefined && ending.kind === 'silent';

/** `why` and what could be done, of a port where nobody speaks TLS. */
export const notTls = (target: Target, why: string): CliFailure =>
  new CliFailure(
    `${told(target)} ${why}`,
    startTlsHint(target.port) ??
      'Is it the right port? Protocols that begin without TLS (STARTTLS) are not supported.',
  );

function refuseStrangers({ ending }: Answer, target: Target): void {
  const stranger = ending.kind === 'garbage' ? ending.stranger : undefined;
  if (stranger === 'http')
    throw new CliFailure(
      `${told(target)} answers plain HTTP`,
      'Name the port that speaks TLS, often 443 or 8443.',
    );
  if (stranger === 'greeting')
    throw new CliFailure(
      `${told(target)} greets in the clear before anybody has asked`,
      startTlsHint(target.port) ?? 'Protocols that begin without TLS (STARTTLS) are not supported.',
    );
}
