export { collect, type CollectOptions } from './collect.ts';
export type { MetricsRegister } from './bounded-counter.ts';
