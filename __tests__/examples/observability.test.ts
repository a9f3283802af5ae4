import { connect } from 'node:net';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConnectionOptions } from 'node:tls';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Answer, endExamples, get, type RunningExample, startExample } from './run-example.ts';

const names = ['metrics', 'with-pino', 'with-opentelemetry'] as const;
let home: string;
let examples: Record<(typeof names)[number], RunningExample>;

const pem = (...path: string[]): Buffer => readFileSync(join(home, 'development', ...path));

function as(client?: string): ConnectionOptions {
  const ca = pem('authority.pem');
  if (client === undefined) return { ca };
  const both = pem('example-clients', `${client}.pem`);
  return { ca, cert: both, key: both };
}

const ask = (example: (typeof names)[number], path: string, client?: string): Promise<Answer> =>
  get(`${examples[example].url}${path}`, as(client));

/** Plain HTTP on the port of TLS: a handshake that fails. */
async function speakPlainly(example: (typeof names)[number]): Promise<void> {
  const socket = connect(Number(new URL(examples[example].url).port), 'localhost');
  socket.on('error', () => {});
  socket.resume();
  socket.write('GET / HTTP/1.1\r\n\r\n');
  await once(socket, 'close');
}

/** The lines of a log that are JSON. */
const entries = (output: string): Array<Record<string, unknown>> =>
  output
    .split('\n')
    .filter((line) => line.startsWith('{"level"'))
    .map((line) => JSON.parse(line) as Record<string, unknown>);

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'portcullis-observability-'));
  const environment = { PORTCULLIS_HOME: home, OTEL_METRIC_EXPORT_INTERVAL: '250' };
  // The first one makes the certificates that the others then find.
  const metrics = await startExample('metrics', environment);
  await metrics.wrote('serving localhost with a development certificate');
  const [pino, telemetry] = await Promise.all([
    startExample('with-pino', { ...environment, LOG_LEVEL: 'debug' }),
    startExample('with-opentelemetry', environment),
  ]);
  examples = { metrics, 'with-pino': pino, 'with-opentelemetry': telemetry };
});

afterAll(() => {
  endExamples();
  rmSync(home, { recursive: true, force: true });
});

test('metrics shows Prometheus what has been counted, and nobody else', async () => {
  await ask('metrics', '/accounts/1');
  await ask('metrics', '/accounts/2');
  await ask('metrics', '/accounts/3', 'payments');
  for (const client of [undefined, 'payments', 'unknown-ca'])
    // oxlint-disable-next-line no-await-in-loop -- a few requests
    expect(await ask('metrics', '/metrics', client)).toMatchObject({ status: 403 });
  const { status, headers, body } = await ask('metrics', '/metrics', 'ops');
  expect([status, headers['content-type']]).toEqual([
    200,
    expect.stringMatching(/^text\/plain; .*version=0/),
  ]);
  for (const line of [
    'portcullis_refusals_total{policy="requireClientCertificate",code="CLIENT_CERTIFICATE_REQUIRED",route="/accounts/:id",enforced="true"} 2',
    'portcullis_refusals_total{policy="requireClientCertificate",code="CLIENT_CERTIFICATE_DENIED",route="/metrics",enforced="true"} 1',
    'portcullis_client_certificates_total{result="CLIENT_CERTIFICATE_UNTRUSTED"} 1',
  ])
    expect(body).toContain(`${line}\n`);
  // Connections of requests before may not be closed yet.
  expect(body).toMatch(/portcullis_open_connections\{protocol="TLSv1.3"\} [1-7]\n/);
  expect(body).toMatch(
    /portcullis_certificate_expiry_timestamp_seconds\{role="server",name="localhost",fingerprint="[\dA-F:]{95}"\} \d{10}\n/,
  );
  expect(body).toMatch(
    /portcullis_handshakes_total\{outcome="ok",protocol="TLSv1.3",cipher="TLS_\w+",group="\w+"\} 7\n/,
  );
});

test('with-pino writes who was refused, with the id of the request, and no personal data', async () => {
  const example = examples['with-pino'];
  const { headers } = await ask('with-pino', '/accounts/7?token=secret');
  await ask('with-pino', '/accounts/7', 'ops');
  await speakPlainly('with-pino');
  await example.wrote('"handshake failed"');
  await example.wrote('"outcome":"allow"');
  const log = entries(example.output());
  const decisions = log.filter(({ msg }) => msg === 'decision');
  expect(decisions).toEqual([
    expect.objectContaining({
      level: 40,
      policy: 'requireClientCertificate',
      outcome: 'refuse',
      code: 'CLIENT_CERTIFICATE_REQUIRED',
      route: '/accounts/:id',
      requestId: headers['x-request-id'],
      remoteAddress: '[Redacted]',
      detail: '[Redacted]',
    }),
    expect.objectContaining({
      level: 20,
      outcome: 'allow',
      fingerprint256: expect.stringMatching(/^[\dA-F:]{95}$/),
    }),
  ]);
  expect(log.filter(({ msg }) => msg === 'handshake failed')).toEqual([
    expect.objectContaining({ level: 30, code: 'ERR_SSL_HTTP_REQUEST', remoteAddress: '[Redacted]' }),
  ]);
  expect(log.filter(({ msg }) => msg === 'handshake')).toHaveLength(2);
  expect(example.output()).not.toContain('secret');
  expect(example.output()).not.toMatch(/"remoteAddress":"(127|::)/);
});

test('with-opentelemetry exports by the names of the semantic conventions', async () => {
  const example = examples['with-opentelemetry'];
  await ask('with-opentelemetry', '/accounts/1');
  await ask('with-opentelemetry', '/accounts/2');
  await speakPlainly('with-opentelemetry');
  await example.wrote("'error.type': 'ERR_SSL_HTTP_REQUEST'");
  await example.wrote("'http.route': '/accounts/:id'");
  const output = example.output();
  expect(output).toMatch(/'tls\.protocol\.version': '1\.3'/);
  expect(output).toMatch(/'tls\.cipher': 'TLS_\w+'/);
  expect(output).toContain("'error.type': 'CLIENT_CERTIFICATE_REQUIRED'");
  expect(output).not.toMatch(/accounts\/\d/);
});

test('each ends by Ctrl-C', async () => {
  const ended = await Promise.all(names.map((name) => examples[name].interrupt()));
  expect(ended.map(({ code }) => code)).toEqual(names.map(() => 0));
});
