// What the metrics port tells of this node.
import { Disconnect } from '#proto/gen/codes.ts';
import type { Backups } from './backup/backups.ts';
import type { Cluster } from './cluster/cluster.ts';
import type { Directory } from './directory/directory.ts';
import type { Reports } from './report/reports.ts';
import type { Runtime } from './runtime.ts';
import type { StoreRequests } from './store-requests.ts';
import type { Metrics } from './telemetry/metrics.ts';
import type { Transport } from './transport/transport.ts';

interface Watched {
  readonly runtime: Runtime;
  readonly transport: Transport;
  readonly backups: Backups;
  readonly directory: Directory;
  readonly reports: Reports;
  /** null = the only node. */
  readonly cluster: Cluster | null;
  readonly state: NodeState;
  readonly requests: StoreRequests;
}

/** What the node may do just now. */
export interface NodeState {
  /** It may get devices. */
  readonly ready: () => boolean;
  readonly draining: () => boolean;
  /** It can make something durable. */
  readonly writes: () => boolean;
}

/** Makes the metrics that are read when they are asked for. */
export function watch(
  metrics: Metrics,
  { runtime, transport, cluster, state, requests, backups, directory, reports }: Watched,
): void {
  metrics.gauge('ready', 'Whether it may get devices: 1 or 0', () => Number(state.ready()));
  metrics.gauge('draining', 'Whether it is about to end: 1 or 0', () => Number(state.draining()));
  metrics.gauge('store_writes', 'Whether the store takes writes: 1 or 0', () => Number(state.writes()));
  if (cluster !== null) {
    metrics.gauge('fresh', 'Whether what it shows is fresh: 1 or 0', () => Number(cluster.isFresh));
    metrics.gauge('linked', 'Whether it reaches another node, if there is one: 1 or 0', () => Number(cluster.isLinked));
    metrics.gauge('shards', 'Shards of this node, of 64', () => cluster.counts.shards);
    metrics.gauge('node_links', 'Links to other nodes', () => cluster.counts.links);
    metrics.gauge('node_bytes_waiting', 'Bytes that wait for other nodes', () => cluster.counts.waitingBytes);
    metrics.gauge(
      'letters_waiting',
      'Letters to actors elsewhere that wait for an answer, or until a shard has moved',
      () => lettersWaiting(runtime),
    );
    metrics.gauge('redis_answers', 'Whether Redis answers: 1 or 0', () => Number(cluster.counts.redisAnswers));
    metrics.counter(
      'node_packets_ignored_total',
      'Packets of other nodes that were not understood',
      () => cluster.counts.ignoredPackets,
    );
    metrics.histogram('cassandra_milliseconds', 'From a request to Cassandra to its answer', requests.times);
    metrics.counters(
      'cassandra_failures_total',
      'Requests that Cassandra did not answer well',
      () => requests.failures,
    );
  }
  metrics.gauge('connections', 'Open WebSockets', () => transport.connections());
  metrics.gauge('device_bytes_waiting', 'Bytes that wait for devices', () => transport.waitingBytes());
  metrics.gauge('actors', 'User and room actors in memory', () => runtime.system.active);
  metrics.counter('frames_received_total', 'Frames received', () => transport.counters.framesIn);
  const { posts } = runtime.sockets;
  metrics.counter('posts_accepted_total', 'Posts that were accepted', () => posts.accepted.count);
  metrics.counter('posts_rejected_total', 'Posts that were rejected', () => posts.rejected);
  metrics.histogram('post_milliseconds', 'From a post that came to its answer', posts.accepted);
  metrics.counter('publishes_total', 'Native publishes', () => transport.counters.publishes);
  metrics.counter(
    'upgrades_refused_total',
    'Connections refused at the door',
    () => transport.counters.upgradesRefused,
  );
  metrics.counters('events_total', 'What actors and kernel counted, by name', () => runtime.system.counters.all());
  metrics.counters('backup_requests_total', 'Requests about backups, by what came of them', () => backups.counts.all());
  metrics.counters('report_requests_total', 'Reports of messages, by what came of them', () => reports.counts.all());
  metrics.counters('directory_requests_total', 'Requests about the directory, by what came of them', () =>
    directory.counts.all(),
  );
  metrics.counter('backup_entries_total', 'Entries of backups that were kept', () => backups.counts.entriesPut);
  const closes = () => [...transport.counters.closes].map(([code, count]) => [closeName(code), count] as const);
  metrics.counters('closes_total', 'Ended connections, by why', closes);
}

/** What the node has to remember because actors are elsewhere: comes back to zero whenever nobody asks for anything. */
function lettersWaiting({ board }: Runtime): number {
  if (board === null) return 0;
  const { held, asked, settling } = board.counts;
  return held + asked + settling;
}

function closeName(code: number): string {
  const name = Object.entries(Disconnect).find(([, value]) => value === code)?.[0];
  return name ?? String(code);
}
