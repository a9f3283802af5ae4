import { existsSync, readFileSync } from 'node:fs';
import { once } from 'node:events';
import * as https from 'node:https';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import express from 'express';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createServer } from 'portcullis';
import { createAuthority } from 'portcullis/pki';
import type { Inspection } from '../../lib/cli/inspect/inspection.ts';
import { runCli } from '../cli/harness.ts';
import { run } from '../interop/support/program.ts';
import { TlsServers } from '../interop/support/tls-servers.ts';

interface Finding {
  readonly id: string;
  readonly severity: string;
  readonly finding: string;
}

interface Seen {
  readonly inspection: Inspection;
  readonly testssl: ReadonlyMap<string, Finding>;
}

const others = new TlsServers();
const own: https.Server[] = [];
const targets = ['nginx', 'Caddy', 'a default Node server', 'a server of this package'] as const;
let seen: ReadonlyMap<string, Seen>;

beforeAll(async () => {
  const authority = await createAuthority({ subject: { CN: 'Scanned root' } });
  const { key, chain } = await authority.issueServerCertificate({
    names: ['localhost'],
    keyType: 'rsa-2048',
  });
  const [ca, keyFile, certFile] = [
    others.write('ca.pem', authority.root),
    others.write('server.key', key),
    others.write('server.pem', chain),
  ];
  const ports = await Promise.all([
    others.nginx(
      (port) => `server { listen 127.0.0.1:${port} ssl; server_name localhost; ssl_certificate ${certFile};
        ssl_certificate_key ${keyFile}; ssl_protocols TLSv1 TLSv1.1 TLSv1.2; ssl_ciphers DEFAULT@SECLEVEL=0;
        add_header Strict-Transport-Security "max-age=15768000"; return 200; }`,
    ),
    others.caddy(
      (port) =>
        `{\n admin off\n auto_https off\n}\nhttps://localhost:${port} {\n bind 127.0.0.1\n tls ${certFile} ${keyFile}\n respond "hello"\n}\n`,
    ),
    listen(https.createServer({ key, cert: chain }, (_request, response) => response.end('hello'))),
    listen(
      createServer(
        { key, cert: chain, http2: true },
        express().get('/', (_request, response) => void response.send('hello')),
      ),
    ),
  ]);
  const all = await Promise.all(
    ports.map(async (port, index) => [targets[index]!, await look(port, ca)] as const),
  );
  seen = new Map(all);
}, 240_000);

afterAll(async () => {
  for (const server of own) {
    server.close();
    server.closeAllConnections();
  }
  await others.close();
});

