import { oids } from '../x509/extensions.ts';

/** What a certificate has to be meant for (RFC 5280 4.2.1.12), and how that is told. */
export interface Purpose {
  /** Of the extended key usage. */
  readonly oid: string;
  readonly name: string;
  readonly words: string;
  /** Of Netscape's certificate type, which OpenSSL still obeys in a leaf. */
  readonly netscapeBit: number;
  readonly netscapeName: string;
}

/** Of those who come to a listener. */
export const forClients: Purpose = Object.freeze({
  oid: oids.clientAuth,
  name: 'clientAuth',
  words: 'client authentication',
  netscapeBit: 0x80,
  netscapeName: 'SSL client',
});

/** Of those to whom a client goes. */
export const forServers: Purpose = Object.freeze({
  oid: oids.serverAuth,
  name: 'serverAuth',
  words: 'server authentication',
  netscapeBit: 0x40,
  netscapeName: 'SSL server',
});
