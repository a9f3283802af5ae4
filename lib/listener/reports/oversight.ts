import cluster from 'node:cluster';
import type { Server } from 'node:https';
import type { KeyPair } from '../../credentials/key-pair.ts';
import type { AuditReport } from '../../profiles/audit.ts';
import type { KeyOrigin } from '../../tickets/key-ring.ts';
import { hasUpgradeGuard } from '../../connection/index.ts';
import type { Upgrades } from '../connections/upgrades.ts';
import { auditListener } from './audit.ts';
import { ExpiryWatch, type Watchable } from './expiry.ts';
import {
  ageOf,
  type LiveCertificate,
  liveCertificate,
  type LiveListener,
  liveListeners,
  type LiveRevocation,
} from './live-listeners.ts';
import { silent } from '../logger.ts';
import type { Live } from '../serving.ts';
import { Stapling } from '../stapling/stapling.ts';
import type { StaplingState } from '../stapling/stapling-entry.ts';
import type { ListenerStats, StatsCollector } from './stats.ts';
import { summaryLine } from './summary.ts';

export interface OversightParts {
  readonly server: Server;
  readonly live: Live;
  readonly stats: StatsCollector;
  readonly upgrades: Upgrades;
  /** Where the ticket keys come from now; undefined without any that are rotated here. */
  readonly ticketOrigin: () => KeyOrigin | undefined;
}

/** What a listener knows of itself: the end of its certificates, their stapled responses, its audit and its counts. */
export class Oversight implements LiveListener {
  readonly #parts: OversightParts;
  readonly #expiry: ExpiryWatch;
  readonly #stapling: Stapling | undefined;
  #summarized = false;

  constructor(parts: OversightParts) {
    this.#parts = parts;
    const { server, live } = parts;
    const { logger, stapling } = live.config;
    this.#expiry = new ExpiryWatch({ logger });
    this.#stapling = stapling && new Stapling({ config: stapling, logger });
    if (this.#stapling !== undefined) answerOcspRequests(server, this.#stapling);
    this.served();
  }

  /** What serves has been exchanged. */
  served(): void {
    const { config, serving } = this.#parts.live;
    if (serving === undefined) return;
    const anchors = config.clientAuth?.authorities ?? [];
    this.#expiry.watch([
      ...this.#pairs!.map(({ leaf }): Watchable => ({ role: 'server', certificate: leaf })),
      ...anchors.map((certificate): Watchable => ({ role: 'client CA', certificate })),
    ]);
    // By context: an entry of its own, and whatever several entries of one name add up to.
    this.#stapling?.serve([serving.choice.default, ...serving.choice.lists]);
  }

  /** 'listening'. */
  started(): void {
    this.#stapling?.start();
    this.#expiry.start();
    liveListeners.add(this);
    if (this.#summarized) return;
    this.#summarized = true;
    const { logger } = this.#parts.live.config;
    if (logger !== silent) logger.info(this.#summary());
  }

  /** 'close'. */
  stopped(): void {
    this.#stapling?.stop();
    this.#expiry.stop();
    liveListeners.delete(this);
  }

  get server(): Server {
    return this.#parts.server;
  }

  get certificates(): readonly LiveCertificate[] {
    const anchors = this.#parts.live.config.clientAuth?.authorities ?? [];
    return [
      ...(this.#pairs ?? []).map(({ leaf }) => liveCertificate('server', leaf)),
      ...anchors.map((anchor) => liveCertificate('client CA', anchor)),
    ];
  }

  get revocation(): readonly LiveRevocation[] {
    return ageOf(this.#parts.live.config.clientAuth?.trust.revocation?.known ?? []);
  }

  get audit(): AuditReport {
    const { server, live, upgrades, ticketOrigin } = this.#parts;
    const states: readonly StaplingState[] | undefined = this.#stapling?.states;
    const origin = ticketOrigin();
    const alone = !cluster.isWorker && live.config.tickets?.store === undefined;
    return auditListener({
      config: live.config,
      pairs: this.#pairs,
      stapling: states,
      ticketsShared: alone || origin === undefined || origin !== 'own',
      upgradeListeners: server.listenerCount('upgrade'),
      upgradesGuarded: hasUpgradeGuard(),
      unguardedUpgrades: upgrades.unguarded,
      now: Date.now(),
    });
  }

  get stats(): ListenerStats {
    return this.#parts.stats.snapshot((this.#pairs ?? []).map(({ leaf }) => leaf));
  }

  get #pairs(): readonly KeyPair[] | undefined {
    return this.#parts.live.serving?.choice.groups.flat();
  }

  #summary(): string {
    const { server, live } = this.#parts;
    const { profile, http2, clientAuth, https } = live.config;
    const { audit } = this;
    return summaryLine({
      address: server.address(),
      profile: profile.name,
      minVersion: https.minVersion ?? profile.minVersion,
      maxVersion: https.maxVersion ?? 'TLSv1.3',
      http2,
      clientAuth: clientAuth === undefined ? 'none' : clientAuth.required ? 'required' : 'optional',
      tickets: clientAuth === undefined && live.config.given['tickets'] !== false,
      certificates: this.#pairs?.map(({ leaf }) => leaf),
      audit,
      now: Date.now(),
    });
  }
}

/** Two answers would end the connection (ERR_MULTIPLE_CALLBACK): where the user has a listener too, that one answers. */
function answerOcspRequests(server: Server, stapling: Stapling): void {
  server.on('OCSPRequest', (certificate, _issuer, done) => {
    if (server.listenerCount('OCSPRequest') > 1) return;
    (done as (error: null, response: Buffer | null) => void)(null, stapling.responseFor(certificate) ?? null);
  });
}
