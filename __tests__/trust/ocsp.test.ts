import { describe, expect, it } from '@jest/globals';
import { sequence } from '../../lib/pki/der.ts';
import { isMustStaple, ocspRespondersOf } from '../../lib/trust/ocsp/ocsp-extensions.ts';
import { certIdOf, encodeOcspRequest } from '../../lib/trust/ocsp/ocsp-request.ts';
import { isOcspProblem, verifyOcspResponse } from '../../lib/trust/ocsp/ocsp-verify.ts';
import { Certificate } from '../../lib/x509/certificate.ts';
import { impostorOf, oddAuthority } from '../support/odd-certificates.ts';
import { extension, purposes } from '../support/odd-extensions.ts';
import { newKeys } from '../support/odd-keys.ts';
import { commonName } from '../support/odd-names.ts';
import { ocspDelegate, type OcspOverrides, ocspRefusal, ocspResponse, ocspServer } from '../support/ocsp.ts';

const server = ocspServer();
const { issuer, id } = server;
const caCertificate = new Certificate(issuer.der);
const hour = 3_600_000;
const from = (ms: number): Date => new Date(Date.now() + ms);

const verify = (response: Buffer, at: number = Date.now()): ReturnType<typeof verifyOcspResponse> =>
  verifyOcspResponse(response, id, caCertificate, at);
const of = (overrides: Partial<OcspOverrides> = {}): Buffer =>
  ocspResponse({ id, signer: issuer, ...overrides });

/** The code of a response that does not count, or the status of one that does. */
function verdict(response: Buffer): string {
  const outcome = verify(response);
  return isOcspProblem(outcome) ? outcome.code : outcome.status;
}

describe('an OCSP response counts', () => {
  it('signed by the issuer, and says until when', () => {
    const outcome = verify(of({ nextUpdate: new Date('2099-01-02T03:04:05Z') }));
    expect(outcome).toMatchObject({
      status: 'good',
      revokedAt: undefined,
      nextUpdate: Date.UTC(2099, 0, 2, 3, 4, 5),
    });
  });

  it('signed by a responder that the issuer has appointed', () => {
    const delegate = ocspDelegate(issuer);
    expect(verdict(of({ signer: delegate, certificates: [delegate.der] }))).toBe('good');
  });

  it('with the responder named by its key', () => {
    const delegate = ocspDelegate(issuer);
    expect(verdict(of({ responderBy: 'key' }))).toBe('good');
    expect(verdict(of({ signer: delegate, certificates: [delegate.der], responderBy: 'key' }))).toBe('good');
  });

  it('where it says that the certificate is revoked, and since when', () => {
    const outcome = verify(of({ status: 'revoked' }));
    expect(outcome).toMatchObject({ status: 'revoked', revokedAt: expect.any(Number) });
  });

  it('from a responder whose clock is a little ahead', () => {
    expect(verdict(of({ thisUpdate: from(60_000), producedAt: from(60_000) }))).toBe('good');
  });

  it('with extensions that are not critical', () => {
    const extra = extension.raw('1.3.6.1.4.1.55555.1', Buffer.of(5, 0));
    expect(verdict(of({ extensions: [extra], singleExtensions: [extra] }))).toBe('good');
  });

  it.each(['rsa-2048', 'rsa-pss-2048', 'ed25519'] as const)('signed with %s', (type) => {
    const other = ocspServer({}, { issuer: oddAuthority({ keys: newKeys(type) }) });
    const response = ocspResponse({ id: other.id, signer: other.issuer });
    const outcome = verifyOcspResponse(response, other.id, new Certificate(other.issuer.der), Date.now());
    expect(outcome).toMatchObject({ status: 'good' });
  });
});

