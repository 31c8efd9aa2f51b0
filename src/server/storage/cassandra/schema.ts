// Brings a keyspace to this version's schema (schema.cql), or refuses one that is newer. Guarantees: of all servers that start at once one applies while
// the others wait; one that dies at it is replaced by a waiting one, which does it all again (every statement may run twice); a server that slept while
// it was replaced notices before its next statement, and what it had under way does nothing new. No clocks are compared: whoever waits watches the
// holder's beats, which are conditional changes, and takes over from exactly the beat that it saw last.
import { createHash, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type ArrayOrObject, type Client, errors, type QueryOptions, types } from 'cassandra-driver';
import { StorageError } from '../store.ts';
import { type ConnectionOptions, connected, driver } from './connection.ts';
import { legalRetention, type Retention, schemaNames } from './retention.ts';
import { checkKeyspace, checkSettings, type Unsafe } from './settings.ts';

export interface SchemaOptions extends ConnectionOptions {
  readonly keyspace: string;
  /** Copies of everything, in the local datacenter. The keyspace is made with so many; one that is there must have as many, or three. Default 3. */
  readonly replicationFactor?: number;
  readonly retention?: Retention;
  /** Hears what of servers or keyspace is not safe. Default: refuses it, as UNUSABLE. */
  readonly unsafe?: Unsafe;
  /** A holder of the lock that gives no sign for so long is dead. Default 30,000; one statement takes seconds at most. */
  readonly leaseMs?: number;
  /** Default 300,000. */
  readonly waitMsMax?: number;
  /** schema.cql, unless a test has another one. */
  readonly text?: string;
  /** Hears each statement before it is carried out. For tests. */
  readonly applying?: (statement: string) => void | Promise<void>;
}

/** What is known of a keyspace. */
export interface SchemaState {
  readonly version: number;
  /** When the first version was applied. */
  readonly createdMs: number;
}

interface Lock extends SchemaState {
  /** Empty = free. */
  readonly holder: string;
  readonly beat: number;
  readonly retention: string;
}

interface Applying {
  readonly client: OneServer;
  readonly options: SchemaOptions;
  readonly versions: ReadonlyMap<number, readonly string[]>;
  readonly retention: string;
}

const { localQuorum, localSerial } = types.consistencies;
const cas = { prepare: true, consistency: localQuorum, serialConsistency: localSerial };
/** Changes of the schema take longer than requests. */
/** Codes of answers from here on say that a statement is wrong or not allowed; those below, that servers are missing or late. */
const refusedFrom = 0x2000;
const timeoutMs = 60_000;
const agreementMs = 5_000;
const pollMs = 250;

/** Resolves when the keyspace is at this version. Rejects with UNREACHABLE, NEWER or UNUSABLE. */
export async function applySchema(options: SchemaOptions): Promise<SchemaState> {
  const { keyspace, retention = legalRetention } = options;
  if (!/^[a-z][a-z0-9_]{0,47}$/.test(keyspace)) throw new StorageError('UNUSABLE', `${keyspace} can't name a keyspace`);
  const client = driver(options, { timeoutMs });
  await connected(client, options);
  try {
    await checkSettings(client, options);
    const versions = readVersions(options.text ?? schemaText(), { keyspace, ...schemaNames(retention) });
    const one = oneServer(client);
    const state = await bringUp({ client: one, options, versions, retention: JSON.stringify(retention) });
    const { localDataCenter: datacenter, replicationFactor: copies = 3 } = options;
    await checkKeyspace(one, { ...options, datacenter, copies });
    return state;
  } catch (cause) {
    throw cause instanceof StorageError ? cause : failure(cause, keyspace);
  } finally {
    await client.shutdown();
  }
}

/** Everything is asked of one server: another one may not know yet what was just made, and says that all agree, on what was before. */
type OneServer = Pick<Client, 'execute'>;

function oneServer(client: Client): OneServer {
  const [host] = client.getState().getConnectedHosts();
  if (host === undefined) return client;
  const execute = (query: string, params: ArrayOrObject = [], options: QueryOptions = {}) =>
    client.execute(query, params, { ...options, host });
  return { execute: execute as Client['execute'] };
}

/** What Cassandra refuses is wrong there or here; everything else is that it did not answer. */
function failure(cause: unknown, keyspace: string): StorageError {
  const refused = cause instanceof errors.ResponseError && cause.code >= refusedFrom;
  const text = `The keyspace ${keyspace} could not be brought to this version's schema`;
  if (!refused) return new StorageError('UNREACHABLE', `${text}: too few servers of Cassandra answer`, { cause });
  return new StorageError('UNUSABLE', `${text}: ${cause.message}`, { cause });
}

async function bringUp(applying: Applying): Promise<SchemaState> {
  const { client, options } = applying;
  const { keyspace, leaseMs = 30_000, waitMsMax = 300_000 } = options;
  const wanted = Math.max(...applying.versions.keys());
  await prepare(applying);
  const begin = performance.now();
  let [seen, seenAt] = ['', begin];
  for (;;) {
    const lock = await readLock(client, keyspace);
    check(lock, { wanted, applying });
    if (lock.version === wanted) return { version: lock.version, createdMs: lock.createdMs };
    const now = performance.now();
    const sign = `${lock.holder} ${lock.beat}`;
    if (sign !== seen) [seen, seenAt] = [sign, now];
    if (lock.holder === '' || now - seenAt > leaseMs) {
      const held = await take(client, { keyspace, lock });
      if (held !== null) await applyAll(applying, held);
      continue;
    }
    if (now - begin > waitMsMax)
      throw new StorageError('UNREACHABLE', 'Another server applies the schema and does not end');
    await new Promise((resume) => setTimeout(resume, pollMs));
  }
}

