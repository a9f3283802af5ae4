import { Gauge } from 'prom-client';
import {
  type LiveCertificate,
  type LiveListener,
  liveListeners,
  type LiveRevocation,
} from '../listener/reports/live-listeners.ts';
import type { MetricsRegister } from './bounded-counter.ts';

/** Certificates, and issuers of lists, that are told of: those that end first. */
const maxSubjects = 100;
const maxName = 128;

/** Registers the gauges of what the listeners are asked for at each scrape, and only then. */
export function listenerMetrics(
  register: MetricsRegister,
  concerns: (listener: LiveListener) => boolean,
): void {
  const listeners = (): LiveListener[] => [...liveListeners].filter(concerns);
  registerGauge(register, {
    name: 'portcullis_open_connections',
    help: 'Connections that are open, their handshakes done.',
    labelNames: ['protocol'],
    aggregator: 'sum',
    read: () => listeners().flatMap(openConnections),
  });
  registerGauge(register, {
    name: 'portcullis_certificate_expiry_timestamp_seconds',
    help: 'When a certificate that is served, or a client CA that is trusted, ends.',
    labelNames: ['role', 'name', 'fingerprint'],
    aggregator: 'min',
    read: () =>
      certificatesOf(listeners()).map(({ role, name, fingerprint256: fingerprint, notAfter }) => [
        { role, name: printable(name), fingerprint },
        notAfter / 1000,
      ]),
  });
  registerGauge(register, {
    name: 'portcullis_revocation_age_seconds',
    help: 'Since the revocation list of an issuer was made (thisUpdate).',
    labelNames: ['issuer'],
    aggregator: 'max',
    read: () =>
      revocationOf(listeners()).map(({ issuer, thisUpdate }) => [
        { issuer },
        (Date.now() - thisUpdate) / 1000,
      ]),
  });
  registerGauge(register, {
    name: 'portcullis_revocation_next_update_timestamp_seconds',
    help: 'When the revocation list of an issuer runs out (nextUpdate).',
    labelNames: ['issuer'],
    aggregator: 'min',
    read: () => revocationOf(listeners()).map(({ issuer, nextUpdate }) => [{ issuer }, nextUpdate / 1000]),
  });
}

type Reading<Name extends string> = readonly [Readonly<Record<Name, string>>, number];

interface GaugeOptions<Name extends string> {
  readonly name: string;
  readonly help: string;
  readonly labelNames: Name[];
  /** How the workers of a cluster come to one value, where prom-client's AggregatorRegistry is used. */
  readonly aggregator: 'sum' | 'min' | 'max';
  readonly read: () => ReadonlyArray<Reading<Name>>;
}

/** Values of the same labels add up. */
function registerGauge<Name extends string>(
  register: MetricsRegister,
  { read, ...config }: GaugeOptions<Name>,
): void {
  const gauge: Gauge<Name> = new Gauge({
    ...config,
    registers: [register],
    collect: () => {
      gauge.reset();
      for (const [labels, value] of read()) gauge.inc(labels, value);
    },
  });
}

const openConnections = ({ stats }: LiveListener): ReadonlyArray<Reading<'protocol'>> =>
  Object.entries(stats.connections.byProtocol).map(([protocol, { open }]) => [{ protocol }, open]);

/** Several listeners may serve the same one. */
function certificatesOf(listeners: readonly LiveListener[]): readonly LiveCertificate[] {
  const all = new Map<string, LiveCertificate>();
  for (const { certificates } of listeners)
    for (const certificate of certificates)
      all.set(`${certificate.role} ${certificate.fingerprint256}`, certificate);
  return [...all.values()].toSorted((a, b) => a.notAfter - b.notAfter).slice(0, maxSubjects);
}

/** By the issuer's label: of several listeners, or of issuers that share it, the worst. */
function revocationOf(listeners: readonly LiveListener[]): readonly LiveRevocation[] {
  const all = new Map<string, LiveRevocation>();
  for (const age of listeners.flatMap(({ revocation }) => revocation)) {
    const issuer = printable(age.issuer);
    const known = all.get(issuer) ?? age;
    all.set(issuer, {
      issuer,
      thisUpdate: Math.min(age.thisUpdate, known.thisUpdate),
      nextUpdate: Math.min(age.nextUpdate, known.nextUpdate),
    });
  }
  return [...all.values()].toSorted((a, b) => a.nextUpdate - b.nextUpdate).slice(0, maxSubjects);
}

/** A certificate may have anything for a name. */
const printable = (name: string): string => name.replace(/[^\x20-\x7e]/g, '?').slice(0, maxName);