describe('an OCSP response does not count', () => {
  const impostor = impostorOf(issuer);
  const delegate = ocspDelegate(issuer);
  const by = (signer: ReturnType<typeof ocspDelegate>): Buffer => of({ signer, certificates: [signer.der] });

  it.each<[string, string, () => Buffer]>([
    ['that is empty', 'OCSP_MALFORMED', () => Buffer.alloc(0)],
    ['that is a web page', 'OCSP_MALFORMED', () => Buffer.from('<!doctype html>')],
    ['that is cut short', 'OCSP_MALFORMED', () => of().subarray(0, -1)],
    ['with octets after its end', 'OCSP_MALFORMED', () => Buffer.concat([of(), Buffer.of(0)])],
    [
      'with a critical extension',
      'OCSP_MALFORMED',
      () => of({ extensions: [extension.raw('1.3.6.1.4.1.55555.1', Buffer.of(5, 0), true)] }),
    ],
    [
      'with a critical extension of the single response',
      'OCSP_MALFORMED',
      () => of({ singleExtensions: [extension.raw('1.3.6.1.4.1.55555.1', Buffer.of(5, 0), true)] }),
    ],
    ['of a responder that is busy', 'OCSP_UNSUCCESSFUL', () => ocspRefusal(3)],
    ['of a responder that does not answer for it', 'OCSP_UNSUCCESSFUL', () => ocspRefusal(6)],
    [
      'about another serial number',
      'OCSP_WRONG_CERTIFICATE',
      () => of({ id: { ...id, serialNumber: Buffer.of(2, 1, 7) } }),
    ],
    [
      'about a certificate of another issuer',
      'OCSP_WRONG_CERTIFICATE',
      () => of({ id: { ...id, issuerKeyHash: Buffer.alloc(20) } }),
    ],
    [
      'whose hashes are said to be others than SHA-1',
      'OCSP_WRONG_CERTIFICATE',
      () => of({ hashOid: '2.16.840.1.101.3.4.2.1' }),
    ],
    ['signed by a CA of the same name', 'OCSP_UNTRUSTED', () => of({ signer: impostor })],
    [
      'signed by a CA of the same name that is sent along',
      'OCSP_UNTRUSTED',
      () => of({ signer: impostor, certificates: [impostor.der] }),
    ],
    ['signed by the certificate itself', 'OCSP_UNTRUSTED', () => by(server)],
    ['with a damaged signature', 'OCSP_UNTRUSTED', () => of({ signature: Buffer.alloc(70, 1) })],
    [
      'signed with SHA-1',
      'OCSP_UNTRUSTED',
      () => of({ algorithm: sequence(Buffer.from('06072a8648ce3d0401', 'hex')) }),
    ],
    [
      'whose algorithm is not that of the key',
      'OCSP_UNTRUSTED',
      () => of({ algorithm: sequence(Buffer.from('06092a864886f70d01010b0500', 'hex')) }),
    ],
    ['of an appointed responder that is not sent along', 'OCSP_UNTRUSTED', () => of({ signer: delegate })],
    [
      'of a responder without the purpose',
      'OCSP_UNTRUSTED',
      () =>
        by(
          ocspDelegate(issuer, {
            extensions: { extendedKeyUsage: extension.extendedKeyUsage([purposes.serverAuth]) },
          }),
        ),
    ],
    [
      'of a responder that may not sign',
      'OCSP_UNTRUSTED',
      () => by(ocspDelegate(issuer, { extensions: { keyUsage: extension.keyUsage(['keyEncipherment']) } })),
    ],
    [
      'of a responder that has expired',
      'OCSP_UNTRUSTED',
      () => by(ocspDelegate(issuer, { notAfter: from(-hour / 2) })),
    ],
    [
      'of a responder that is not valid yet',
      'OCSP_UNTRUSTED',
      () => by(ocspDelegate(issuer, { notBefore: from(hour) })),
    ],
    ['of a responder that another CA has appointed', 'OCSP_UNTRUSTED', () => by(ocspDelegate(impostor))],
    [
      'of a responder that an intermediate of the issuer has appointed',
      'OCSP_UNTRUSTED',
      () => by(ocspDelegate(oddAuthority({ issuer }))),
    ],
    [
      'of a responder whose certificate is signed with SHA-1',
      'OCSP_UNTRUSTED',
      () => by(ocspDelegate(issuer, { hash: 'sha1' })),
    ],
    [
      'of a responder with an unknown critical extension',
      'OCSP_UNTRUSTED',
      () =>
        by(
          ocspDelegate(issuer, {
            moreExtensions: [extension.raw('1.3.6.1.4.1.55555.1', Buffer.of(5, 0), true)],
          }),
        ),
    ],
    [
      'that names another responder than it was signed by',
      'OCSP_UNTRUSTED',
      () => of({ signer: { ...issuer, subject: commonName('somebody') } }),
    ],
    ['that has ended', 'OCSP_STALE', () => of({ thisUpdate: from(-2 * hour), nextUpdate: from(-1000) })],
    ['from the future', 'OCSP_STALE', () => of({ thisUpdate: from(hour) })],
    ['made in the future', 'OCSP_STALE', () => of({ producedAt: from(hour) })],
    ['that does not say until when it holds', 'OCSP_STALE', () => of({ nextUpdate: null })],
    [
      'that ends before it begins',
      'OCSP_STALE',
      () => of({ thisUpdate: from(3 * 60_000), nextUpdate: from(2 * 60_000) }),
    ],
    ['of a responder that does not know the certificate', 'OCSP_UNKNOWN', () => of({ status: 'unknown' })],
  ])('%s', (_what, code, response) => {
    expect(verdict(response())).toBe(code);
  });

  it('once its time is over', () => {
    const response = of({ nextUpdate: from(hour) });
    expect(verify(response)).toMatchObject({ status: 'good' });
    expect(verify(response, Date.now() + hour)).toMatchObject({ code: 'OCSP_STALE' });
  });

  it('with more certificates than it could need, the right one last', () => {
    const others = Array.from({ length: 4 }, () => ocspDelegate(impostor).der);
    expect(verdict(of({ signer: delegate, certificates: [...others, delegate.der] }))).toBe('OCSP_UNTRUSTED');
  });
});

