// The final logs as they lie in Cassandra: read segment by segment without any server of ours, and held against what devices are shown.
import type { StoredRow } from '#actors/ports/log-store.ts';
import { primitives } from '#bench/lib/identity.ts';
import { EventHeader, Stamp } from '#proto/gen/record.ts';
import { StoredRecord } from '#proto/gen/room.ts';
import { recordHash } from '#proto/rules/bytes/hash.ts';
import { CassandraStore } from '../../storage/cassandra/store.ts';
import type { FinalLog, FinalRecord } from '../history/final-log.ts';
import { shortHash } from '../history/talk/frames.ts';

export interface StoredPlace {
  readonly contactPoints: readonly string[];
  readonly port: number;
  readonly keyspace: string;
}

/** The rows of each room that `shown` has, with the senders that it names: rows name members only. */
export async function storedLogs(place: StoredPlace, shown: readonly FinalLog[]): Promise<FinalLog[]> {
  const store = await CassandraStore.open({
    ...place,
    localDataCenter: 'datacenter1',
    replicationFactor: 1,
    now: Date.now,
  });
  try {
    return await Promise.all(shown.map((log) => storedLog(store, log)));
  } finally {
    await store.close();
  }
}

async function storedLog(store: CassandraStore, { room, floor, records: shown }: FinalLog): Promise<FinalLog> {
  const senders = new Map(shown.map(({ seq, sender }) => [seq, sender]));
  const records: FinalRecord[] = [];
  const meta = await store.readMeta(`room/${room}`);
  for (const { id, start, end } of meta?.segments ?? []) {
    const through = end === null ? Number.MAX_SAFE_INTEGER : end - 1;
    const range = { from: start, through, limit: 100_000, bytesMax: 2 ** 30, backwards: false };
    for (const row of await store.readRows(`room/${room}`, id, range)) records.push(recordOf(row, senders));
  }
  return { room, source: 'cassandra', floor, records };
}

function recordOf({ seq, bytes }: StoredRow, senders: ReadonlyMap<number, string>): FinalRecord {
  const { record } = StoredRecord.decode(bytes);
  if (record === undefined) throw new Error('a row without a record');
  const { stamp, header } = record;
  const { device, sendId } = EventHeader.decode(header);
  const hash = shortHash(recordHash(stamp, header, primitives));
  return { seq: Stamp.decode(stamp).seq, hash, sender: senders.get(seq) ?? '', device, sendId };
}
