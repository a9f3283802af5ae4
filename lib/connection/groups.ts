/** IANA's TLS Supported Groups: number, name, and whether it is (hybrid) post-quantum. */
const registry: ReadonlyArray<readonly [number, string, boolean?]> = [
  [23, 'secp256r1'],
  [24, 'secp384r1'],
  [25, 'secp521r1'],
  [26, 'brainpoolP256r1'],
  [27, 'brainpoolP384r1'],
  [28, 'brainpoolP512r1'],
  [29, 'x25519'],
  [30, 'x448'],
  [31, 'brainpoolP256r1tls13'],
  [32, 'brainpoolP384r1tls13'],
  [33, 'brainpoolP512r1tls13'],
  [256, 'ffdhe2048'],
  [257, 'ffdhe3072'],
  [258, 'ffdhe4096'],
  [259, 'ffdhe6144'],
  [260, 'ffdhe8192'],
  [512, 'MLKEM512', true],
  [513, 'MLKEM768', true],
  [514, 'MLKEM1024', true],
  [4587, 'SecP256r1MLKEM768', true],
  [4588, 'X25519MLKEM768', true],
  [4589, 'SecP384r1MLKEM1024', true],
];

const names = new Map(registry.map(([number, name]) => [number, name]));

/** IANA names of the groups that a connection can report. */
export const groupNames: readonly string[] = registry.map(([, name]) => name);
export const postQuantumGroups: ReadonlySet<string> = new Set(
  registry.filter(([, , hybrid]) => hybrid).map(([, name]) => name),
);

/** The IANA name of a group; one that is not registered here is unknown, never guessed. */
export const groupName = (number: number | undefined): string | undefined =>
  number === undefined ? undefined : names.get(number);