describe('a certificate', () => {
  it('names its responder and that it must be stapled', () => {
    const certificate = new Certificate(
      ocspServer({ responder: 'http://ocsp.example.org/', mustStaple: true }).der,
    );
    expect(ocspRespondersOf(certificate)).toEqual(['http://ocsp.example.org/']);
    expect(isMustStaple(certificate)).toBe(true);
  });

  it('names none by default, nor where the extension cannot be read', () => {
    const damaged = ['1.3.6.1.5.5.7.1.1', '1.3.6.1.5.5.7.1.24'].map((oid) =>
      extension.raw(oid, Buffer.of(0x30, 9)),
    );
    for (const moreExtensions of [[], damaged]) {
      const certificate = new Certificate(ocspServer({}, { moreExtensions }).der);
      expect(ocspRespondersOf(certificate)).toEqual([]);
      expect(isMustStaple(certificate)).toBe(false);
    }
  });

  it('is asked about with the octets that RFC 6960 lays down', () => {
    const { id: own } = ocspServer({}, { serialNumber: Buffer.of(0x2a) });
    const hex = (octets: Buffer): string => octets.toString('hex');
    expect(hex(encodeOcspRequest(own))).toBe(
      `30423040303e303c303a300906052b0e03021a05000414${hex(own.issuerNameHash)}0414${hex(own.issuerKeyHash)}02012a`,
    );
  });

  it('with a negative serial number is named by the octets of it', () => {
    const odd = ocspServer({}, { serialNumber: Buffer.of(0x80, 0x01) });
    const named = certIdOf(new Certificate(odd.der), new Certificate(odd.issuer.der));
    expect(named.serialNumber).toEqual(Buffer.of(2, 2, 0x80, 0x01));
  });
});
