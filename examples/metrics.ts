// Prometheus reads /metrics, with a client certificate of its own: what a server says of itself is not for everyone.
import express from 'express';
import { createServer, problemDetails, requireClientCertificate, subject } from 'portcullis';
import { collect } from 'portcullis/metrics';
import { register } from 'prom-client';
import { exampleClients } from './clients.ts';
import { serve } from './serve.ts';

const { ca, files } = await exampleClients();
collect();
const app = express();

app.get('/accounts/:id', requireClientCertificate(), (request, response) => {
  response.json({ account: request.params['id'] });
});
app.get('/metrics', requireClientCertificate(subject({ CN: 'ops' })), async (_request, response) => {
  response.type(register.contentType).send(await register.metrics());
});
app.use(problemDetails());

console.log(`A certificate that may read /metrics: ${files.ops}`);
serve(createServer({ clientAuth: { mode: 'optional', ca } }, app));
