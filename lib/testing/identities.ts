import type { IssuedCertificate } from '../pki/index.ts';

/**
 * Of what was issued, only the options of `tls` and `https` are properties of its own: what is spread into the options
 * of a server or a client is known to both. The rest are getters.
 */
class TestIdentity {
  /** PKCS#8 in PEM. */
  readonly key: string;
  /** What is sent: the certificate and its intermediates in PEM. */
  readonly cert: string;
  readonly #issued: IssuedCertificate;

  constructor(issued: IssuedCertificate) {
    this.key = issued.key;
    this.cert = issued.chain;
    this.#issued = issued;
  }

  /** The certificate alone in PEM. */
  get certificate(): string {
    return this.#issued.certificate;
  }

  /** The same as `cert`. */
  get chain(): string {
    return this.cert;
  }

  /** Upper-case hexadecimal, as Node writes it. */
  get serialNumber(): string {
    return this.#issued.serialNumber;
  }
}

export class ServerIdentity extends TestIdentity implements IssuedCertificate {
  readonly #ca: string;

  constructor(issued: IssuedCertificate) {
    super(issued);
    this.#ca = issued.ca;
    Object.freeze(this);
  }

  /** The root, for clients. */
  get ca(): string {
    return this.#ca;
  }
}

export class ClientIdentity extends TestIdentity implements IssuedCertificate {
  /** The root of the test's server, whoever issued the client's own certificate. */
  readonly ca: string;

  constructor(issued: IssuedCertificate, ca: string) {
    super(issued);
    this.ca = ca;
    Object.freeze(this);
  }
}

// As interfaces, since typed linters warn of a spread class instance, whose getters are meant to stay behind here.

/** A server's key and certificate: `createServer({ ...server })` takes `key` and `cert`. */
export interface TestServer extends ServerIdentity {}

/** A client's key and certificate, and whom it trusts: `tls.connect({ ...client })` takes `key`, `cert` and `ca`. */
export interface TestClient extends ClientIdentity {}
