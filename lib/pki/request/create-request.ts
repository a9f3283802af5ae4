import { createPublicKey, type KeyObject } from 'node:crypto';
import { ConfigError } from '../../errors.ts';
import { checkKeys, oneOf } from '../../options.ts';
import { explicitTag, tags } from '../../x509/der.ts';
import { oids } from '../../x509/extensions.ts';
import { bitString, der, extension, objectIdentifier, sequence, unsignedInteger } from '../der.ts';
import { type DistinguishedNameInput, readDistinguishedName } from '../distinguished-name.ts';
import {
  exportKey,
  generateKeys,
  type KeyType,
  keyTypes,
  readPrivateKey,
  requireStrongKey,
} from '../keys.ts';
import { encodeAltNames, encodeName } from '../name-encoding.ts';
import { type AltName, type AltNamesInput, readAltNames, readServerNames } from '../names.ts';
import { encodePem } from '../pem.ts';
import { signerOf } from '../signer.ts';
import { extensionRequest } from './attributes.ts';

/** What a request asks for. An authority may grant other names, and decides on all else. */
export interface RequestOptions {
  /** Default: empty. */
  readonly subject?: DistinguishedNameInput;
  /** DNS names and addresses in a list, as for a server, or names by type. Default: none. */
  readonly names?: readonly string[] | AltNamesInput;
  /** What key to make; default `'ecdsa-p256'`. */
  readonly keyType?: KeyType;
  /** A private key in PEM to ask with, instead of a new one. */
  readonly key?: string;
  /** What `key` is encrypted with, if it is. */
  readonly passphrase?: string;
}

/** A certificate signing request and its key. Texts are PEM and end with a newline. */
export interface CreatedRequest {
  /** `BEGIN CERTIFICATE REQUEST`: for the authority. */
  readonly request: string;
  /** The private key: the one that was given, as it was given, or a new one as PKCS#8, not encrypted. */
  readonly key: string;
}

const keys = ['subject', 'names', 'keyType', 'key', 'passphrase'];

/**
 * Makes a certificate signing request (PKCS#10, RFC 2986), so that a private key never leaves the machine that uses it:
 * the request goes to the authority, which answers with a certificate (`authority.signRequest`).
 *
 * ```ts
 * const { request, key } = await createRequest({ names: ['example.org'] });
 * ```
 *
 * A bad option is a ConfigError: `OPTION_UNKNOWN`, `OPTION_INVALID`, `OPTION_CONFLICT`, `KEY_INVALID`.
 */
export async function createRequest(options: RequestOptions = {}): Promise<CreatedRequest> {
  checkKeys(options, keys, 'options');
  const subject = options.subject === undefined ? [] : readDistinguishedName(options.subject, 'subject');
  const altNames = readNames(options.names);
  const privateKey = await readKey(options);
  const signer = signerOf(privateKey, 'key');
  const info = sequence(
    unsignedInteger(0),
    encodeName(subject),
    createPublicKey(privateKey).export({ type: 'spki', format: 'der' }),
    der(explicitTag(0), ...(altNames.length === 0 ? [] : [encodeExtensionRequest(altNames)])),
  );
  const request = sequence(info, signer.algorithm, bitString(signer.sign(info)));
  return {
    request: encodePem('CERTIFICATE REQUEST', request),
    key: options.key ?? exportKey(privateKey),
  };
}

function readNames(names: RequestOptions['names']): readonly AltName[] {
  if (names === undefined) return [];
  return Array.isArray(names)
    ? readServerNames(names, 'names')
    : readAltNames(names as AltNamesInput, 'names');
}

async function readKey({ key, keyType, passphrase }: RequestOptions): Promise<KeyObject> {
  if (key === undefined) {
    if (passphrase !== undefined)
      throw new ConfigError(
        'OPTION_CONFLICT',
        'passphrase',
        'given without a key',
        'It opens `key`; to encrypt the new one use encryptKey.',
      );
    return (await generateKeys(oneOf(keyType ?? 'ecdsa-p256', keyTypes, 'keyType'))).privateKey;
  }
  if (keyType !== undefined)
    throw new ConfigError('OPTION_CONFLICT', 'keyType', 'given together with key', 'Leave one of them out.');
  const given = readPrivateKey(key, passphrase, 'key');
  requireStrongKey(createPublicKey(given), 'key');
  return given;
}

/** The attribute that carries extensions (RFC 2985 5.4.2). */
const encodeExtensionRequest = (altNames: readonly AltName[]): Buffer =>
  sequence(
    objectIdentifier(extensionRequest),
    der(tags.set, sequence(extension(oids.subjectAltName, encodeAltNames(altNames)))),
  );
