/**
 * The longest that certificates may be valid, in days. What is private is bound by no rule but for servers; it is bound
 * here nevertheless, since a certificate that outlives its owner's memory is never renewed and hardly ever revoked.
 */

/** CA/Browser Forum Baseline Requirements 6.3.2, and Apple for private CAs' too: clients refuse longer ones. */
export const serverDays = 398;
/** What Apple and the Baseline Requirements once let leaves have: two years and a quarter. */
export const clientDays = 825;
/** Baseline Requirements 7.1.2.1.1: 25 years. */
export const rootDays = 9132;
/** Ten years: it is renewed, key and all, more often than the root. */
export const intermediateDays = 3652;

export const serverReason = 'clients refuse longer ones';
export const renewalReason = 'renew it in time instead';
