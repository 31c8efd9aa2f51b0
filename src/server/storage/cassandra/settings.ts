// What the servers of Cassandra must take in one write, looked up when a node starts: a change of state is written all or none, and one that is too large
// for a server would be refused at each try, for ever. Says nothing of servers that are away just then.
import type { Client, types } from 'cassandra-driver';
import { changeBytesMax } from '#actors/ports/state-store.ts';
import { StorageError } from '../store.ts';

const mebibyte = 1024 * 1024;

/** Bytes that the largest change of state takes as one mutation and as one request: names, stamps and headers come on top of keys and values. */
export const mutationBytesNeeded = changeBytesMax + mebibyte;

const select =
  "select name, value from system_views.settings where name in ('max_mutation_size', 'native_transport_max_frame_size')";

const remedies: Readonly<Record<string, string>> = {
  max_mutation_size: 'set commitlog_segment_size to twice that or more',
  native_transport_max_frame_size: 'set native_transport_max_frame_size to that or more',
};

/** Asks every server that is connected. Rejects with UNUSABLE and what to set; one that does not show its settings is taken as it is. */
export async function checkSettings(client: Client, needed = mutationBytesNeeded): Promise<void> {
  for (const host of client.getState().getConnectedHosts()) {
    const { rows } = await client.execute(select, [], { host }).catch((): { rows: types.Row[] } => ({ rows: [] }));
    for (const { name, value } of rows) {
      const bytes = bytesIn(value as string | null);
      if (bytes === null || bytes >= needed) continue;
      const mib = needed / mebibyte;
      const text = `Cassandra at ${host.address} has ${name} ${value}, and ${mib} MiB are needed: ${remedies[name as string]}`;
      throw new StorageError('UNUSABLE', text);
    }
  }
}

const units: Readonly<Record<string, number>> = { B: 1, KiB: 1024, MiB: mebibyte, GiB: 1024 * mebibyte };

/** Of a size as Cassandra writes it, such as `16MiB`; null = it says nothing that we know. */
export function bytesIn(value: string | null): number | null {
  const [, number, unit = ''] = /^(\d+)(B|KiB|MiB|GiB)$/.exec(value ?? '') ?? [];
  return number === undefined ? null : Number(number) * (units[unit] as number);
}
