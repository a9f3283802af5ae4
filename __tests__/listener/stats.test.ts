import { describe, expect, it } from '@jest/globals';
import type { TlsState } from '../../lib/connection/index.ts';
import { StatsCollector } from '../../lib/listener/reports/stats.ts';
import { Certificate } from '../../lib/x509/certificate.ts';
import { ocspServer } from '../support/ocsp.ts';

const state = (overrides: Partial<TlsState> = {}): TlsState =>
  ({
    protocol: 'TLSv1.3',
    cipher: { name: 'TLS_AES_128_GCM_SHA256', standardName: 'TLS_AES_128_GCM_SHA256' },
    group: 'x25519',
    alpn: 'http/1.1',
    resumed: false,
    ...overrides,
  }) as TlsState;

describe('the statistics', () => {
  it('count connections by what they negotiated, open and in all', () => {
    const stats = new StatsCollector();
    const close = stats.opened(state());
    stats.opened(state({ protocol: 'TLSv1.2', group: undefined, alpn: undefined, resumed: true }));
    close();
    expect(stats.snapshot([])).toMatchObject({
      connections: {
        open: 1,
        total: 2,
        byProtocol: { 'TLSv1.3': { open: 0, total: 1 }, 'TLSv1.2': { open: 1, total: 1 } },
        byCipher: { TLS_AES_128_GCM_SHA256: { open: 1, total: 2 } },
        byGroup: { x25519: { open: 0, total: 1 }, none: { open: 1, total: 1 } },
        byAlpn: { 'http/1.1': { open: 0, total: 1 }, none: { open: 1, total: 1 } },
      },
      handshakes: { ok: 2, resumed: 1, failed: 0, byReason: {} },
    });
  });

  it('count a close once', () => {
    const stats = new StatsCollector();
    const close = stats.opened(state());
    close();
    close();
    expect(stats.snapshot([]).connections.open).toBe(0);
  });

  it('count failures, refusals and drops by their reasons', () => {
    const stats = new StatsCollector();
    stats.handshakeFailed('ERR_SSL_NO_SHARED_CIPHER');
    stats.handshakeFailed('ERR_SSL_NO_SHARED_CIPHER');
    stats.refused('PIN_MISMATCH');
    stats.dropped('HANDSHAKE_TIMEOUT');
    expect(stats.snapshot([])).toMatchObject({
      handshakes: { failed: 2, byReason: { ERR_SSL_NO_SHARED_CIPHER: 2 } },
      refusals: { total: 1, byCode: { PIN_MISMATCH: 1 } },
      drops: { total: 1, byReason: { HANDSHAKE_TIMEOUT: 1 } },
    });
  });

  it('have a bounded number of keys, whatever clients provoke, and lose no count by it', () => {
    const stats = new StatsCollector();
    for (let index = 0; index < 1000; index++) stats.handshakeFailed(`ERR_SSL_${index}`);
    stats.handshakeFailed('ERR_SSL_0');
    stats.handshakeFailed('__proto__');
    const { failed, byReason } = stats.snapshot([]).handshakes;
    expect(failed).toBe(1002);
    expect(Object.keys(byReason).length).toBeLessThanOrEqual(65);
    expect(byReason).toMatchObject({ ERR_SSL_0: 2, OTHER: 937 });
    expect(Object.values(byReason).reduce((sum, count) => sum + count)).toBe(1002);
  });

  it('tell of the certificates that serve', () => {
    const now = Date.UTC(2026, 5, 1);
    const certificate = new Certificate(ocspServer({}, { notAfter: new Date(now + 10.5 * 86_400_000) }).der);
    expect(new StatsCollector(() => now).snapshot([certificate]).certificates).toEqual([
      {
        names: ['localhost', '127.0.0.1'],
        fingerprint256: certificate.fingerprint256,
        notAfter: new Date(certificate.notAfter),
        daysLeft: 10,
      },
    ]);
  });

  it('are a frozen copy that JSON keeps', () => {
    const stats = new StatsCollector(() => 0);
    stats.handshakeFailed('__proto__');
    const snapshot = stats.snapshot([]);
    stats.opened(state());
    expect(snapshot.connections.total).toBe(0);
    expect(snapshot.since).toEqual(new Date(0));
    expect(Object.isFrozen(snapshot.connections.byProtocol)).toBe(true);
    expect(JSON.parse(JSON.stringify(snapshot))).toMatchObject({ handshakes: { failed: 1 } });
    expect(Object.keys(snapshot.handshakes.byReason)).toEqual(['__proto__']);
  });
});
