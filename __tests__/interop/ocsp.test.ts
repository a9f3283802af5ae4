import { X509Certificate } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { createServer } from 'portcullis';
import { closeAll, listen, Recording } from '../listener/harness.ts';
import type { OddCertificate } from '../support/odd-certificates.ts';
import { LoopbackResponder, ocspDelegate, ocspServer } from '../support/ocsp.ts';
import { run } from './support/program.ts';
import { setUpStand, type Stand } from './support/stand.ts';

const server = ocspServer();
const delegate = ocspDelegate(server.issuer);
const serial = new X509Certificate(server.certificate).serialNumber;

let stand: Stand;
let responder: LoopbackResponder;
let url: string;
/** What stands in the CA's list: valid or revoked. */
let entry: string;
let signer: OddCertificate;

beforeAll(async () => {
  stand = setUpStand();
  responder = new LoopbackResponder((_request, reply, body) => {
    answer(body).then(
      (response) => reply.end(response),
      (error: unknown) => reply.writeHead(500, String(error).replaceAll(/[^ -~]/g, ' ')).end(),
    );
  });
  url = await responder.listen();
});
afterEach(closeAll);
afterAll(async () => {
  await responder.close();
  stand.close();
});

/** What OpenSSL's responder makes of our request. */
async function answer(body: Buffer): Promise<Buffer> {
  const ca = stand.write('ca.pem', server.issuer.certificate);
  const [request, response] = [join(ca, '../request.der'), join(ca, '../response.der')];
  writeFileSync(request, body);
  const index = stand.write('index.txt', `${entry}\t${serial}\tunknown\t/CN=localhost\n`);
  const certificate = stand.write('signer.pem', signer.certificate);
  const key = stand.write('signer.key', signer.key);
  const about = ['-index', index, '-CA', ca, '-ndays', '1'];
  const signing = ['-rsigner', certificate, '-rkey', key];
  const files = ['-reqin', request, '-respout', response];
  const { status, stderr } = await run('openssl', ['ocsp', ...about, ...signing, ...files]);
  if (status !== 0) throw new Error(stderr);
  return readFileSync(response);
}

describe.each([
  ['the CA itself', server.issuer],
  ['a responder of the CA', delegate],
])('an OCSP response that OpenSSL has signed as %s', (_name, by) => {
  test.each([
    ['good', 'V\t350101000000Z\t'],
    ['revoked', 'R\t350101000000Z\t260101000000Z'],
  ])('is stapled, and openssl s_client reads that the certificate is %s', async (status, line) => {
    [signer, entry] = [by, line];
    const events = new Recording('portcullis:ocsp');
    const port = await listen(
      createServer({ key: server.key, cert: server.chain, logger: false, ocspStapling: { responder: url } }),
    );
    expect(await events.take()).toMatchObject({ outcome: status });
    for (const version of ['-tls1_2', '-tls1_3']) {
      const target = `127.0.0.1:${port}`;
      const { stdout } = await run('openssl', ['s_client', '-connect', target, '-status', version]);
      expect(stdout).toContain('OCSP Response Status: successful');
      expect(stdout).toContain(`Cert Status: ${status}`);
    }
  });
});
