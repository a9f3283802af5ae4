import { groupNames } from '../connection/groups.ts';
import { isPolicyViolationCode } from '../errors.ts';
import type { DecisionEvent, EventTypes, HandshakeEvent } from '../events.ts';
import { BoundedCounter, type MetricsRegister } from './bounded-counter.ts';
import { firstOnes, flagLabel, none, oneOfThem } from './labels.ts';

/** What is done with each event; `Recorders[name](event)`. */
export type Recorders = { readonly [Name in keyof EventTypes]?: (event: EventTypes[Name]) => void };

const protocols = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'];
const code = /^[A-Z][A-Z0-9_]{1,79}$/;
const word = /^[A-Za-z][\w .-]{0,79}$/;
/** Printable ASCII: a route's pattern is the application's, and may be a regular expression. */
const pattern = /^[\x20-\x7e]+$/;

/** Registers the counters of what is published; what is returned counts. */
export function eventMetrics(register: MetricsRegister, maxRoutes: number): Recorders {
  return {
    ...handshakeMetrics(register),
    ...decisionMetrics(register, maxRoutes),
    ...operationMetrics(register),
  };
}

function handshakeMetrics(register: MetricsRegister): Recorders {
  const protocol = oneOfThem([...protocols, none]);
  const handshakes = new BoundedCounter(
    register,
    'portcullis_handshakes_total',
    'TLS handshakes; what was not negotiated is none.',
    {
      outcome: oneOfThem(['ok', 'failed']),
      protocol,
      cipher: firstOnes(64, code),
      group: oneOfThem([...groupNames, none]),
    },
  );
  const resumptions = new BoundedCounter(
    register,
    'portcullis_resumptions_total',
    'TLS handshakes that resumed a session.',
    { protocol },
  );
  const clients = new BoundedCounter(
    register,
    'portcullis_client_certificates_total',
    'Client certificates at the handshake: verified, none, or the code of why one does not count.',
    { result: firstOnes(0, code, (value) => value === 'verified' || isPolicyViolationCode(value)) },
  );
  const errors = new BoundedCounter(
    register,
    'portcullis_handshake_errors_total',
    'Handshakes that failed, or whose client the listener refused, by code.',
    { code: firstOnes(64, code, isPolicyViolationCode) },
  );
  return {
    'portcullis:handshake': (event) => {
      const { protocol: version, cipher, group } = event;
      handshakes.count({ outcome: 'ok', protocol: version, cipher, group });
      if (event.resumed) resumptions.count({ protocol: version });
      clients.count({ result: resultOf(event) });
    },
    'portcullis:handshake-error': (event) => {
      handshakes.count({ outcome: 'failed', protocol: undefined, cipher: undefined, group: undefined });
      errors.count({ code: event.code });
    },
  };
}

const resultOf = ({ fingerprint256, clientCertificateError }: HandshakeEvent): string | undefined =>
  fingerprint256 === undefined ? clientCertificateError?.code : 'verified';

function decisionMetrics(register: MetricsRegister, maxRoutes: number): Recorders {
  const policy = firstOnes(64, word);
  const decisions = new BoundedCounter(
    register,
    'portcullis_decisions_total',
    'Requests that a policy has let pass (allow), refused (refuse), or would have (report).',
    { policy, outcome: oneOfThem(['allow', 'refuse', 'report']) },
  );
  const refusals = new BoundedCounter(
    register,
    'portcullis_refusals_total',
    'Requests refused, by the pattern of their route; enforced false: a policy that only reports.',
    {
      policy,
      code: firstOnes(0, code, isPolicyViolationCode),
      route: firstOnes(maxRoutes, pattern),
      enforced: flagLabel,
    },
  );
  return {
    'portcullis:decision': (event) => {
      decisions.count({ policy: event.policy, outcome: outcomeOf(event) });
      if (event.outcome === 'refuse') refusals.count(event);
    },
  };
}

const outcomeOf = ({ outcome, enforced }: DecisionEvent): string =>
  outcome === 'refuse' && !enforced ? 'report' : outcome;

function operationMetrics(register: MetricsRegister): Recorders {
  const drops = new BoundedCounter(
    register,
    'portcullis_drops_total',
    'Connections and HTTP/2 streams cut because of the limits.',
    { reason: firstOnes(64, code) },
  );
  const reloads = new BoundedCounter(
    register,
    'portcullis_reloads_total',
    'Exchanges of certificates or trust; failed: what served before serves on.',
    { outcome: firstOnes(16, word), trigger: firstOnes(16, word) },
  );
  const rotations = new BoundedCounter(
    register,
    'portcullis_ticket_rotations_total',
    'Changes of the session ticket key; degraded: what shares it fails.',
    { outcome: firstOnes(16, word), origin: firstOnes(16, word) },
  );
  const stapling = new BoundedCounter(
    register,
    'portcullis_stapling_responses_total',
    'Answers of OCSP responders about served certificates.',
    { outcome: firstOnes(16, word) },
  );
  const denied = new BoundedCounter(
    register,
    'portcullis_deny_list_changes_total',
    'Changes of the deny list; degraded: what shares it fails, and the last list serves on.',
    { outcome: firstOnes(16, word), source: firstOnes(16, word) },
  );
  const revocation = new BoundedCounter(
    register,
    'portcullis_revocation_checks_total',
    'Revocation lists that were fetched, and OCSP responders that were asked about clients.',
    { source: firstOnes(16, word), outcome: firstOnes(16, word), code: firstOnes(64, code) },
  );
  return {
    'portcullis:drop': ({ reason }) => drops.count({ reason }),
    'portcullis:reload': ({ outcome, trigger }) => reloads.count({ outcome, trigger }),
    'portcullis:ticket-rotation': ({ outcome, origin }) => rotations.count({ outcome, origin }),
    'portcullis:ocsp': ({ outcome }) => stapling.count({ outcome }),
    'portcullis:deny-list': ({ outcome, source }) => denied.count({ outcome, source }),
    'portcullis:revocation': ({ source, outcome, code: why }) =>
      revocation.count({ source, outcome, code: why }),
  };
}
