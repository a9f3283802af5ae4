import { statSync } from 'node:fs';
import { createServer as createPlainServer, type Server } from 'node:https';
import type { SecureVersion } from 'node:tls';
import { afterAll, describe, expect, test } from '@jest/globals';
import type { Express } from 'express';
import { gatedApp } from '../support/attacks-gates.ts';
import { request } from '../support/attacks-inbox.ts';
import { withoutKey } from '../support/attacks-keys.ts';
import type { Credentials } from '../support/attacks-raw-client.ts';
import {
  makeStage,
  pinOf,
  plain,
  plainOptions,
  portcullis,
  type Stage,
  ticketKeys,
  virtualHosts,
} from '../support/attacks-servers.ts';
import { versions } from '../support/attacks.ts';
import type { Identity } from './support/clients/client.ts';
import { run } from './support/program.ts';
import { setUpStand } from './support/stand.ts';

/**
 * The attacks of ../resumption once more, by a client that is not Node's: `openssl s_client` with sessions from files,
 * renegotiation by its command R, a certificate without its key, and with and without SNI.
 */
const stage = await makeStage();
const { pki, a, b, impostor } = stage;
const app = gatedApp({ ca: a.ca, pins: [...a.pins, pinOf(pki.clients.revoked.certificate)] });
const stand = setUpStand();
const ca = stand.write('ca.pem', pki.ca);
const who = (name: string, client: Credentials): Identity => stand.identity(name, client);
const good = who('good', a.client);
const ofB = who('b', b.client);
const revoked = who('revoked', pki.clients.revoked);
const selfSigned = who('self-signed', impostor);
const thief = who('thief', withoutKey(a.client.cert));

/** Each gate in one place and one in the two others: what the places have in common is tested elsewhere. */
const gates = ['/app/any', '/app/own', '/app/pin', '/app/chain', '/router/any', '/sub/any'];

interface Attempt {
  readonly as?: Identity | undefined;
  /** Empty: none. */
  readonly serverName?: string;
  /** The file of a session to resume. */
  readonly resume?: string;
  /** The file to write the session to. */
  readonly keep?: string;
  readonly paths?: readonly string[];
  readonly before?: string;
}

interface Findings {
  /** Undefined where there was no handshake. */
  readonly resumed: boolean | undefined;
  /** The bodies of the answers, in turn. */
  readonly answers: readonly string[];
  readonly output: string;
}

async function attempt(port: number, version: SecureVersion, what: Attempt = {}): Promise<Findings> {
  const { as, serverName = 'localhost', resume, keep, paths = ['/open', ...gates], before = '' } = what;
  const name = serverName === '' ? ['-noservername'] : ['-servername', serverName];
  const requests = paths.map((path) => request(path, { host: serverName === '' ? '127.0.0.1' : serverName }));
  // The last request ends the connection, and with it s_client, which so reads every answer.
  const last = requests.pop()!.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n');
  const { stdout, stderr } = await run(
    'openssl',
    [
      's_client',
      '-connect',
      `127.0.0.1:${port}`,
      '-CAfile',
      ca,
      ...name,
      `-${version.replace('TLSv', 'tls').replace('.', '_')}`,
      ...(before === '' ? ['-ign_eof'] : []),
      ...(as === undefined ? [] : ['-cert', as.cert, '-cert_chain', as.cert, '-key', as.key]),
      // A server without tickets has left nothing to resume over TLS 1.3.
      ...(resume === undefined || statSync(resume).size === 0 ? [] : ['-sess_in', resume]),
      ...(keep === undefined ? [] : ['-sess_out', keep]),
    ],
    { input: before + requests.join('') + last },
  );
  const state = /^(New|Reused), TLS/m.exec(stdout)?.[1];
  return {
    resumed: state === undefined ? undefined : state === 'Reused',
    answers: bodiesIn(stdout),
    output: stdout + stderr,
  };
}

/** The bodies of all answers, which s_client prints in the midst of what it has to say itself. */
const bodiesIn = (output: string): string[] =>
  [...output.matchAll(/HTTP\/1\.1 [^]*?Content-Length: (\d+)[^]*?\r\n\r\n/g)].map(
    ({ 0: head, 1: length, index }) =>
      output.slice(index + head.length, index + head.length + Number(length)),
  );

const session = (name: string): string => stand.write(`${name}.session`, '');
const all = (answer: string): string[] => ['open', ...gates.map(() => answer)];
const admitted = ({ answers }: Findings): string[] => answers.filter((answer) => answer.startsWith('in:'));

afterAll(() => stand.close());

const servers: ReadonlyArray<readonly [string, (stage: Stage, app: Express) => Server]> = [
  ['a PortcullisServer', (on, to) => portcullis(on, to, 'optional')],
  ['a PortcullisServer that requires clients', (on, to) => portcullis(on, to, 'required')],
  ['a plain server', plain],
  ['a plain server with addContext', virtualHosts.addContext],
  ['a plain server with SNICallback', virtualHosts.SNICallback],
  ['a plain server with a CRL', (on, to) => plain(on, to, { crl: on.pki.crl })],
];

