import type { Server } from 'node:https';
import type { AddressInfo } from 'node:net';

/**
 * Lets an example's server listen on this machine alone, at PORT or 8443, until Ctrl-C. Says the address, or, where
 * that port is taken, what to do.
 */
export function serve(
  server: Server,
  tell: (url: string) => void = (url) => console.log(`Serving ${url}`),
): void {
  const port = Number(process.env['PORT'] || 8443);
  if (!(Number.isInteger(port) && port >= 0 && port < 65_536)) {
    console.error('PORT must be a number from 0 to 65535.');
    process.exitCode = 1;
    return;
  }
  server.once('error', (error: NodeJS.ErrnoException) => {
    const taken = error.code === 'EADDRINUSE';
    console.error(
      taken ? `Port ${port} is in use. Choose another one by the environment variable PORT.` : error.message,
    );
    process.exitCode = 1;
    server.close();
  });
  server.listen(port, '127.0.0.1', () => tell(`https://localhost:${(server.address() as AddressInfo).port}`));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit());
}
