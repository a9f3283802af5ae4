import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { ConfigError } from '../errors.ts';
import { describeSecret } from '../options.ts';

const cipher = 'aes-256-gcm';
const nonceLength = 12;
const tagLength = 16;
/** The form of what is stored; another one would need another mark. */
const mark = 'v1.';
const leastLength = 32;
const leastVariety = 8;

/** Seals with the first secret, opens with any. */
export interface Sealer {
  /** `context` is bound to it: what was sealed for one opens for no other. */
  seal(content: Buffer, context: string): string;
  /** Undefined for what none of the secrets has sealed for this context, or what was changed since. */
  open(sealed: string, context: string): Buffer | undefined;
}

/**
 * AES-256-GCM with a random nonce, under HKDF-SHA-256 of the secret (RFC 5869): cheap, so the secret has to be random
 * itself. ConfigErrors OPTION_INVALID for one that is short, or repeats few octets. What was sealed for one `purpose`
 * opens for no other.
 */
export function createSealer(secrets: unknown, purpose: string = 'portcullis ticket keys v1'): Sealer {
  const list: readonly unknown[] = Array.isArray(secrets) ? secrets : [secrets];
  const keys = list.map((secret, index) =>
    deriveKey(secret, Array.isArray(secrets) ? `secret[${index}]` : 'secret', purpose),
  );
  const [first] = keys;
  if (first === undefined) throw weak('secret', 'there is none');
  return {
    seal: (content, context) => sealWith(first, content, context),
    open(sealed, context) {
      for (const key of keys) {
        const content = openWith(key, sealed, context);
        if (content !== undefined) return content;
      }
      return undefined;
    },
  };
}

function deriveKey(secret: unknown, path: string, purpose: string): Buffer {
  if (typeof secret !== 'string' && !(secret instanceof Uint8Array))
    throw weak(path, `expected a string or a buffer, got ${describeSecret(secret)}`);
  const octets = Buffer.from(secret as Uint8Array);
  if (octets.length < leastLength)
    throw weak(path, `it has ${octets.length} octets, and ${leastLength} are the least`);
  if (new Set(octets).size < leastVariety) throw weak(path, 'it repeats a few octets');
  return Buffer.from(hkdfSync('sha256', octets, '', purpose, 32));
}

const weak = (path: string, problem: string): ConfigError =>
  new ConfigError(
    'OPTION_INVALID',
    path,
    problem,
    'Give random ones, such as `openssl rand -base64 32` prints.',
  );

function sealWith(key: Buffer, content: Buffer, context: string): string {
  const nonce = randomBytes(nonceLength);
  const sealing = createCipheriv(cipher, key, nonce).setAAD(Buffer.from(context));
  const sealed = Buffer.concat([nonce, sealing.update(content), sealing.final(), sealing.getAuthTag()]);
  return mark + sealed.toString('base64url');
}

function openWith(key: Buffer, sealed: string, context: string): Buffer | undefined {
  if (!sealed.startsWith(mark)) return undefined;
  const octets = Buffer.from(sealed.slice(mark.length), 'base64url');
  if (octets.length <= nonceLength + tagLength) return undefined;
  try {
    const opening = createDecipheriv(cipher, key, octets.subarray(0, nonceLength), {
      authTagLength: tagLength,
    });
    opening.setAAD(Buffer.from(context)).setAuthTag(octets.subarray(-tagLength));
    return Buffer.concat([opening.update(octets.subarray(nonceLength, -tagLength)), opening.final()]);
  } catch {
    return undefined;
  }
}
