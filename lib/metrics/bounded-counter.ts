import { Counter, type Registry, type RegistryContentType } from 'prom-client';
import { type Label, other } from './labels.ts';

/** A `Registry` of prom-client. */
export type MetricsRegister = Registry<RegistryContentType>;

/** As many time series as one counter may have; beyond that its labels are all `other`. */
export const maxSeries = 2000;

/** A counter of a bounded number of time series, whatever the events say. */
export class BoundedCounter<Name extends string> {
  readonly #counter: Counter<Name>;
  readonly #labels: ReadonlyArray<readonly [Name, Label]>;
  /** By the values of an event, joined: which series counts it. */
  readonly #series = new Set<string>();

  constructor(register: MetricsRegister, name: string, help: string, labels: Readonly<Record<Name, Label>>) {
    this.#labels = Object.entries(labels) as Array<[Name, Label]>;
    const labelNames = this.#labels.map(([label]) => label);
    this.#counter = new Counter({ name, help, labelNames, registers: [register] });
  }

  count(values: Readonly<Record<Name, unknown>>): void {
    const series = {} as Record<Name, string>;
    let key = '';
    for (const [name, label] of this.#labels) {
      series[name] = label(values[name]);
      key += `${series[name]}\n`;
    }
    if (!this.#series.has(key)) {
      if (this.#series.size >= maxSeries) for (const [name] of this.#labels) series[name] = other;
      else this.#series.add(key);
    }
    this.#counter.inc(series);
  }
}
