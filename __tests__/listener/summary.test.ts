import { describe, expect, it } from '@jest/globals';
import { summaryLine, type SummaryInput } from '../../lib/listener/reports/summary.ts';
import type { AuditReport } from '../../lib/profiles/audit.ts';
import { finding } from '../../lib/profiles/audit-finding.ts';
import { Certificate } from '../../lib/x509/certificate.ts';
import { extension } from '../support/odd-extensions.ts';
import { generalName } from '../support/odd-names.ts';
import { ocspServer } from '../support/ocsp.ts';

const now = Date.UTC(2026, 5, 1);
const day = 86_400_000;
const report = (...findings: AuditReport['findings']): AuditReport => ({
  ok: findings.length === 0,
  guideline: { version: '6.0', configuration: 'intermediate' },
  findings,
});
const certificate = (daysLeft: number, ...names: string[]): Certificate =>
  new Certificate(
    ocspServer(
      {},
      {
        notAfter: new Date(now + (daysLeft + 0.5) * day),
        extensions: { subjectAltName: extension.subjectAltName(names.map(generalName.dns)) },
      },
    ).der,
  );

const line = (overrides: Partial<SummaryInput> = {}): string =>
  summaryLine({
    address: { address: '127.0.0.1', family: 'IPv4', port: 8443 },
    profile: 'intermediate',
    minVersion: 'TLSv1.2',
    maxVersion: 'TLSv1.3',
    http2: false,
    clientAuth: 'none',
    tickets: true,
    certificates: [certificate(89, 'a.example')],
    audit: report(),
    now,
    ...overrides,
  });

describe('the summary', () => {
  it('tells what serves where in one line', () => {
    expect(line()).toBe(
      'Portcullis: listening on https://127.0.0.1:8443, profile intermediate, TLSv1.2 to TLSv1.3, HTTP/1.1, ' +
        'client certificates none, certificate a.example (89 days left), tickets on, audit clean.',
    );
  });

  it('tells of HTTP/2, client certificates, one version and no tickets', () => {
    const text = line({ http2: true, clientAuth: 'required', minVersion: 'TLSv1.3', tickets: false });
    expect(text).toContain(', TLSv1.3, HTTP/2 and HTTP/1.1, client certificates required,');
    expect(text).toContain('tickets off');
  });

  it('counts the findings above low only', () => {
    const audit = report(
      finding('CERTIFICATE_EXPIRED', 'a'),
      finding('CERTIFICATE_SELF_SIGNED', 'b'),
      finding('HSTS_NOT_SEEN', 'c'),
      finding('CLIENT_REVOCATION_NONE', 'd'),
    );
    expect(line({ audit })).toContain('audit: 2 findings above low, see audit()');
  });

  it('writes an IPv6 address in brackets, and a pipe as it is', () => {
    expect(line({ address: { address: '::', family: 'IPv6', port: 443 } })).toContain('https://[::]:443,');
    expect(line({ address: '/run/app.sock' })).toContain('listening on /run/app.sock,');
    expect(line({ address: null })).toContain('not listening');
  });

  it('says so where a certificate has expired, or is not there yet', () => {
    expect(line({ certificates: [certificate(-3, 'a.example')] })).toContain('a.example (EXPIRED)');
    expect(line({ certificates: undefined })).toContain('certificate to come');
    expect(line({ certificates: [certificate(1, 'a.example')] })).toContain('(1 day left)');
  });

  it('counts what is too long for a line', () => {
    const names = ['a', 'b', 'c', 'd', 'e'].map((name) => `${name}.example`);
    expect(line({ certificates: [certificate(5, ...names)] })).toContain(
      'a.example b.example c.example 2 more (5',
    );
    const many = names.map((name) => certificate(5, name));
    expect(line({ certificates: many })).toContain('c.example (5 days left); 2 more,');
  });

  it('stays one line, whatever a certificate has for a name', () => {
    const text = line({ certificates: [certificate(5, 'a\nPortcullis: fine\u001b[2J')] });
    expect(text).toContain('a?Portcullis: fine?[2J');
  });
});
