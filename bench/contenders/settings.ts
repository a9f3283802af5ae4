import type { Credentials } from '../credentials.ts';

export type ContenderName =
  | 'https'
  | 'express'
  | 'express + helmet'
  | 'express + helmet + client-certificate-auth'
  | 'express + helmet + getPeerCertificate'
  | 'fastify'
  | 'node:http2'
  | 'http upstream'
  | 'portcullis'
  | 'portcullis, no framework';

/** What a contender's process is told. */
export interface ServerSettings {
  readonly name: ContenderName;
  readonly credentials: Credentials;
  /** Whether it asks for a client certificate; without, none of our policies runs. */
  readonly mutual: boolean;
  /** Of ours only: beside HTTP/1.1. */
  readonly http2?: boolean;
  /** Of ours only: limits that no slow or single client meets; Node's own server has none. */
  readonly patient?: boolean;
  /** Of ours only: how many policies run (`policies.ts`). */
  readonly policies?: number;
  /** Of ours only: in PEM or DER (base64 is not taken). */
  readonly crl?: string;
}

/** What everyone answers. */
export const answer = { hello: 'world' };
