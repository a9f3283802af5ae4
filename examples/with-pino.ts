// A structured log, by pino, of who was let in and who was not, under the id of the request.
import { randomUUID } from 'node:crypto';
import { subscribe } from 'node:diagnostics_channel';
import express from 'express';
import pino from 'pino';
import {
  createServer,
  type DecisionEvent,
  type EventTypes,
  problemDetails,
  requireClientCertificate,
} from 'portcullis';
import { exampleClients } from './clients.ts';
import { serve } from './serve.ts';

const { ca, files } = await exampleClients();

// Addresses are personal data, and the detail of a refusal tells what stood in a certificate: only where it is wanted.
const wanted = process.env['LOG_PRIVATE'] === '1';
const log = pino({
  level: process.env['LOG_LEVEL'] ?? 'info',
  redact: wanted ? [] : ['remoteAddress', 'detail', 'serverName'],
});

/** Subscribes with the payload's type. */
const on = <Name extends keyof EventTypes>(name: Name, tell: (event: EventTypes[Name]) => void): void =>
  subscribe(name, (event) => tell(event as EventTypes[Name]));

/** Those who pass are for debugging; who is refused is worth a look, and a policy that only reports a hint. */
const levelOf = ({ outcome, enforced }: DecisionEvent): 'debug' | 'info' | 'warn' =>
  outcome === 'allow' ? 'debug' : enforced ? 'warn' : 'info';

on('portcullis:decision', (event) => log[levelOf(event)](event, 'decision'));
// Everybody on the internet fails handshakes, and scanners do so all day.
on('portcullis:handshake-error', (event) => log.info(event, 'handshake failed'));
on('portcullis:handshake', (event) => log.debug(event, 'handshake'));
on('portcullis:drop', (event) => log.warn(event, 'connection cut'));
on('portcullis:reload', (event) => log[event.outcome === 'failed' ? 'error' : 'info'](event, 'reload'));
on('portcullis:certificate-expiry', (event) =>
  log[event.daysLeft < 7 ? 'error' : 'warn'](event, 'certificate ends'),
);

const app = express();
// pino-http, with which you will log the requests themselves, sets request.id too.
app.use((request, response, next) => {
  const id = randomUUID();
  Object.assign(request, { id });
  response.set('X-Request-Id', id);
  next();
});
app.get('/', (_request, response) => {
  response.send('Anyone may read this\n');
});
app.get('/accounts/:id', requireClientCertificate(), (request, response) => {
  response.json({ account: request.params['id'] });
});
app.use(problemDetails());

console.log(`A client's certificate and key: ${files.ops}`);
serve(createServer({ clientAuth: { mode: 'optional', ca }, logger: log }, app));
