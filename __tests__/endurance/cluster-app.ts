import cluster from 'node:cluster';
import { createInterface } from 'node:readline';
import { serve } from '../tickets/child-server.ts';

/** A cluster of two whose primary runs the same file as the workers, and does nothing for their tickets. */
const print = (news: object): void => void process.stdout.write(`${JSON.stringify(news)}\n`);

interface Command {
  readonly forward?: number;
  readonly kill?: number;
}

function primary(): void {
  cluster.on('message', (_worker, message: object) => {
    if ('news' in message) print(message.news as object);
  });
  const fork = (): void => void cluster.fork({ TEST_FORWARD: String(forwarded) });
  let forwarded = 0;
  cluster.on('exit', fork);
  fork();
  fork();
  createInterface({ input: process.stdin }).on('line', (line) => {
    const { forward = 0, kill } = JSON.parse(line) as Command;
    forwarded += forward;
    for (const forked of Object.values(cluster.workers!)) {
      if (forked!.process.pid === kill) forked!.process.kill('SIGKILL');
      else if (forward > 0) forked!.send({ forward });
    }
  });
}

async function worker(): Promise<void> {
  const tell = (news: object): void => void process.send!({ news });
  const server = await serve(tell);
  const forwarded = Number(process.env['TEST_FORWARD']);
  if (forwarded > 0) server.forward(forwarded);
  process.on('message', (message: Command) => {
    if (message.forward !== undefined) server.forward(message.forward);
  });
  tell({ pid: process.pid, port: server.port });
}

if (cluster.isPrimary) primary();
else await worker();
