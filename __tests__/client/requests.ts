import { get, type RequestOptions } from 'node:https';
import { createAgent, createFetch, type TlsClientOptions } from 'portcullis/client';

export interface Answer {
  readonly status: number;
  readonly body: string;
}

const secret = '/a-path-that-nobody-else-may-see';

/** One request by `createAgent`; rejects as the request does. */
export async function byAgent(
  port: number,
  options: TlsClientOptions,
  request: RequestOptions = {},
): Promise<Answer> {
  const agent = createAgent(options);
  try {
    return await new Promise<Answer>((settle, fail) => {
      const sent = get({ host: '127.0.0.1', port, path: secret, agent, ...request }, (response) => {
        let body = '';
        response.on('data', (chunk: Buffer) => (body += chunk.toString()));
        response.on('end', () => settle({ status: response.statusCode!, body }));
      });
      sent.on('error', fail);
    });
  } finally {
    agent.destroy();
  }
}

/** One request by `createFetch`; rejects as it does. */
export async function byFetch(port: number, options: TlsClientOptions): Promise<Answer> {
  const own = createFetch(options);
  try {
    const response = await own(`https://127.0.0.1:${port}${secret}`);
    return { status: response.status, body: await response.text() };
  } finally {
    await own.close();
  }
}

export const ways: { readonly agent: typeof byAgent; readonly fetch: typeof byFetch } = {
  agent: byAgent,
  fetch: byFetch,
};
