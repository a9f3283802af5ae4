import { join } from 'node:path';
import { capture } from './capture.ts';

/** The name in the certificates. It leads nowhere: each scanner is told the address. */
export const serverName = 'scan.example.org';

/**
 * A CA and certificates such as a public CA issues, ECDSA and RSA: 90 days, and with the address of a CRL, without
 * which testssl.sh finds fault with the certificate, as it should with one of the public.
 */
export async function makeCertificates(directory: string): Promise<void> {
  const file = (name: string): string => join(directory, name);
  const issue = async (name: string, key: readonly string[], more: readonly string[]): Promise<void> => {
    const output = ['-nodes', '-sha256', '-keyout', file(`${name}.key`), '-out', file(`${name}.pem`)];
    await capture('openssl', ['req', '-x509', '-newkey', ...key, ...output, ...more]);
  };
  const ec = ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];
  await issue('ca', ec, [
    '-subj',
    '/O=Portcullis scan/CN=Scan root',
    '-days',
    '365',
    ...extensions(['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign,cRLSign']),
  ]);
  const leaf = [
    '-CA',
    file('ca.pem'),
    '-CAkey',
    file('ca.key'),
    '-days',
    '90',
    '-subj',
    `/CN=${serverName}`,
    ...extensions([
      'basicConstraints=critical,CA:FALSE',
      'keyUsage=critical,digitalSignature',
      'extendedKeyUsage=serverAuth',
      `subjectAltName=DNS:${serverName}`,
      'crlDistributionPoints=URI:http://crl.example.org/scan.crl',
    ]),
  ];
  await issue('ecdsa', ec, leaf);
  await issue('rsa', ['rsa:2048'], leaf);
  // For the control: RSA with 1024 bits, SHA-1, ten years, an address of a private network.
  await issue(
    'weak',
    ['rsa:1024'],
    [
      '-sha1',
      '-days',
      '3650',
      '-subj',
      `/CN=${serverName}`,
      ...extensions([`subjectAltName=DNS:${serverName},IP:10.0.0.1`]),
    ],
  );
}

const extensions = (lines: readonly string[]): string[] => lines.flatMap((line) => ['-addext', line]);
