import { randomBytes } from 'node:crypto';
import { number, numbers, Reader, WireError } from './bytes.ts';
import { versions } from './numbers.ts';

/** The suites of SSLv2, of three octets each (draft-hickman-netscape-ssl-00). */
const kinds: ReadonlyMap<number, string> = new Map([
  [0x010080, 'SSL_CK_RC4_128_WITH_MD5'],
  [0x020080, 'SSL_CK_RC4_128_EXPORT40_WITH_MD5'],
  [0x030080, 'SSL_CK_RC2_128_CBC_WITH_MD5'],
  [0x040080, 'SSL_CK_RC2_128_CBC_EXPORT40_WITH_MD5'],
  [0x050080, 'SSL_CK_IDEA_128_CBC_WITH_MD5'],
  [0x060040, 'SSL_CK_DES_64_CBC_WITH_MD5'],
  [0x0700c0, 'SSL_CK_DES_192_EDE3_CBC_WITH_MD5'],
]);

const clientHelloType = 1;
const serverHelloType = 4;

/** A CLIENT-HELLO of SSLv2 with all its suites, in its two-octet record. */
export function sslv2Hello(): Buffer {
  const specs = Buffer.concat([...kinds.keys()].map((kind) => number(3, kind)));
  const challenge = randomBytes(16);
  const lengths = numbers(2, [specs.length, 0, challenge.length]);
  const body = Buffer.concat([
    number(1, clientHelloType),
    number(2, versions.SSLv2),
    lengths,
    specs,
    challenge,
  ]);
  return Buffer.concat([number(2, 0x8000 | body.length), body]);
}

/**
 * The suites of a SERVER-HELLO; undefined while it is not complete, `refused` for anything else. A server that names no
 * suite speaks SSLv2 all the same: clients could choose one on their own (CVE-2015-3197).
 */
export function readSslv2Answer(octets: Buffer): readonly string[] | 'refused' | undefined {
  if (octets.length < 2) return undefined;
  if ((octets[0]! & 0x80) === 0) return 'refused';
  const length = octets.readUInt16BE(0) & 0x7fff;
  if (octets.length < 2 + length)
    return octets.length > 2 && octets[2] !== serverHelloType ? 'refused' : undefined;
  try {
    return readBody(new Reader(octets.subarray(2, 2 + length)));
  } catch (error) {
    if (error instanceof WireError) return 'refused';
    throw error;
  }
}

function readBody(reader: Reader): readonly string[] | 'refused' {
  if (reader.number(1) !== serverHelloType) return 'refused';
  reader.take(2);
  if (reader.number(2) !== versions.SSLv2) return 'refused';
  const [certificate, specs, connection] = [reader.number(2), reader.number(2), reader.number(2)];
  reader.take(certificate);
  const list = new Reader(reader.take(specs));
  reader.take(connection);
  reader.end();
  const names: string[] = [];
  while (list.left > 0) {
    const kind = list.number(3);
    names.push(kinds.get(kind) ?? `0x${kind.toString(16).padStart(6, '0').toUpperCase()}`);
  }
  return names;
}
