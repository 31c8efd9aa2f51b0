// Prometheus metrics of one node: what the night shift looks at. Counters come from actors by name; gauges are read at scrape time.
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** The metrics of this process. */
export interface Metrics {
  /** Adds to `luxchat_events_total{event="name"}`. Names come from code only. */
  count(name: string, by?: number): void;
  /** A gauge read when scraped. */
  gauge(name: string, help: string, read: () => number): void;
  /** Seconds from submit to covered append, seen by the server. */
  readonly ackSeconds: Histogram;
  /** The text for Prometheus. */
  scrape(): Promise<{ type: string; body: string }>;
}

/** Builds the metrics; one registry each, so that tests can hold several. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: 'luxchat_' });
  const events = new Counter({
    name: 'luxchat_events_total',
    help: 'Things that happened, by name',
    labelNames: ['event'],
    registers: [registry],
  });
  const ackSeconds = new Histogram({
    name: 'luxchat_ack_seconds',
    help: 'From the submit of an event to its durable, covered append',
    buckets: [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 5],
    registers: [registry],
  });
  return {
    count: (name, by = 1) => events.inc({ event: name }, by),
    gauge: (name, help, read) => {
      new Gauge({
        name: `luxchat_${name}`,
        help,
        registers: [registry],
        collect() {
          this.set(read());
        },
      });
    },
    ackSeconds,
    scrape: async () => ({ type: registry.contentType, body: await registry.metrics() }),
  };
}
