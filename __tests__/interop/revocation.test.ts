import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Certificate } from '../../lib/x509/certificate.ts';
import { Recording } from '../listener/harness.ts';
import { closeWays, connect, start, ways } from '../listener/revocation-online.ts';
import { closeEverything } from '../support/attacks.ts';
import { oddAuthority, type OddCertificate } from '../support/odd-certificates.ts';
import { LoopbackResponder, ocspDelegate } from '../support/ocsp.ts';
import { clientOf, distributionPoints, responders } from '../support/revocation.ts';
import { run } from './support/program.ts';
import { setUpStand, type Stand } from './support/stand.ts';

const ca = oddAuthority();
const delegate = ocspDelegate(ca);

let stand: Stand;
let programs: ChildProcess[];

beforeEach(() => {
  stand = setUpStand();
  programs = [];
});
afterEach(async () => {
  closeWays();
  await closeEverything();
  for (const program of programs) {
    program.kill('SIGKILL');
    if (program.exitCode === null && program.signalCode === null) await once(program, 'exit');
  }
  stand.close();
});

/** OpenSSL's index of a CA, in which the client is valid or revoked. */
const index = (client: OddCertificate, status: 'V' | 'R'): string => {
  const { serialNumber } = new Certificate(client.der);
  const revokedAt = status === 'R' ? '260101000000Z' : '';
  return stand.write(
    'index.txt',
    `${status}\t350101000000Z\t${revokedAt}\t${serialNumber}\tunknown\t/CN=client\n`,
  );
};

/** OpenSSL's own responder, at a port of its choice. */
async function openResponder(file: string, signer: OddCertificate): Promise<string> {
  const paths = {
    ca: stand.write('ca.pem', ca.certificate),
    certificate: stand.write('signer.pem', signer.certificate),
    key: stand.write('signer.key', signer.key),
  };
  const signing = ['-CA', paths.ca, '-rsigner', paths.certificate, '-rkey', paths.key];
  const program = spawn('openssl', ['ocsp', '-index', file, '-port', '0', '-nmin', '5', ...signing], {
    env: { ...process.env, OPENSSL_CONF: '/dev/null' },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  programs.push(program);
  for await (const line of createInterface(program.stdout)) {
    const [, port] = /^ACCEPT .*:(\d+)/.exec(line) ?? [];
    if (port !== undefined) return `http://localhost:${port}/`;
  }
  throw new Error('openssl ocsp has ended');
}

describe.each([
  ['the CA itself', ca],
  ['a responder of the CA', delegate],
])("OpenSSL's responder, as %s,", (_name, signer) => {
  test.each([
    ['V', 'in'],
    ['R', 'CLIENT_CERTIFICATE_REVOKED'],
  ] as const)('says %s of a client, which gets: %s', async (status, answer) => {
    const plain = clientOf(ca, 'client', []);
    const url = await openResponder(index(plain, status), signer);
    const started = await start(ca, { ocsp: { responder: url, nonce: 'require' } }, 'required');
    const asks = await Promise.all(ways.map((way) => connect(started, plain, way)));
    const answers = await Promise.all(asks.map((ask) => ask('/in')));
    // Once it is known, the revoked one is refused by the handshake.
    const refused = status === 'R' ? answers.filter((one) => one !== 'closed') : answers;
    expect([...new Set([answer, ...refused])]).toEqual([answer]);
  });
});

test('a client names the responder of OpenSSL, and is asked about there alone', async () => {
  const first = clientOf(ca, 'client', []);
  const url = await openResponder(index(first, 'V'), ca);
  // The index knows the other serial number only.
  const named = clientOf(ca, 'client', [responders(url)]);
  const started = await start(ca, { ocsp: { hosts: ['localhost', new URL(url).host] } });
  const events = new Recording('portcullis:revocation');
  expect(await (await connect(started, named))('/in')).toBe('REVOCATION_STATUS_UNKNOWN');
  expect(await events.take()).toMatchObject({ source: 'ocsp', code: 'OCSP_UNKNOWN' });
  events.stop();
  expect(await (await connect(started, first))('/in')).toBe('in');
});

test.each(['PEM', 'DER'])(
  'a list that OpenSSL has made is fetched as %s, and revokes whom it names',
  async (form) => {
    let given: Buffer = Buffer.alloc(0);
    const web = new LoopbackResponder((_request, reply) => void reply.end(given));
    const { origin, host } = new URL(await web.listen());
    const client = clientOf(ca, 'client', [distributionPoints(`${origin}/ca.crl`)]);
    const other = clientOf(ca, 'other', [distributionPoints(`${origin}/ca.crl`)]);
    let number = 0;
    const make = async (status: 'V' | 'R'): Promise<Buffer> => {
      const file = index(client, status);
      const folder = dirname(file);
      const config = stand.write(
        'ca.cnf',
        `[ca]\ndefault_ca=a\n[a]\ndatabase=${file}\ncrlnumber=${stand.write('number', `0${++number}\n`)}\n` +
          `certificate=${stand.write('ca.pem', ca.certificate)}\nprivate_key=${stand.write('ca.key', ca.key)}\n` +
          'default_md=sha256\ndefault_crl_days=1\ncrl_extensions=e\n[e]\nauthorityKeyIdentifier=keyid\n',
      );
      const made = await run('openssl', ['ca', '-gencrl', '-config', config, '-out', `${folder}/crl.pem`]);
      expect(made.status === 0 ? '' : made.stderr).toBe('');
      const shaped = ['crl', '-in', `${folder}/crl.pem`, '-outform', form, '-out', `${folder}/crl`];
      expect((await run('openssl', shaped)).status).toBe(0);
      return readFileSync(`${folder}/crl`);
    };
    try {
      given = await make('V');
      const events = new Recording('portcullis:revocation');
      const started = await start(ca, { unknown: 'allow', fetch: { hosts: [host] } }, 'required');
      const asks = await Promise.all(ways.map((way) => connect(started, client, way)));
      const stays = await connect(started, other);
      expect(await events.take()).toMatchObject({ outcome: 'fetched', reason: undefined });
      expect(await Promise.all(asks.map((ask) => ask('/in')))).toEqual(ways.map(() => 'in'));
      given = await make('R');
      await started.server.reload();
      expect(await events.take(2)).toMatchObject({ outcome: 'fetched' });
      events.stop();
      expect(new Set(await Promise.all(asks.map((ask) => ask('/in'))))).toEqual(
        new Set(['CLIENT_CERTIFICATE_REVOKED']),
      );
      expect(await stays('/in')).toBe('in');
    } finally {
      await web.close();
    }
  },
);
