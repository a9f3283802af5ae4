import { createRequire } from 'node:module';
import type { Server } from 'node:net';
import type { Agent, default as Supertest } from 'supertest';
import { ConfigError } from '../errors.ts';
import { checkKeys, describe } from '../options.ts';

/** As whom a request comes, in PEM. A `TestClient` is one. */
export interface RequestIdentity {
  readonly key: string;
  readonly cert: string;
  /** Whom to trust; default: as `request` was told. */
  readonly ca?: string;
}

export interface RequestOptions {
  /** Whom to trust, in PEM. Without it the server's certificate must be publicly trusted. */
  readonly ca?: string;
}

/** supertest's agent, which can come as a client. */
export interface TestAgent extends Agent {
  /** A new agent that shows this client's certificate and trusts its `ca`, if it has one. It has its own cookies. */
  as(client: RequestIdentity): TestAgent;
}

/**
 * supertest's `agent(server)` over TLS: `request(server).as(client).get('/').expect(200)`. A server that does not
 * listen yet listens on a free port of 127.0.0.1 during the request. The server's certificate is verified, so that it
 * needs 127.0.0.1 among its names. Every request is a new connection.
 *
 * Needs the package supertest (7 or later), and its types from @types/supertest.
 */
export function request(server: Server, options: RequestOptions = {}): TestAgent {
  checkKeys(options, ['ca'], 'options');
  return agentOf(server, options);
}

interface TlsIdentity {
  readonly key?: string | undefined;
  readonly cert?: string | undefined;
  readonly ca?: string | undefined;
}

function agentOf(server: Server, { key, cert, ca }: TlsIdentity): TestAgent {
  const agent = supertest().agent(server, { ...(key && { key }), ...(cert && { cert }), ...(ca && { ca }) });
  return Object.assign(agent, {
    as: (client: RequestIdentity) => {
      if (typeof client !== 'object' || client === null) {
        throw new ConfigError(
          'OPTION_INVALID',
          'as',
          `got ${describe(client)}`,
          'Give a client: { key, cert, ca }.',
        );
      }
      return agentOf(server, { ca: client.ca ?? ca, key: client.key, cert: client.cert });
    },
  });
}

let loaded: typeof Supertest | undefined;

/** Loaded when first asked for: createTestPki is of use without it. */
function supertest(): typeof Supertest {
  try {
    return (loaded ??= createRequire(import.meta.url)('supertest'));
  } catch (error) {
    throw new ConfigError(
      'OPTION_INVALID',
      'request',
      'the package supertest is not there',
      'Install it: npm install --save-dev supertest @types/supertest.',
      error,
    );
  }
}
