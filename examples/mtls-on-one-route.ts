// One route wants a client certificate; to the others nobody needs one.
import express from 'express';
import { createServer, problemDetails, requireClientCertificate } from 'portcullis';
import { exampleClients } from './clients.ts';
import { serve } from './serve.ts';

const { ca, files } = await exampleClients();
const app = express();

app.get('/', (_request, response) => {
  response.send('Anyone may read this\n');
});
app.use('/admin', requireClientCertificate());
app.get('/admin', (request, response) => {
  response.send(`Hello ${request.tls?.clientCertificate?.subject['CN']?.join()}\n`);
});
app.use(problemDetails());

console.log(`A client's certificate and key: ${files.ops}`);
serve(createServer({ clientAuth: { mode: 'optional', ca } }, app));
