// Policies stand wherever Express takes a middleware: in a Router, in a sub-app, one after the other.
import express, { Router } from 'express';
import { createServer, exposeTls, problemDetails, requireClientCertificate, requireTls } from 'portcullis';
import { exampleClients } from './clients.ts';
import { serve } from './serve.ts';

const { ca, files } = await exampleClients();

const admin = Router();
admin.use(requireClientCertificate({ maxAge: 3600 }));
admin.get('/users', (request, response) => {
  response.json({ you: request.tls?.clientCertificate?.subjectAltNames.email, users: ['ada', 'grace'] });
});

const reports = express();
reports.use(requireTls({ minVersion: 'TLSv1.3' }));
reports.get('/', (request, response) => void response.json({ protocol: request.tls?.protocol }));

const app = express();
app.use(exposeTls());
app.use('/admin', admin);
app.use('/reports', reports);
app.use(problemDetails());

console.log(`A client's certificate and key: ${files.ops}`);
serve(createServer({ clientAuth: { mode: 'optional', ca } }, app));
