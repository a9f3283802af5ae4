/** The same app behind Node's own server. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { join } from 'node:path';
import express from 'express';
import helmet from 'helmet';
import { tellStarted } from './start.ts';

const folder = process.argv[2]!;
const app = express();
app.use(helmet());
app.get('/', (_request, response) => void response.json({ hello: 'world' }));
const key = readFileSync(join(folder, 'server.key'));
const cert = readFileSync(join(folder, 'server.pem'));
createServer({ key, cert }, app).listen(0, '127.0.0.1', tellStarted);
