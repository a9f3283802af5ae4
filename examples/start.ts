import { createServer } from 'portcullis';
import { createApp } from './app/app.ts';
import { exampleClients } from './clients.ts';
import { commands } from './commands.ts';
import { serve } from './serve.ts';

try {
  const clients = await exampleClients();
  const server = createServer(
    { http2: true, clientAuth: { mode: 'optional', ca: clients.ca } },
    createApp(clients.pins),
  );
  serve(server, (url) => console.log(commands(url, clients)));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
