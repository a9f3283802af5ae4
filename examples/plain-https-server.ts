// The middleware works on a plain https.Server as well, which then has to do by itself what createServer would do.
import { constants } from 'node:crypto';
import { createServer } from 'node:https';
import express from 'express';
import { problemDetails, requireClientCertificate, requireMatchingHost } from 'portcullis';
import { exampleClients } from './clients.ts';
import { serve } from './serve.ts';

const { ca, files, pems } = await exampleClients();
const app = express();

app.use(requireMatchingHost());
app.get('/admin', requireClientCertificate(), (request, response) => {
  response.send(`Hello ${request.tls?.clientCertificate?.subject['CN']?.join()}\n`);
});
app.use(problemDetails());

// Node does not verify the client of a resumed session again, so the middleware refuses it: let there be no tickets.
const secureOptions = constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION;
const credentials = { key: pems.localhost, cert: pems.localhost, ca };

console.log(`A client's certificate and key: ${files.ops}`);
serve(createServer({ ...credentials, secureOptions, requestCert: true, rejectUnauthorized: false }, app));
