import { ConfigError } from '../errors.ts';
import { describe, describeSecret } from '../options.ts';

/** The same in the words of @redis/client 4 and in those of 5 and later, which take their own where they know them. */
export interface NodeRedisSetOptions {
  /** Only where there is none yet; before version 5 of the package. */
  readonly NX: true;
  /** Its life in milliseconds; before version 5. */
  readonly PX: number;
  /** As `NX`; from version 5 on. */
  readonly condition: 'NX';
  /** As `PX`; from version 5 on. */
  readonly expiration: { readonly type: 'PX'; readonly value: number };
}

/** How it takes the keys and arguments of a script. */
export interface NodeRedisEvalOptions {
  /** KEYS of the script. */
  readonly keys: string[];
  /** ARGV of the script. */
  readonly arguments: string[];
}

/** Of @redis/client or redis, 4 and later: a client, cluster, sentinel or pool. */
export interface NodeRedisClient {
  /** False once it is closed. */
  readonly isOpen?: boolean;
  /** SET. */
  set(key: string, value: string, options: NodeRedisSetOptions): Promise<unknown>;
  /** GET. */
  get(key: string): Promise<unknown>;
  /** For `redisDenyList`. */
  eval?(script: string, options: NodeRedisEvalOptions): Promise<unknown>;
}

/** Of ioredis 5: a client or cluster. */
export interface IoRedisClient {
  /** `ready` while it is connected. */
  readonly status: string;
  /** Sends any command. */
  call(command: string, ...args: string[]): Promise<unknown>;
}

/** A client that is connected by the application, which also listens to its 'error'. */
export type RedisClient = NodeRedisClient | IoRedisClient;

/** The commands that are needed. */
export interface RedisCommands {
  /** Stores it for so many milliseconds, unless there is something; tells whether it did. */
  setIfAbsent(key: string, value: string, milliseconds: number): Promise<boolean>;
  get(key: string): Promise<string | undefined>;
  /** A script of Redis (Lua). */
  evaluate(script: string, keys: readonly string[], values: readonly string[]): Promise<unknown>;
}

/** Finds out which library it is of. ConfigError OPTION_INVALID for neither. */
export function commandsOf(client: unknown): RedisCommands {
  // ioredis first: it has set() and get() as well, whose options are of another form.
  if (isIoRedis(client)) return ioRedisCommands(client);
  if (isNodeRedis(client)) return nodeRedisCommands(client);
  throw new ConfigError(
    'OPTION_INVALID',
    'client',
    `expected a client of @redis/client or ioredis, got ${describeSecret(client)}`,
    'Give createClient(…) of @redis/client, or new Redis(…) of ioredis.',
  );
}

/** Reads the option `prefix`, with which all keys begin. ConfigError OPTION_INVALID. */
export function readPrefix(prefix: unknown, byDefault: string): string {
  if (prefix === undefined) return byDefault;
  if (typeof prefix === 'string' && prefix !== '' && prefix.length <= 200) return prefix;
  throw new ConfigError(
    'OPTION_INVALID',
    'prefix',
    `expected a name, got ${describe(prefix)}`,
    'Give 1 to 200 characters, or leave it out.',
  );
}

const has = (client: unknown, ...names: readonly string[]): boolean =>
  typeof client === 'object' &&
  client !== null &&
  names.every((name) => typeof (client as Record<string, unknown>)[name] === 'function');

const isIoRedis = (client: unknown): client is IoRedisClient =>
  has(client, 'call') && typeof (client as IoRedisClient).status === 'string';

const isNodeRedis = (client: unknown): client is NodeRedisClient => has(client, 'set', 'get', 'sendCommand');

function ioRedisCommands(client: IoRedisClient): RedisCommands {
  const call = async (command: string, ...args: string[]): Promise<unknown> => {
    if (client.status === 'end' || client.status === 'close') throw new Error('the Redis client is closed');
    return client.call(command, ...args);
  };
  return {
    setIfAbsent: async (key, value, milliseconds) =>
      (await call('SET', key, value, 'PX', String(milliseconds), 'NX')) !== null,
    get: async (key) => textOf(await call('GET', key)),
    evaluate: (script, keys, values) => call('EVAL', script, String(keys.length), ...keys, ...values),
  };
}

function nodeRedisCommands(client: NodeRedisClient): RedisCommands {
  const open = (): void => {
    if (client.isOpen === false) throw new Error('the Redis client is closed: call its connect()');
  };
  return {
    async setIfAbsent(key, value, milliseconds) {
      open();
      const expiration = { type: 'PX', value: milliseconds } as const;
      const options = { NX: true, PX: milliseconds, condition: 'NX', expiration } as const;
      return (await client.set(key, value, options)) !== null;
    },
    async get(key) {
      open();
      return textOf(await client.get(key));
    },
    async evaluate(script, keys, values) {
      open();
      if (client.eval === undefined) throw new Error('this Redis client has no eval()');
      return client.eval(script, { keys: [...keys], arguments: [...values] });
    },
  };
}

/** A client may be set to give buffers. */
export function textOf(reply: unknown): string | undefined {
  if (typeof reply === 'string') return reply;
  return reply instanceof Uint8Array ? Buffer.from(reply).toString('latin1') : undefined;
}
