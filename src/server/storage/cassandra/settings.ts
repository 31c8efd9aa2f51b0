// What the servers of Cassandra must be set to, looked up when a node starts: what safety rests on, and what they must take in one write, since a change of
// state is written all or none, and one that is too large for a server would be refused at each try, for ever. Says nothing of servers that are away
// just then.
import { type Client, errors, types } from 'cassandra-driver';
import { changeBytesMax } from '#actors/ports/state-store.ts';
import { StorageError } from '../store.ts';

const mebibyte = 1024 * 1024;

/** Bytes that the largest change of state takes as one mutation and as one request: names, stamps and headers come on top of keys and values. */
export const mutationBytesNeeded = changeBytesMax + mebibyte;

/** Copies that nobody needs more of to be safe. */
const copiesNeededMax = 3;

const select =
  "select name, value from system_views.settings where name in ('max_mutation_size', 'native_transport_max_frame_size', 'commitlog_sync', 'paxos_variant')";

const remedies: Readonly<Record<string, string>> = {
  max_mutation_size: 'set commitlog_segment_size to twice that or more',
  native_transport_max_frame_size: 'set native_transport_max_frame_size to that or more',
};

/** What must be so that nothing acknowledged is lost and nobody writes who was fenced, and what happens otherwise. */
const safe: Readonly<Record<string, { readonly values: readonly string[]; readonly else: string }>> = {
  commitlog_sync: {
    values: ['group', 'batch'],
    else: 'a power cut would forget messages and fences that were answered: set it to group',
  },
  paxos_variant: { values: ['v2'], else: 'two nodes could both own a room after a failure: set it to v2' },
};

/** Hears each setting that is not safe, as a sentence. One who throws refuses it. */
export type Unsafe = (sentence: string) => void;

/** Refuses. */
export const refuseUnsafe: Unsafe = (sentence) => {
  throw new StorageError('UNUSABLE', sentence);
};

/** Asks every server that is connected. Rejects with UNUSABLE and what to set; one that does not answer is taken as it is. */
export async function checkSettings(
  client: Client,
  { needed = mutationBytesNeeded, unsafe = refuseUnsafe }: { readonly needed?: number; readonly unsafe?: Unsafe } = {},
): Promise<void> {
  for (const host of client.getState().getConnectedHosts()) {
    const found = await client.execute(select, [], { host }).catch((cause: unknown) => cause);
    if (found instanceof errors.ResponseError && found.code === types.responseErrorCodes.unauthorized) {
      unsafe(
        `Cassandra at ${host.address} does not show its settings to this user: grant select on keyspace system_views`,
      );
    }
    const rows = (found as { rows?: readonly types.Row[] }).rows ?? [];
    for (const { name, value } of rows) checkSetting({ at: host.address, name, value }, { needed, unsafe });
  }
}

interface Setting {
  readonly at: string;
  readonly name: string;
  readonly value: string | null;
}

export function checkSetting(
  { at, name, value }: Setting,
  { needed, unsafe }: { readonly needed: number; readonly unsafe: Unsafe },
): void {
  const rule = safe[name];
  if (rule !== undefined) {
    if (value !== null && !rule.values.includes(value))
      unsafe(`Cassandra at ${at} has ${name} ${value}, so ${rule.else}`);
    return;
  }
  const bytes = bytesIn(value);
  if (bytes === null || bytes >= needed) return;
  const mib = needed / mebibyte;
  throw new StorageError(
    'UNUSABLE',
    `Cassandra at ${at} has ${name} ${value}, and ${mib} MiB are needed: ${remedies[name]}`,
  );
}

/** How a keyspace keeps what it is given. */
export interface KeyspaceRow {
  readonly replication: Readonly<Record<string, string>>;
  readonly durable_writes: boolean;
}

/** `copies`: what the node was told; more than three are nobody's need. */
export async function checkKeyspace(
  client: Pick<Client, 'execute'>,
  {
    keyspace,
    datacenter,
    copies,
    unsafe = refuseUnsafe,
  }: { readonly keyspace: string; readonly datacenter: string; readonly copies: number; readonly unsafe?: Unsafe },
): Promise<void> {
  const query = 'select replication, durable_writes from system_schema.keyspaces where keyspace_name = ?';
  const row = (await client.execute(query, [keyspace])).first() as unknown as KeyspaceRow | null;
  if (row !== null) for (const each of faultsOf(row, { keyspace, datacenter, copies })) unsafe(each);
}

export function faultsOf(
  { replication, durable_writes }: KeyspaceRow,
  { keyspace, datacenter, copies }: { readonly keyspace: string; readonly datacenter: string; readonly copies: number },
): string[] {
  const faults: string[] = [];
  const kind = replication.class?.split('.').at(-1) ?? 'nothing';
  const wanted = Math.min(copies, copiesNeededMax);
  const remedy = `alter it to NetworkTopologyStrategy with '${datacenter}': ${wanted}, then repair it on every server`;
  const there = Number(replication[datacenter] ?? 0);
  if (kind !== 'NetworkTopologyStrategy') faults.push(`The keyspace ${keyspace} is replicated by ${kind}: ${remedy}`);
  else if (!(there >= wanted))
    faults.push(
      `The keyspace ${keyspace} keeps ${replication[datacenter] ?? 0} copies in ${datacenter}, and ${wanted} are needed: ${remedy}`,
    );
  if (!durable_writes)
    faults.push(`The keyspace ${keyspace} has durable_writes off, so a power cut loses what was answered: alter it`);
  return faults;
}

const units: Readonly<Record<string, number>> = { B: 1, KiB: 1024, MiB: mebibyte, GiB: 1024 * mebibyte };

/** Of a size as Cassandra writes it, such as `16MiB`; null = it says nothing that we know. */
export function bytesIn(value: string | null): number | null {
  const [, number, unit = ''] = /^(\d+)(B|KiB|MiB|GiB)$/.exec(value ?? '') ?? [];
  return number === undefined ? null : Number(number) * (units[unit] as number);
}
