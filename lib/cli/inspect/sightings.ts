import { readChain } from './certificates/path.ts';
import type { Roots } from './certificates/roots.ts';
import { type SeenChain, seeChain } from './certificates/served-chain.ts';
import type { Negotiation } from './negotiated/negotiate.ts';
import type { Answer } from './probe/prober.ts';
import type { Reached } from './reach.ts';

/** The chains that were sent, each once, and what came with them. */
export class Sightings {
  readonly #answers: Answer[];
  readonly #negotiation: Negotiation;

  constructor({ introductions }: Reached, negotiation: Negotiation) {
    this.#answers = [...introductions];
    this.#negotiation = negotiation;
  }

  see(answer: Answer): void {
    if (answer.sent !== undefined && !this.#knows(answer.sent.certificates[0])) this.#answers.push(answer);
    else if (answer.request !== undefined && this.request === undefined) this.#answers.push(answer);
  }

  get request(): Answer['request'] {
    return this.#answers.find(({ request }) => request !== undefined)?.request;
  }

  /** Whether the server asks for a certificate, and speaks nothing newer than TLS 1.2. */
  get isBefore13(): boolean {
    return this.request !== undefined && this.#answers.every(({ hello }) => hello?.version !== 'TLSv1.3');
  }

  /** Whether any flight was read so far that a request for a certificate would stand in it. */
  get hasFlight(): boolean {
    return this.#answers.some(({ sent }) => sent !== undefined);
  }

  get ocspResponse(): Buffer | undefined {
    return (
      this.#negotiation.ocspResponse ??
      this.#answers.find(({ sent }) => sent?.ocspResponse)?.sent?.ocspResponse
    );
  }

  /** The named curve of a certificate of ECDSA. */
  get certificateGroup(): number | undefined {
    for (const { sent } of this.#answers) {
      const curve = readChain(sent?.certificates.slice(0, 1) ?? [])[0]?.publicKey.curve;
      const group = { prime256v1: 23, secp384r1: 24, secp521r1: 25 }[curve ?? ''];
      if (group !== undefined) return group;
    }
    return undefined;
  }

  /** The negotiated one first. */
  chains(view: { roots: Roots; host: string; now: number }): SeenChain[] {
    const { chain, verdict } = this.#negotiation;
    const [leaf] = chain;
    const sent = this.#answers.map((answer) => answer.sent?.certificates ?? []);
    const all = leaf === undefined ? sent : [sent.find(([first]) => first?.equals(leaf)) ?? chain, ...sent];
    const seen = new Map<string, SeenChain>();
    for (const ders of all) {
      const certificates = readChain(ders);
      const [first] = certificates;
      if (first === undefined || seen.has(first.sha256)) continue;
      const judgedByOpenssl = leaf !== undefined && first.raw.equals(leaf);
      seen.set(first.sha256, seeChain(certificates, judgedByOpenssl ? verdict : undefined, view));
    }
    return [...seen.values()];
  }

  #knows(leaf: Buffer | undefined): boolean {
    return leaf === undefined || this.#answers.some(({ sent }) => sent?.certificates[0]?.equals(leaf));
  }
}