/** The keyspace and the lock's table. Both may be made by several at once: their definitions, the table's id too, are always the same. */
async function prepare({ client, options, retention }: Applying): Promise<void> {
  const { keyspace, replicationFactor = 3, localDataCenter } = options;
  const found = await client.execute('select keyspace_name from system_schema.keyspaces where keyspace_name = ?', [
    keyspace,
  ]);
  if (found.rowLength === 0) {
    const replication = `{'class': 'NetworkTopologyStrategy', '${localDataCenter}': '${replicationFactor}'}`;
    await client.execute(`create keyspace if not exists ${keyspace} with replication = ${replication}`);
  }
  await client.execute(
    `create table if not exists ${keyspace}.schema_lock (id int primary key, version int, holder text, beat int,
      retention text, created_ms bigint) with id = ${idOf(`${keyspace}.schema_lock`)} and read_repair = 'BLOCKING'
      and comment = 'Which version of the schema this is, and who applies it: CAS only'
      and memtable_flush_period_in_ms = 3600000`,
  );
  await agreement(client);
  await client.execute(
    `insert into ${keyspace}.schema_lock (id, version, holder, beat, retention, created_ms)
      values (1, 0, '', 0, ?, ?) if not exists`,
    [retention, BigInt(Date.now())],
    cas,
  );
}

function check(lock: Lock, { wanted, applying }: { wanted: number; applying: Applying }): void {
  const { keyspace } = applying.options;
  if (lock.version > wanted)
    throw new StorageError(
      'NEWER',
      `The keyspace ${keyspace} was written by a newer version (schema ${lock.version}, this is ${wanted}): run that version`,
    );
  if (lock.retention !== applying.retention)
    throw new StorageError('UNUSABLE', `The keyspace ${keyspace} was made for another retention: ${lock.retention}`);
}

/** Everything above the lock's version, each statement only while the lock is held; then the version. Returns early where the lock was lost. */
async function applyAll({ client, options, versions }: Applying, held: Lock): Promise<void> {
  const { keyspace } = options;
  let lock: Lock | null = held;
  for (const [version, statements] of [...versions].sort(([a], [b]) => a - b)) {
    if (version <= held.version) continue;
    for (const statement of statements) {
      lock = await change(client, { keyspace, from: lock, to: { ...lock, beat: lock.beat + 1 } });
      if (lock === null) return;
      await options.applying?.(statement);
      await client.execute(statement);
      await agreement(client);
    }
    lock = await change(client, { keyspace, from: lock, to: { ...lock, version, beat: lock.beat + 1 } });
    if (lock === null) return;
  }
  await change(client, { keyspace, from: lock, to: { ...lock, holder: '' } });
}

async function take(client: OneServer, { keyspace, lock }: { keyspace: string; lock: Lock }): Promise<Lock | null> {
  const taken = await change(client, { keyspace, from: lock, to: { ...lock, holder: randomUUID(), beat: 0 } });
  // What the one before had under way is everywhere or nowhere before the first statement.
  if (taken !== null) await agreement(client);
  return taken;
}

/** null = the lock is no longer as it was. */
async function change(
  client: OneServer,
  { keyspace, from, to }: { keyspace: string; from: Lock; to: Lock },
): Promise<Lock | null> {
  const result = await client.execute(
    `update ${keyspace}.schema_lock set version = ?, holder = ?, beat = ? where id = 1 if holder = ? and beat = ?`,
    [to.version, to.holder, to.beat, from.holder, from.beat],
    cas,
  );
  return result.wasApplied() ? to : null;
}

async function readLock(client: OneServer, keyspace: string): Promise<Lock> {
  const options = { prepare: true, consistency: localSerial };
  const row = (await client.execute(`select * from ${keyspace}.schema_lock where id = 1`, [], options)).first();
  const { version, holder, beat, retention, created_ms } = row;
  return { version, holder, beat, retention, createdMs: Number(created_ms) };
}

/**
 * Waits until all servers have the same schema. One that is down keeps its old one and gets the new one when it is back: after a while a majority is
 * enough, so that a server of ours can start while one of Cassandra's is away.
 */
async function agreement(client: OneServer): Promise<void> {
  const begin = performance.now();
  for (;;) {
    const [mine, others] = await Promise.all([
      client.execute('select schema_version from system.local'),
      client.execute('select schema_version from system.peers_v2'),
    ]);
    const version = String(mine.first().schema_version);
    const same = others.rows.filter((row) => String(row.schema_version) === version).length;
    if (same === others.rowLength) return;
    const waited = performance.now() - begin;
    if (waited > agreementMs && same + 1 > (others.rowLength + 1) / 2) return;
    if (waited > timeoutMs)
      throw new StorageError('UNREACHABLE', 'The servers of Cassandra do not agree on the schema');
    await new Promise((resume) => setTimeout(resume, pollMs));
  }
}

export function schemaText(): string {
  return readFileSync(new URL('schema.cql', import.meta.url), 'utf8');
}

/** Statements by version, names filled in. Comments are whole lines. */
export function readVersions(text: string, names: Readonly<Record<string, string>>): Map<number, string[]> {
  const versions = new Map<number, string[]>();
  for (const [, number, part] of text.matchAll(/^-- version (\d+)$(.*?)(?=^-- version \d+$|(?![\s\S]))/gms)) {
    const code = part!.replaceAll(/^\s*--.*$/gm, '');
    const statements = code.split(';').map((each) => each.trim());
    versions.set(
      Number(number),
      statements
        .filter((each) => each !== '')
        .map((each) => each.replaceAll(/\$(\w+)/g, (all, name) => names[name] ?? all)),
    );
  }
  return versions;
}

/** The same id for the same table wherever it is made. */
function idOf(name: string): string {
  const hex = createHash('sha256').update(name).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-1${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
