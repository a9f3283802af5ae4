import * as fc from 'fast-check';

/** Something that happens to octets. */
export type Damage = (octets: Buffer) => Buffer;

/** The same with words, for a counterexample. */
const told = (words: string, act: Damage): Damage => Object.assign(act, { [fc.toStringMethod]: () => words });

/** One after the other, as long as anything is left. */
export const inTurn = (all: readonly Damage[]): Damage =>
  told(fc.stringify(all), (octets) => all.reduce((now, one) => (now.length === 0 ? now : one(now)), octets));

const replaced = fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })).map(([place, mask]) =>
  told(`octet ${place} ^ ${mask}`, (octets) => {
    const copy = Buffer.from(octets);
    copy[place % copy.length]! ^= mask;
    return copy;
  }),
);
const missing = fc.tuple(fc.nat(), fc.nat(20)).map(([place, more]) =>
  told(`without ${more + 1} from ${place}`, (octets) => {
    const from = place % octets.length;
    return Buffer.concat([octets.subarray(0, from), octets.subarray(from + 1 + more)]);
  }),
);
const putIn = fc
  .tuple(fc.nat(), fc.uint8Array({ minLength: 1, maxLength: 20 }))
  .map(([place, more]) => inserted(place, Buffer.from(more)));
const cut = fc
  .nat()
  .map((place) => told(`cut at ${place}`, (octets) => octets.subarray(0, place % octets.length)));

export const inserted = (place: number, more: Buffer): Damage =>
  told(`${JSON.stringify(more.toString('latin1'))} at ${place}`, (octets) => {
    const from = place % octets.length;
    return Buffer.concat([octets.subarray(0, from), more, octets.subarray(from)]);
  });

/** Places are counted modulo the length. Most of it is a single octet, which gets past most checks. */
export const damage: fc.Arbitrary<Damage> = fc
  .array(fc.oneof({ arbitrary: replaced, weight: 3 }, missing, putIn, cut), { minLength: 1, maxLength: 3 })
  .map(inTurn);

export const octets = (maxLength: number): fc.Arbitrary<Buffer> =>
  fc.uint8Array({ maxLength }).map((array) => Buffer.from(array));

/** What `act` gives; undefined where it throws one of these errors. Anything else that is thrown fails the test. */
export function unless<T>(
  errors: ReadonlyArray<new (...args: never[]) => Error>,
  act: () => T,
): T | undefined {
  try {
    return act();
  } catch (error) {
    if (errors.some((type) => error instanceof type)) return undefined;
    throw error;
  }
}