describe.each(versions)('over %s', (version) => {
  describe.each(servers)('%s', (name, make) => {
    const isPlain = name.startsWith('a plain server');
    const hasHosts = /addContext|SNICallback/.test(name);
    const required = name.endsWith('requires clients');

    test('lets a good client in', async () => {
      const port = await stand.listen(make(stage, app));
      expect((await attempt(port, version, { as: good })).answers).toEqual(all('in: good'));
    });

    test('lets a good client in that has a session to resume, at least by a full handshake', async () => {
      const port = await stand.listen(make(stage, app));
      const keep = session('good');
      await attempt(port, version, { as: good, keep });
      const again = await attempt(port, version, { as: good, resume: keep });
      const fresh = await attempt(port, version, { as: good });
      expect(again.resumed).toBe(isPlain);
      expect(again.answers[1]).toBe(isPlain ? 'CLIENT_CERTIFICATE_UNTRUSTED' : 'in: good');
      expect(fresh.answers).toEqual(all('in: good'));
    });

    test('lets nobody in who has no certificate, at once or by a session (A)', async () => {
      const port = await stand.listen(make(stage, app));
      const keep = session('nobody');
      const first = await attempt(port, version, { keep });
      const second = await attempt(port, version, { resume: keep });
      const expected = required ? [] : all('CLIENT_CERTIFICATE_REQUIRED');
      expect(first.answers).toEqual(expected);
      expect(second.answers).toEqual(expected);
    });

    test('lets nobody in by a ticket of its own key from a server that asks for no certificate (A)', async () => {
      const server = make(stage, app);
      server.setTicketKeys(ticketKeys);
      const keep = session('lax');
      const lax = createPlainServer({ ...plainOptions(stage), requestCert: false }, app);
      expect((await attempt(await stand.listen(lax), version, { keep })).answers[0]).toBe('open');
      const findings = await attempt(await stand.listen(server), version, { resume: keep });
      expect(admitted(findings)).toEqual([]);
    });

    test('lets nobody in who has a certificate and another key', async () => {
      const port = await stand.listen(make(stage, app));
      expect((await attempt(port, version, { as: thief })).answers).toEqual([]);
    });

    test('lets nobody in who vouches for himself', async () => {
      const port = await stand.listen(make(stage, app));
      expect(admitted(await attempt(port, version, { as: selfSigned }))).toEqual([]);
    });

    test('lets no client of a.test in at b.test, and none without a name (C)', async () => {
      const forB = gatedApp({ ca: b.ca, pins: [...a.pins, ...b.pins] });
      const port = await stand.listen(make(stage, forB));
      for (const [from, to] of [
        ['a.test', 'b.test'],
        ['', 'b.test'],
        ['b.test', 'a.test'],
      ] as const) {
        const keep = session('cross');
        // Whom only b.test trusts, and whom all others do.
        const as = from === 'b.test' ? ofB : good;
        // oxlint-disable-next-line no-await-in-loop -- one attack after another
        await attempt(port, version, { as, serverName: from, keep });
        // oxlint-disable-next-line no-await-in-loop
        const { resumed, answers } = await attempt(port, version, { as, serverName: to, resume: keep });
        const intruders = answers.filter(
          (answer) => answer === 'in: good' || (hasHosts && answer === 'in: b'),
        );
        expect(resumed === true ? intruders : []).toEqual([]);
      }
    });
  });

  test.each([
    ['had been let in before it was revoked', { crl: pki.crl }],
    ['had been let in before its authority was given up', { ca: b.ca }],
  ])('a plain server lets nobody in by a session who %s (D)', async (_what, change) => {
    const server = plain(stage, app);
    const port = await stand.listen(server);
    const keep = session('revoked');
    expect(admitted(await attempt(port, version, { as: revoked, keep }))).toHaveLength(gates.length);
    server.setSecureContext({ ...plainOptions(stage), ...change });
    const { resumed, answers } = await attempt(port, version, {
      as: revoked,
      resume: keep,
      paths: ['/open', '/app/any', '/app/pin', '/app/chain', '/router/any', '/sub/any'],
    });
    expect(resumed).toBe(true);
    expect(answers).toEqual(['open', ...Array.from({ length: 5 }, () => 'CLIENT_CERTIFICATE_UNTRUSTED')]);
  });
});

/** s_client takes R at the beginning of a line for its command only where no `-ign_eof` is given. */
describe('a renegotiation (B)', () => {
  test.each(servers)('is no way into %s', async (name, make) => {
    const port = await stand.listen(make(stage, app));
    const { output, answers } = await attempt(port, 'TLSv1.2', {
      as: good,
      before: 'R\n',
      paths: ['/app/any'],
    });
    const isPlain = name.startsWith('a plain server');
    expect(output).toMatch(
      isPlain ? /RENEGOTIATING/ : /RENEGOTIATING[^]*(no renegotiation|alert|unexpected eof)/,
    );
    expect(answers.filter((answer) => answer.startsWith('in:'))).toEqual([]);
  });
});
