import { request } from 'node:https';
import { ConfigError } from 'portcullis';
import {
  CertificateVerificationError,
  createAgent,
  createFetch,
  HostnameMismatchError,
  PinMismatchError,
  type TlsAgent,
  type TlsAgentOptions,
  TlsClientError,
  type TlsFetch,
} from 'portcullis/client';
import { answerWorkers } from 'portcullis/cluster';

answerWorkers();
const options: TlsAgentOptions = {
  ca: { file: 'ca.pem' },
  pins: ['sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA='],
};
const agent: TlsAgent = createAgent(options);
const fetch: TlsFetch = createFetch(options);
// @ts-expect-error -- there is no such option
export const wrong: TlsAgentOptions = { rejectUnauthorized: false };

export async function ask(): Promise<string> {
  request({ host: 'localhost', agent }).end();
  try {
    const response = await fetch('https://localhost');
    return await response.text();
  } catch (error) {
    if (error instanceof ConfigError) return error.remedy;
    if (error instanceof PinMismatchError || error instanceof HostnameMismatchError) return error.expected;
    if (error instanceof CertificateVerificationError) return error.host;
    return error instanceof TlsClientError ? error.code : 'no answer';
  }
}
