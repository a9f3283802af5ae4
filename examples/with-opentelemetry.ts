// Metrics, and attributes of the active span, by OpenTelemetry, under the names of its semantic conventions. Here they
// are written to the console; in a service an OTLP exporter stands in its place.
import { subscribe } from 'node:diagnostics_channel';
import { type Attributes, metrics, trace } from '@opentelemetry/api';
import {
  ConsoleMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import express from 'express';
import {
  createServer,
  type DecisionEvent,
  type HandshakeErrorEvent,
  type HandshakeEvent,
  problemDetails,
  requireClientCertificate,
} from 'portcullis';
import { exampleClients } from './clients.ts';
import { serve } from './serve.ts';

const { ca, files } = await exampleClients();

const exportIntervalMillis = Number(process.env['OTEL_METRIC_EXPORT_INTERVAL'] || 60_000);
const reader = new PeriodicExportingMetricReader({
  exporter: new ConsoleMetricExporter(),
  exportIntervalMillis,
  exportTimeoutMillis: exportIntervalMillis,
});
metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));

const meter = metrics.getMeter('portcullis');
const handshakes = meter.createCounter('portcullis.handshakes', { unit: '{handshake}' });
const decisions = meter.createCounter('portcullis.decisions', { unit: '{decision}' });

/** Of what was negotiated: neither SNI nor names of clients, of which there is no end. */
const tlsAttributes = ({ protocol, cipher, group, resumed }: HandshakeEvent): Attributes => ({
  'tls.established': true,
  'tls.protocol.name': 'tls',
  'tls.protocol.version': protocol.replace('TLSv', ''),
  'tls.cipher': cipher,
  'tls.curve': group,
  'tls.resumed': resumed,
});

subscribe('portcullis:handshake', (event) => handshakes.add(1, tlsAttributes(event as HandshakeEvent)));
subscribe('portcullis:handshake-error', (event) => {
  const { code } = event as HandshakeErrorEvent;
  handshakes.add(1, { 'tls.established': false, 'error.type': code });
});
subscribe('portcullis:decision', (event) => {
  const { policy, outcome, code, route, fingerprint256 } = event as DecisionEvent;
  const attributes: Attributes = {
    'portcullis.policy': policy,
    'portcullis.outcome': outcome,
    'http.route': route,
    'error.type': code,
  };
  decisions.add(1, attributes);
  // One span belongs to one request: here the client may be named. Uppercase without colons, as the conventions say.
  trace.getActiveSpan()?.addEvent('portcullis.decision', {
    ...attributes,
    'tls.client.hash.sha256': fingerprint256?.replaceAll(':', ''),
  });
});

const app = express();
app.get('/accounts/:id', requireClientCertificate(), (request, response) => {
  response.json({ account: request.params['id'] });
});
app.use(problemDetails());

console.log(`A client's certificate and key: ${files.ops}`);
serve(createServer({ clientAuth: { mode: 'optional', ca } }, app));
