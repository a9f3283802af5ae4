import { createHash, type KeyObject, sign } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { bitString, der, objectIdentifier, octetString, sequence } from '../../lib/pki/der.ts';
import { type CertId, certIdOf } from '../../lib/trust/ocsp/ocsp-request.ts';
import { Certificate } from '../../lib/x509/certificate.ts';
import { explicitTag, implicitTag } from '../../lib/x509/der.ts';
import {
  algorithmOf,
  generalizedTime,
  oddAuthority,
  oddCertificate,
  type OddCertificate,
  type Overrides,
} from './odd-certificates.ts';
import { extension, purposes } from './odd-extensions.ts';
import { commonName, generalName } from './odd-names.ts';

const ocspSigning = '1.3.6.1.5.5.7.3.9';
const hour = 3_600_000;

/** Everything about a response that can be made odd. */
export interface OcspOverrides {
  /** Whom it is about. */
  readonly id: CertId;
  readonly signer: OddCertificate;
  /** Certificates that come along. */
  readonly certificates?: readonly Buffer[];
  readonly status?: 'good' | 'revoked' | 'unknown';
  readonly thisUpdate?: Date;
  /** null: none. */
  readonly nextUpdate?: Date | null;
  readonly producedAt?: Date;
  readonly responderBy?: 'name' | 'key';
  readonly responder?: Buffer;
  /** Of the CertID; SHA-1 is 1.3.14.3.2.26. */
  readonly hashOid?: string;
  readonly algorithm?: Buffer;
  /** With which the signer signs. */
  readonly signature?: Buffer;
  readonly key?: KeyObject;
  /** Whole extensions of the response, and of the single one. */
  readonly extensions?: readonly Buffer[];
  readonly singleExtensions?: readonly Buffer[];
}

/** An OCSPResponse (RFC 6960 4.2.1) that is in order but for the overrides: good, from an hour ago, for a day. */
export function ocspResponse(overrides: OcspOverrides): Buffer {
  const { signer, certificates = [], key = signer.keys.privateKey } = overrides;
  const now = Date.now();
  const body = sequence(
    overrides.responder ?? responderOf(overrides),
    timeOf(overrides.producedAt ?? new Date(now - hour)),
    sequence(single(overrides, now)),
    ...(overrides.extensions === undefined ? [] : [der(explicitTag(1), sequence(...overrides.extensions))]),
  );
  const isEdwards = key.asymmetricKeyType === 'ed25519';
  const basic = sequence(
    body,
    overrides.algorithm ?? algorithmOf(key),
    bitString(overrides.signature ?? sign(isEdwards ? null : 'sha256', body, key)),
    ...(certificates.length === 0 ? [] : [der(explicitTag(0), sequence(...certificates))]),
  );
  const bytes = sequence(objectIdentifier('1.3.6.1.5.5.7.48.1.1'), octetString(basic));
  return sequence(der(0x0a, Buffer.of(0)), der(explicitTag(0), bytes));
}

/** One that only says why there is none: 3 is tryLater, 6 unauthorized. */
export const ocspRefusal = (status: number): Buffer => sequence(der(0x0a, Buffer.of(status)));

function single(overrides: OcspOverrides, now: number): Buffer {
  const { id, hashOid = '1.3.14.3.2.26', nextUpdate = new Date(now + 24 * hour) } = overrides;
  const certId = sequence(
    sequence(objectIdentifier(hashOid), der(0x05)),
    octetString(id.issuerNameHash),
    octetString(id.issuerKeyHash),
    id.serialNumber,
  );
  return sequence(
    certId,
    statusOf(overrides.status, now),
    timeOf(overrides.thisUpdate ?? new Date(now - hour)),
    ...(nextUpdate === null ? [] : [der(explicitTag(0), timeOf(nextUpdate))]),
    ...(overrides.singleExtensions === undefined
      ? []
      : [der(explicitTag(1), sequence(...overrides.singleExtensions))]),
  );
}

