import { createInterface } from 'node:readline';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';

/** Very many clients in a process of their own, which stay connected: each asks as it comes, and when it is told to. */
const { TEST_PORT: port = '', TEST_CA: ca = '' } = process.env;
const print = (news: object): void => void process.stdout.write(`${JSON.stringify(news)}\n`);

interface Command {
  readonly come?: number;
  readonly ask?: true;
  readonly leave?: number;
}

/** So many handshakes at a time. */
const atOnce = 100;
/** No address may have them all. */
const addresses = 4;
const open: TLSSocket[] = [];
let [closed, left] = [0, 0];

let session: Buffer | undefined;

/** Of ten of them nine resume a session, which is quick. */
function come(index: number): Promise<TLSSocket> {
  const resumes = index % 10 > 0;
  return new Promise((settle, fail) => {
    const options: ConnectionOptions & { localAddress: string } = {
      port: Number(port),
      host: '127.0.0.1',
      servername: 'localhost',
      localAddress: `127.0.0.${2 + (index % addresses)}`,
      ca,
      ...(resumes && { maxVersion: 'TLSv1.2' }),
      ...(resumes && session && { session }),
    };
    const socket = connect(options, () => {
      if (resumes) session ??= socket.getSession();
      settle(socket);
    });
    socket.on('error', fail);
    socket.on('close', () => closed++);
    open.push(socket);
  });
}

/** What the server says to this one. */
function ask(socket: TLSSocket): Promise<string> {
  return new Promise((settle) => {
    let text = '';
    const done = (answer: string): void => {
      socket.off('data', take).off('close', gone);
      settle(answer);
    };
    const gone = (): void => done('closed');
    const take = (chunk: Buffer): void => {
      text += chunk.toString('latin1');
      const end = text.indexOf('\r\n\r\n');
      const length = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? Infinity);
      if (end !== -1 && text.length >= end + 4 + length)
        done(`${text.slice(9, 12)} ${text.slice(end + 4, end + 4 + length)}`);
    };
    socket.on('data', take).on('close', gone);
    socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
  });
}

async function run({ come: count = 0, ask: asks, leave = 0 }: Command): Promise<void> {
  const answers: Record<string, number> = {};
  const take = (answer: string): void => void (answers[answer] = (answers[answer] ?? 0) + 1);
  let next = 0;
  const work = async (): Promise<void> => {
    // oxlint-disable-next-line no-await-in-loop -- one after the other, beside the others
    while (next < count) take(await ask(await come(next++)));
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  if (asks === true)
    for (let from = 0; from < open.length; from += atOnce)
      // oxlint-disable-next-line no-await-in-loop -- as many as there are handshakes at a time
      for (const answer of await Promise.all(open.slice(from, from + atOnce).map(ask))) take(answer);
  left += leave;
  for (const socket of open.splice(0, leave)) socket.destroy();
  print({ answers });
}

createInterface({ input: process.stdin }).on('line', (line) => {
  run(JSON.parse(line) as Command).catch((error: unknown) => print({ failed: String(error) }));
});
setInterval(() => {
  if (closed - left > 0) print({ closed: closed - left });
}, 200).unref();
print({ ready: true });
