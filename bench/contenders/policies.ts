import type { RequestHandler } from 'express';
import {
  allOf,
  exposeTls,
  not,
  publicKey,
  requireClientCertificate,
  requireMatchingHost,
  requirePin,
  requireTls,
  securityHeaders,
  serialNumber,
  subject,
} from '../../lib/index.ts';
import type { Credentials } from '../credentials.ts';

/** The whole stack: one of each kind that every route may have. */
export const wholeStack = 5;

/** The first `count` of ten; helmet's headers are in from the fifth on. */
export const policies = ({ pins }: Credentials, count: number): RequestHandler[] =>
  [
    () => requireClientCertificate(),
    () => exposeTls(),
    () => requirePin([...pins]),
    () => requireMatchingHost(),
    () => securityHeaders(),
    () => requireTls({ minVersion: 'TLSv1.2', forwardSecrecy: true }),
    () => requireClientCertificate(subject({ O: 'Example' })),
    () => requirePin([...pins], { on: 'chain' }),
    () => requireClientCertificate({ maxAge: 3_600 }),
    () => requireClientCertificate(allOf(publicKey({ type: 'ec' }), not(serialNumber('01')))),
  ]
    .slice(0, count)
    .map((make) => make());
