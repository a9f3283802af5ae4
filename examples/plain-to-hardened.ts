// A plain HTTPS app is hardened by one line: its import, which was
// import { createServer } from 'node:https';
import { createServer } from 'portcullis';
import express from 'express';
import { serve } from './serve.ts';

const app = express();

app.get('/', (_request, response) => {
  response.send('Hello\n');
});

// Where key and cert stood they stay; without them a certificate for localhost is made, outside production.
serve(createServer(app));
