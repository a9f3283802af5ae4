// Behind /payments the CA's word is not enough: the client's key must be one of two that are known.
import express from 'express';
import { createServer, problemDetails, requirePin } from 'portcullis';
import { exampleClients } from './clients.ts';
import { serve } from './serve.ts';

// Pins are 'sha256/…=' of public keys. A server shows you a client's as req.tls.clientCertificate.pin; openssl does by
// openssl x509 -in client.pem -noout -pubkey | openssl pkey -pubin -outform der | openssl dgst -sha256 -binary | base64
const {
  ca,
  files,
  pins: [pin, backupPin],
} = await exampleClients();
const app = express();

app.use('/payments', requirePin([pin!, backupPin!]));
app.get('/payments', (request, response) => {
  response.send(`Your key is ${request.tls?.clientCertificate?.pin}\n`);
});
app.use(problemDetails());

console.log(`Let in: ${files.payments}\nRefused: ${files['payments-unpinned']}`);
serve(createServer({ clientAuth: { mode: 'optional', ca } }, app));
