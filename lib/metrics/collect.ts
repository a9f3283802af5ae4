import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { register as defaultRegister } from 'prom-client';
import { ConfigError } from '../errors.ts';
import type { EventTypes } from '../events.ts';
import { PortcullisServer } from '../listener/server.ts';
import { checkKeys, describe, wholeNumber } from '../options.ts';
import type { MetricsRegister } from './bounded-counter.ts';
import { eventMetrics } from './event-metrics.ts';
import { listenerMetrics } from './listener-metrics.ts';

/** What `collect` takes. */
export interface CollectOptions {
  /**
   * Whose connections, certificates and revocation lists are told of; without it those of every listener of this
   * process. Events are not told apart: what is counted is counted for all.
   */
  readonly server?: PortcullisServer | readonly PortcullisServer[] | undefined;
  /** Routes that have a label of their own, from 1 to 10,000 (100 by default); what comes later is `other`. */
  readonly maxRoutes?: number | undefined;
}

/**
 * Registers Portcullis's metrics with prom-client, on `register` or its default registry, and counts what is published
 * from now on; what is returned ends that, and takes the metrics away again. prom-client is yours to install; nothing
 * else of this package needs it.
 *
 * Whatever clients send, each metric has a bounded number of time series: labels come from closed sets, or from tables
 * whose rest is `other`. Neither SNI, nor path, nor a client's name is a label; a route is the application's pattern.
 *
 * ConfigErrors: `OPTION_INVALID`, `OPTION_UNKNOWN`, and `OPTION_CONFLICT` where the registry has these metrics already.
 *
 * @example
 * const stop = collect();
 * app.get('/metrics', requireClientCertificate(), async (req, res) => {
 *   res.type(register.contentType).send(await register.metrics());
 * });
 */
export function collect(
  register: MetricsRegister = defaultRegister,
  options: CollectOptions = {},
): () => void {
  checkRegister(register);
  checkKeys(options, ['server', 'maxRoutes'], 'collect');
  const servers = readServers(options.server);
  const maxRoutes =
    options.maxRoutes === undefined
      ? 100
      : wholeNumber(options.maxRoutes, 'collect.maxRoutes', 'routes', 1, 10_000);
  const before = metricsIn(register);
  let recorders;
  try {
    recorders = eventMetrics(register, maxRoutes);
    listenerMetrics(register, ({ server }) => servers === undefined || servers.has(server));
  } catch (error) {
    // What was registered before the name that is taken.
    remove(register, newSince(before, register));
    throw new ConfigError(
      'OPTION_CONFLICT',
      'collect.register',
      'it has a metric of one of these names already',
      'Collect once for each registry, or call what the first collect() has returned before.',
      error,
    );
  }
  const own = newSince(before, register);
  const subscribed = Object.entries(recorders) as Array<[keyof EventTypes, (event: unknown) => void]>;
  for (const [channel, record] of subscribed) subscribe(channel, record);
  return function stop(): void {
    for (const [channel, record] of subscribed) unsubscribe(channel, record);
    remove(register, own);
  };
}

/** By the name under which it is registered: a scrape in OpenMetrics takes `_total` off a counter's own. */
type Metrics = ReadonlyMap<object, string>;

const metricsIn = (register: MetricsRegister): Metrics =>
  new Map(register.getMetricsAsArray().map((metric) => [metric, metric.name]));

const newSince = (before: Metrics, register: MetricsRegister): Metrics =>
  new Map([...metricsIn(register)].filter(([metric]) => !before.has(metric)));

/** After `register.clear()` others may have these names. */
function remove(register: MetricsRegister, metrics: Metrics): void {
  const present = metricsIn(register);
  for (const [metric, name] of metrics) if (present.has(metric)) register.removeSingleMetric(name);
}

function checkRegister(register: unknown): void {
  const needed = ['registerMetric', 'removeSingleMetric', 'getMetricsAsArray'] as const;
  const given = register as Partial<MetricsRegister> | null;
  if (typeof register === 'object' && needed.every((name) => typeof given?.[name] === 'function')) return;
  throw new ConfigError(
    'OPTION_INVALID',
    'collect.register',
    `expected a Registry of prom-client, got ${describe(register)}`,
    'Give new Registry(), or nothing for the default one.',
  );
}

function readServers(option: unknown): ReadonlySet<object> | undefined {
  if (option === undefined) return undefined;
  const servers: readonly unknown[] = Array.isArray(option) ? option : [option];
  if (servers.length > 0 && servers.every((server) => server instanceof PortcullisServer))
    return new Set(servers);
  throw new ConfigError(
    'OPTION_INVALID',
    'collect.server',
    servers.length === 0 ? 'there is none' : 'expected what createServer has returned',
    'Give a PortcullisServer, a list of them, or leave it out.',
  );
}
