// Prometheus metrics of one node: what the night shift looks at. Counts live where things happen; they are read when somebody scrapes.
import { Counter, collectDefaultMetrics, Gauge, type Metric, Registry } from 'prom-client';
import type { Histogram } from './histogram.ts';

/** The metrics of this process. */
export interface Metrics {
  /** What goes up and down, read when scraped. */
  gauge(name: string, help: string, read: () => number): void;
  /** What only grows from the start of the process on, read when scraped; the name ends in `_total`. */
  counter(name: string, help: string, read: () => number): void;
  /** One such number for each name of a closed set, as `luxchat_<name>{kind="…"}`. */
  counters(name: string, help: string, read: () => Iterable<readonly [string, number]>): void;
  /** How long something took; the name ends in `_milliseconds`. */
  histogram(name: string, help: string, histogram: Histogram): void;
  /** The text for Prometheus. */
  scrape(): Promise<{ type: string; body: string }>;
}

/** Builds the metrics; one registry each, so that tests can hold several. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry, prefix: 'luxchat_' });
  return {
    gauge: (name, help, read) => {
      new Gauge({
        name: `luxchat_${name}`,
        help,
        registers,
        collect() {
          this.set(read());
        },
      });
    },
    counter: (name, help, read) => {
      new Counter({
        name: `luxchat_${name}`,
        help,
        registers,
        collect() {
          this.reset();
          this.inc(read());
        },
      });
    },
    counters: (name, help, read) => {
      new Counter({
        name: `luxchat_${name}`,
        help,
        labelNames: ['kind'],
        registers,
        collect() {
          this.reset();
          for (const [kind, value] of read()) this.inc({ kind }, value);
        },
      });
    },
    histogram: (name, help, histogram) => {
      const metric = { name: `luxchat_${name}`, help, get: async () => told(`luxchat_${name}`, help, histogram) };
      // The library's own one is filled one by one, at many times the cost; of a metric it only reads these.
      registry.registerMetric(metric as unknown as Metric);
    },
    scrape: async () => ({ type: registry.contentType, body: await registry.metrics() }),
  };
}

function told(name: string, help: string, histogram: Histogram) {
  const bounds: readonly (readonly [string, number])[] = histogram.upTo().map(([ms, count]) => [String(ms), count]);
  const buckets = [...bounds, ['+Inf', histogram.count] as const].map(([le, value]) => ({
    metricName: `${name}_bucket`,
    labels: { le },
    value,
  }));
  const sum = { metricName: `${name}_sum`, labels: {}, value: histogram.sumMs };
  const count = { metricName: `${name}_count`, labels: {}, value: histogram.count };
  return { name, help, type: 'histogram', values: [...buckets, sum, count] };
}
