/** The server's process: listens, and tells what CPU it has used. */
import type { AddressInfo } from 'node:net';
import { type ContenderName, contenders, type Credentials } from './contenders.ts';
import { answerParent } from './messages.ts';

answerParent({
  listen: async ({
    name,
    credentials,
  }: {
    name: ContenderName;
    credentials: Credentials;
  }): Promise<number> => {
    const server = contenders[name](credentials);
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
