/** It comes without types. */
declare module 'client-certificate-auth' {
  import type { PeerCertificate } from 'node:tls';
  import type { RequestHandler } from 'express';

  export default function make(check: (certificate: PeerCertificate) => boolean): RequestHandler;
}
