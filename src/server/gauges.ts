// What the metrics port tells of this node.
import { Disconnect } from '#proto/gen/codes.ts';
import type { Backups } from './backup/backups.ts';
import type { Cluster } from './cluster/cluster.ts';
import type { Runtime } from './runtime.ts';
import type { Metrics } from './telemetry/metrics.ts';
import type { Transport } from './transport/transport.ts';

interface Watched {
  readonly runtime: Runtime;
  readonly transport: Transport;
  readonly backups: Backups;
  /** null = the only node. */
  readonly cluster: Cluster | null;
}

/** Makes the metrics that are read when they are asked for. */
export function watch(metrics: Metrics, { runtime, transport, cluster, backups }: Watched): void {
  if (cluster !== null) {
    metrics.gauge('shards', 'Shards of this node, of 64', () => cluster.counts.shards);
    metrics.gauge('node_links', 'Links to other nodes', () => cluster.counts.links);
    metrics.gauge('redis_answers', 'Whether Redis answers: 1 or 0', () => (cluster.counts.redisAnswers ? 1 : 0));
    metrics.counter(
      'node_packets_ignored_total',
      'Packets of other nodes that were not understood',
      () => cluster.counts.ignoredPackets,
    );
  }
  metrics.gauge('connections', 'Open WebSockets', () => transport.connections());
  metrics.gauge('actors', 'User and room actors in memory', () => runtime.system.active);
  metrics.counter('frames_received_total', 'Frames received', () => transport.counters.framesIn);
  metrics.counter('publishes_total', 'Native publishes', () => transport.counters.publishes);
  metrics.counter(
    'upgrades_refused_total',
    'Connections refused at the door',
    () => transport.counters.upgradesRefused,
  );
  metrics.counters('events_total', 'What actors and kernel counted, by name', () => runtime.system.counters.all());
  metrics.counters('backup_requests_total', 'Requests about backups, by what came of them', () => backups.counts.all());
  metrics.counter('backup_entries_total', 'Entries of backups that were kept', () => backups.counts.entriesPut);
  const closes = () => [...transport.counters.closes].map(([code, count]) => [closeName(code), count] as const);
  metrics.counters('closes_total', 'Ended connections, by why', closes);
}

function closeName(code: number): string {
  const name = Object.entries(Disconnect).find(([, value]) => value === code)?.[0];
  return name ?? String(code);
}
