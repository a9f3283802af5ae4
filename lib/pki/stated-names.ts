import type { SubjectAltNames } from '../x509/extensions.ts';
import { type AltName, type AltNamesInput, readAltNames } from './names.ts';

/** The names of a certificate or request as they are given here; undefined where there is none. */
export function statedNames(names: SubjectAltNames): AltNamesInput | undefined {
  const stated = Object.entries(names).filter(([, list]: [string, readonly string[]]) => list.length > 0);
  return stated.length === 0 ? undefined : Object.fromEntries(stated);
}

/** The same, each judged as one that is given anew. */
export function readStatedNames(names: SubjectAltNames, path: string): readonly AltName[] {
  const stated = statedNames(names);
  return stated === undefined ? [] : readAltNames(stated, path);
}