function statusOf(status: OcspOverrides['status'], now: number): Buffer {
  if (status === 'revoked') return der(explicitTag(1), timeOf(new Date(now - 2 * hour)));
  return der(implicitTag(status === 'unknown' ? 2 : 0));
}

function responderOf({ signer, responderBy = 'name' }: OcspOverrides): Buffer {
  if (responderBy === 'name') return der(explicitTag(1), signer.subject);
  const key = signer.keys.publicKey.export({ type: 'spki', format: 'der' });
  // Of P-256: the point is the last 65 octets.
  return der(explicitTag(2), octetString(createHash('sha1').update(key.subarray(-65)).digest()));
}

const timeOf = (date: Date): Buffer =>
  generalizedTime(`${date.toISOString().slice(0, 19).replaceAll(/[-:T]/g, '')}Z`);

/** A server's certificate for localhost, with what OCSP needs of it. */
export interface OcspServer extends OddCertificate {
  readonly issuer: OddCertificate;
  readonly id: CertId;
  /** The certificate and its issuer, as the option `cert` takes them. */
  readonly chain: string;
}

const accessDescription = (url: string): Buffer =>
  sequence(objectIdentifier('1.3.6.1.5.5.7.48.1'), generalName.uri(url));

/** One whose extensions name a responder, or demand a stapled response. */
export function ocspServer(
  { responder, mustStaple = false }: { responder?: string; mustStaple?: boolean } = {},
  overrides: Overrides = {},
): OcspServer {
  const { issuer = oddAuthority() } = overrides;
  const server = oddCertificate({
    subject: commonName('localhost'),
    ...overrides,
    issuer,
    extensions: {
      extendedKeyUsage: extension.extendedKeyUsage([purposes.serverAuth]),
      subjectAltName: extension.subjectAltName([generalName.dns('localhost'), generalName.ip('127.0.0.1')]),
      ...overrides.extensions,
    },
    moreExtensions: [
      ...(responder === undefined
        ? []
        : [extension.raw('1.3.6.1.5.5.7.1.1', sequence(accessDescription(responder)))]),
      ...(mustStaple ? [extension.raw('1.3.6.1.5.5.7.1.24', sequence(Buffer.of(2, 1, 5)))] : []),
      ...(overrides.moreExtensions ?? []),
    ],
  });
  const id = certIdOf(new Certificate(server.der), new Certificate(issuer.der));
  return { ...server, issuer, id, chain: `${server.certificate}${issuer.certificate}` };
}

/** A responder that the issuer has appointed, in order but for the overrides. */
export const ocspDelegate = (issuer: OddCertificate, overrides: Overrides = {}): OddCertificate =>
  oddCertificate({
    subject: commonName('odd responder'),
    issuer,
    ...overrides,
    extensions: { extendedKeyUsage: extension.extendedKeyUsage([ocspSigning]), ...overrides.extensions },
  });

type Answer = (request: IncomingMessage, response: ServerResponse, body: Buffer) => void;

/** A responder on 127.0.0.1, which answers as it is told at the time. */
export class LoopbackResponder {
  readonly #server: Server;
  /** What it was asked, in order. */
  readonly questions: Array<{ method: string | undefined; type: string | undefined; body: Buffer }> = [];
  answer: Answer;

  constructor(answer: Answer) {
    this.answer = answer;
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('error', () => {});
      response.on('error', () => {});
      request.on('end', () => {
        const body = Buffer.concat(chunks);
        this.questions.push({ method: request.method, type: request.headers['content-type'], body });
        this.answer(request, response, body);
      });
    });
  }

  async listen(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/ocsp`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

/** The usual answer: these octets. */
export const answering =
  (response: Buffer): Answer =>
  (_request, reply) =>
    void reply.writeHead(200, { 'Content-Type': 'application/ocsp-response' }).end(response);