async function listen(server: https.Server): Promise<number> {
  own.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

async function look(port: number, ca: string): Promise<Seen> {
  const { out, err } = await runCli([
    'inspect',
    `127.0.0.1:${port}`,
    '--servername',
    'localhost',
    '--ca',
    ca,
    '--json',
  ]);
  expect(err).toBe('');
  const report = join(others.directory, `testssl-${port}.json`);
  const unpacked = resolve('.tools/testssl');
  const program = existsSync(unpacked) ? join(unpacked, 'usr/bin/testssl') : 'testssl';
  const environment = existsSync(unpacked) ? { TESTSSL_INSTALL_DIR: join(unpacked, 'etc/testssl') } : {};
  const flags = ['--quiet', '--color', '0', '--warnings', 'batch', '--ip', '127.0.0.1', '--nodns', 'none'];
  const parts = ['-p', '-f', '-E', '-S', '-h', '--fast', '--add-ca', ca, '--jsonfile', report];
  const { stdout } = await run(program, [...flags, ...parts, `localhost:${port}`], {
    environment,
    timeout: 230_000,
  });
  if (!existsSync(report)) throw new Error(`testssl.sh has left no report: ${stdout}`);
  const findings = JSON.parse(readFileSync(report, 'utf8')) as Finding[];
  return {
    inspection: JSON.parse(out) as Inspection,
    testssl: new Map(findings.map((one) => [one.id, one])),
  };
}

const ids = {
  SSLv2: 'SSLv2',
  SSLv3: 'SSLv3',
  'TLSv1.0': 'TLS1',
  'TLSv1.1': 'TLS1_1',
  'TLSv1.2': 'TLS1_2',
  'TLSv1.3': 'TLS1_3',
} as const;
const ofVersion: Readonly<Record<string, string>> = {
  tls1: 'TLSv1.0',
  tls1_1: 'TLSv1.1',
  tls1_2: 'TLSv1.2',
  tls1_3: 'TLSv1.3',
};
const curves: Readonly<Record<string, string>> = { prime256v1: 'secp256r1', X25519: 'x25519', X448: 'x448' };

describe.each(targets)('inspect and testssl.sh agree on %s:', (name) => {
  it('its versions', () => {
    const { inspection, testssl } = seen.get(name)!;
    const told = Object.entries(ids).map(([version, id]) => [
      version,
      !testssl.get(id)!.finding.startsWith('not offered'),
    ]);
    expect(Object.fromEntries(told)).toEqual(inspection.accepted!.versions);
  });

  it('its ciphers', () => {
    const { inspection, testssl } = seen.get(name)!;
    const told = [...testssl.values()].flatMap(({ id, finding }) => {
      const version = /^cipher-(tls1(?:_[123])?)_x/.exec(id)?.[1];
      return version === undefined ? [] : [`${ofVersion[version]} ${finding.trim().split(/\s+/).at(-1)}`];
    });
    expect(inspection.accepted!.ciphers.map((one) => `${one.version} ${one.name}`).toSorted()).toEqual(
      told.toSorted(),
    );
  });

  it('its groups', () => {
    const { inspection, testssl } = seen.get(name)!;
    const told = ['FS_ECDHE_curves', 'FS_KEMs']
      .flatMap((id) => testssl.get(id)?.finding.trim().split(/\s+/) ?? [])
      .map((curve) => curves[curve] ?? curve);
    const { groups } = inspection.accepted!;
    const ours = [...new Set([...groups['TLSv1.2'], ...groups['TLSv1.3']])].filter(
      (group) => !group.startsWith('ffdhe'),
    );
    expect(ours.toSorted()).toEqual(told.filter((group) => group !== 'No').toSorted());
  });

  it('its certificate, stapling, resumption and HSTS', () => {
    const { inspection, testssl } = seen.get(name)!;
    const finding = (id: string): string => testssl.get(id)?.finding ?? 'nothing';
    const [leaf] = inspection.chains[0]!.sent;
    expect(finding('cert_fingerprintSHA256').replaceAll(':', '')).toBe(
      leaf!.fingerprint256.replaceAll(':', ''),
    );
    const { resumption } = inspection;
    expect(finding('cert_chain_of_trust').startsWith('passed')).toBe(inspection.chains[0]!.trusted);
    expect(finding('OCSP_stapling').startsWith('offered')).toBe(inspection.stapling!.stapled);
    // With TLS 1.3 testssl.sh takes any resumption for one by session id, of which Go, for one, has none.
    const byId = [resumption.tls12SessionId, resumption.tls12SessionId || resumption.tls13];
    expect(byId).toContain(finding('sessionresumption_ID').startsWith('supported'));
    const hsts = inspection.http?.hsts?.maxAge;
    const days = /(\d+) days/.exec(finding('HSTS_time'))?.[1];
    expect(days === undefined ? undefined : Number(days)).toBe(
      hsts === undefined ? undefined : Math.floor(hsts / 86_400),
    );
    // Where it could not tell, as the ticket came too late for it, it warns.
    const ticket = testssl.get('sessionresumption_ticket');
    const told = ticket?.severity === 'INFO' && ticket.finding.startsWith('not supported');
    expect(told && (resumption.tls12Ticket === true || resumption.tls13 === true)).toBe(false);
  });
});
