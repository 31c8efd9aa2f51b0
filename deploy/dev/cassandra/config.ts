// The settings of one development node: cassandra.yaml (written as JSON, which YAML reads), logback.xml, and the command that runs it.
// Small buffers and quick gossip for a laptop; what decides correctness is as in production: grouped commit log syncs and Paxos v2.
import { mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { openModules } from './java.ts';

/** Where one node is. */
export interface NodePlace {
  readonly address: string;
  readonly folder: string;
  readonly nativePort: number;
  readonly storagePort: number;
  readonly jmxPort: number;
  /** Its token: nodes share the ring evenly. */
  readonly token: string;
  /** Whether it is one of several. */
  readonly clustered: boolean;
}

/** What a caller may change. */
export interface Tuning {
  /** Heap of each node, MB. Default 512 for one node, 256 for three. */
  readonly heapMb: number;
  /** Settings of cassandra.yaml that are added or replaced. */
  readonly tune: Readonly<Record<string, unknown>>;
  /** JVM flags put behind ours, so that they win. */
  readonly jvm: readonly string[];
}

/** Writes the node's configuration into its folder. */
export function writeConfig(place: NodePlace, tune: Tuning['tune']): void {
  for (const name of ['conf', 'log', 'tmp']) mkdirSync(join(place.folder, name), { recursive: true });
  const settings = { ...settingsOf(place), ...tune };
  writeFileSync(join(place.folder, 'conf/cassandra.yaml'), `${JSON.stringify(settings, null, 1)}\n`);
  writeFileSync(join(place.folder, 'conf/logback.xml'), logback(systemLog(place)));
}

/** The node's log. */
export function systemLog(place: NodePlace): string {
  return join(place.folder, 'log/system.log');
}

/** Arguments of `java` for the node. */
export function nodeArguments(place: NodePlace, jars: readonly string[], tuning: Tuning): string[] {
  const { folder } = place;
  const agent = jars.find((jar) => /jamm-[^/]*\.jar$/.test(jar));
  return [
    `-Xms${tuning.heapMb}M`,
    `-Xmx${tuning.heapMb}M`,
    '-Xss256k',
    '-XX:+UseG1GC',
    '-XX:+PerfDisableSharedMem',
    '-XX:TieredStopAtLevel=1',
    `-javaagent:${agent}`,
    '-Djdk.attach.allowAttachSelf=true',
    '-Dio.netty.tryReflectionSetAccessible=true',
    '-Djava.net.preferIPv4Stack=true',
    `-Djava.io.tmpdir=${folder}/tmp`,
    `-Djna.tmpdir=${folder}/tmp`,
    ...openModules,
    `-Dcassandra.config=file://${folder}/conf/cassandra.yaml`,
    `-Dcassandra.storagedir=${folder}`,
    `-Dcassandra.logdir=${folder}/log`,
    '-Dlogback.configurationFile=logback.xml',
    '-Dcassandra-foreground=yes',
    // The store's tables ask for it, so that files of content leave on time (src/server/storage/cassandra/schema.cql).
    '-Dcassandra.allow_unsafe_aggressive_sstable_expiration=true',
    '-Dcassandra.ring_delay_ms=1000',
    '-Dcassandra.skip_wait_for_gossip_to_settle=0',
    `-Dcassandra.jmx.local.port=${place.jmxPort}`,
    ...(place.clustered ? ['-Dcassandra.consistent.rangemovement=false'] : []),
    ...tuning.jvm,
    '-cp',
    [`${folder}/conf`, ...jars].join(delimiter),
    'org.apache.cassandra.service.CassandraDaemon',
  ];
}

function settingsOf(place: NodePlace): Record<string, unknown> {
  const { folder, address } = place;
  return {
    cluster_name: 'luxchat-dev',
    num_tokens: 1,
    initial_token: place.token,
    partitioner: 'org.apache.cassandra.dht.Murmur3Partitioner',
    endpoint_snitch: 'SimpleSnitch',
    listen_address: address,
    rpc_address: address,
    storage_port: place.storagePort,
    native_transport_port: place.nativePort,
    data_file_directories: [`${folder}/data`],
    commitlog_directory: `${folder}/commitlog`,
    saved_caches_directory: `${folder}/saved_caches`,
    hints_directory: `${folder}/hints`,
    cdc_raw_directory: `${folder}/cdc_raw`,
    seed_provider: [
      {
        class_name: 'org.apache.cassandra.locator.SimpleSeedProvider',
        parameters: [{ seeds: `127.0.0.1:${place.storagePort}` }],
      },
    ],
    // An acknowledged write is synced: SIGKILL and a power cut lose none.
    commitlog_sync: 'group',
    commitlog_sync_group_window: '2ms',
    commitlog_segment_size: '32MiB',
    commitlog_total_space: '128MiB',
    paxos_variant: 'v2',
    // Batches of ten rows of different logs are meant: not a line in the log for each.
    batch_size_warn_threshold: '48KiB',
    auto_snapshot: false,
    concurrent_reads: 16,
    concurrent_writes: 16,
    memtable_heap_space: '64MiB',
    memtable_offheap_space: '64MiB',
    memtable_allocation_type: 'offheap_objects',
    key_cache_size: '8MiB',
    file_cache_size: '32MiB',
    networking_cache_size: '16MiB',
    ...(place.clustered ? { auto_bootstrap: false } : {}),
  };
}

function logback(file: string): string {
  return `<configuration>
  <appender name="FILE" class="ch.qos.logback.core.FileAppender">
    <file>${file}</file>
    <encoder><pattern>%-5level [%thread] %date{ISO8601} %F:%L - %msg%n</pattern></encoder>
  </appender>
  <root level="INFO"><appender-ref ref="FILE" /></root>
</configuration>
`;
}
