import type { Decision } from '../lib/policy/decision.ts';
import { presentTime } from '../lib/clock.ts';
import { renewedState } from '../lib/connection/index.ts';
import type { TrustStore } from '../lib/trust/trust-store.ts';
import type { Seen } from './guard.ts';

/**
 * Lets a policy decide once it is known whether the client is revoked: mostly at once, and otherwise when its responder
 * has answered (`clientAuth.revocation.ocsp`), which takes no longer than that option's `timeout`. `store`: the anchors
 * of a policy that has its own.
 */
export function whenKnown(
  seen: Seen,
  store: TrustStore | undefined,
  decide: (seen: Seen) => Decision | Promise<Decision>,
): Decision | Promise<Decision> {
  const waiting = seen.connection.pending(presentTime(), store);
  if (waiting === undefined) return decide(seen);
  return waiting.then(() => {
    const now = Date.now();
    const state = seen.connection.stateAt(now);
    // The anchors of an earlier policy count on, unless the listener now knows better.
    seen.state =
      state.clientCertificateError?.code === 'CLIENT_CERTIFICATE_REVOKED'
        ? state
        : renewedState(seen.connection, seen.state, now);
    return decide(seen);
  });
}
