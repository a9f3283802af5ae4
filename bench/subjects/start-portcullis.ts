/** Express behind the package as it is installed, from nothing to 'listening'. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import express from 'express';
import { createServer, securityHeaders } from 'portcullis';
import { tellStarted } from './start.ts';

const folder = process.argv[2]!;
const app = express();
app.use(securityHeaders());
app.get('/', (_request, response) => void response.json({ hello: 'world' }));
const key = readFileSync(join(folder, 'server.key'));
const cert = readFileSync(join(folder, 'server.pem'));
createServer({ key, cert, logger: false }, app).listen(0, '127.0.0.1', tellStarted);
