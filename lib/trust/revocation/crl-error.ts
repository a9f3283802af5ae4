/** A list that can be read and must not be used: why, and what to give instead. */
export class CrlError extends Error {
  override readonly name = 'CrlError';
  readonly remedy: string;

  constructor(problem: string, remedy: string) {
    super(problem);
    this.remedy = remedy;
  }

  static indirect(): CrlError {
    return new CrlError(
      'it is an indirect CRL, which speaks of other CAs than its own',
      "Give each CA's own list.",
    );
  }

  /** RFC 5280 5.2 and 5.3: a list with one that is not understood must not be used. */
  static unknownExtension(oid: string): CrlError {
    return new CrlError(
      `it has the critical extension ${oid}, which is not known here`,
      'Ask its CA for one without.',
    );
  }
}
