/** A contender's process: listens, and tells what CPU it has used. */
import type { AddressInfo } from 'node:net';
import { makeServer } from './contenders/index.ts';
import type { ServerSettings } from './contenders/settings.ts';
import { answerParent } from './messages.ts';

answerParent({
  listen: async (settings: ServerSettings): Promise<number> => {
    const server = await makeServer(settings);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', resolve);
    });
    return (server.address() as AddressInfo).port;
  },
  /** Microseconds since the start. */
  cpu: (): number => {
    const { user, system } = process.cpuUsage();
    return user + system;
  },
});
