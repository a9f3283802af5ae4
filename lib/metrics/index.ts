/**
 * `portcullis/metrics`: counts what is published, for Prometheus; wants prom-client.
 * @module
 */

export { collect, type CollectOptions } from './collect.ts';
export type { MetricsRegister } from './bounded-counter.ts';
