// The durable half of login on Cassandra (../../auth/ports.ts). Guarantees: each conditional method is one conditional change over all nodes; plain reads
// see every change that was answered. Attempts, logins and grants end by TTL, families are found by the day of their end.
import {
  type AccountStore,
  AccountStoreError,
  type EndedFamily,
  type StepUpGrant,
  type TokenFamily,
} from '../../auth/ports.ts';
import type { Connection, Params, Statement } from './connection.ts';
import { type DueFamily, dayOf, type FamilyEnds } from './family-ends.ts';
import { ttlSeconds } from './retention.ts';

/** The caller looks at `expiresMs`; the row may stay a little longer, for clocks that differ. */
const slackMs = 300_000;

const once = {
  attempt: onceIn('login_attempts'),
  login: onceIn('pending_logins'),
  grant: onceIn('step_up_grants'),
};
const selectGrant = 'select row from step_up_grants where key = ?';
// The row that was read is a condition, too: without it the attempt of a grant that has just expired would make a row of its own.
const bindGrant = 'update step_up_grants using ttl ? set attempt = ? where key = ? if attempt = null and row = ?';
const insertId = 'insert into user_ids (user_id) values (?) if not exists';
const anyId = 'select user_id from user_ids limit 1';
const selectSubject = 'select user_id from subjects where subject_hash = ?';
const insertSubject = 'insert into subjects (subject_hash, user_id) values (?, ?) if not exists';
const removeSubject = 'delete from subjects where subject_hash = ? if user_id = ?';
const devices = versionedIn('devices', 'user_id');
const families = versionedIn('token_families', 'key');
const removeFamily = 'delete from token_families where key = ? if exists';

export interface AccountOptions {
  readonly ends: FamilyEnds;
  readonly now: () => number;
}

export function cassandraAccounts(connection: Connection, { ends, now }: AccountOptions): AccountStore {
  const rows = new Rows(connection, now);
  return {
    putAttempt: (key, attempt) => rows.putOnce('attempt', key, attempt),
    takeAttempt: (key) => rows.takeOnce('attempt', key),
    putLogin: (key, login) => rows.putOnce('login', key, login),
    takeLogin: (key) => rows.takeOnce('login', key),
    putGrant: (key, grant) => rows.putOnce('grant', key, grant),
    readGrant: (key) => rows.readJson(selectGrant, key),
    useGrant: (key, attempt) => rows.bindGrant(key, attempt),
    reserveUserId: async (userId) => (await rows.change(insertId, [userId])).applied,
    userOf: async (subjectHash) => ((await rows.read(selectSubject, [subjectHash]))?.user_id as string) ?? null,
    async claimSubject(subjectHash, userId) {
      const { applied, found } = await rows.change(insertSubject, [subjectHash, userId]);
      return applied ? userId : (found.user_id as string);
    },
    releaseSubject: async (subjectHash, userId) => (await rows.change(removeSubject, [subjectHash, userId])).applied,
    readDevices: (userId) => rows.readJson(devices.select, userId),
    writeDevices: (userId, row) => rows.writeVersion(devices, userId, row),
    readFamily: (key) => rows.readJson(families.select, key),
    async writeFamily(key, family) {
      await guarded(ends.write(key, family.expiresMs));
      return await rows.writeVersion(families, key, family);
    },
    removeFamily: async (key) => (await rows.change(removeFamily, [key])).applied,
    async sweep(nowMs, rowsMax) {
      const ended: EndedFamily[] = [];
      const look = async () => {
        for await (const due of ends.due(nowMs)) {
          const family = await rows.readJson<TokenFamily>(families.select, due.key);
          due.served = hasServed(due, family, dayOf(now()));
          if (family !== null && family.expiresMs < nowMs) ended.push({ key: due.key, family });
          if (ended.length >= rowsMax) break;
        }
      };
      await guarded(look());
      return { removed: 0, ended };
    },
  };
}

/** Has anybody ever logged in? */
export async function hasAccounts(connection: Connection): Promise<boolean> {
  return (await connection.read(anyId, [])).length > 0;
}

/** The family has moved to a later day, where it has another entry, or is gone: it may be about to be written while its day is not over. */
function hasServed({ day }: DueFamily, family: TokenFamily | null, today: number): boolean {
  return family === null ? day < today : dayOf(family.expiresMs) > day;
}

class Rows {
  readonly #connection: Connection;
  readonly #now: () => number;

  constructor(connection: Connection, now: () => number) {
    this.#connection = connection;
    this.#now = now;
  }

  async read(query: string, params: Params) {
    const [row] = await guarded(this.#connection.read(query, params));
    return row;
  }

  async readJson<Row>(query: string, key: string): Promise<Row | null> {
    const row = await this.read(query, [key]);
    return row === undefined ? null : (JSON.parse(row.row as string) as Row);
  }

  /** Those of one row wait for each other: its key is the first or the last that a statement names, and keys of different tables differ. */
  change(query: string, params: Params, turn: unknown = params[0]) {
    return guarded(this.#connection.change(`account ${turn}`, { query, params }));
  }

  async putOnce(kind: keyof typeof once, key: string, row: { readonly expiresMs: number }): Promise<void> {
    const json = JSON.stringify(row);
    const { applied, found } = await this.change(once[kind].insert, [key, json, this.#ttlOf(row)]);
    // Keys are hashes of random secrets: what is there is this very row, whose answer was lost.
    if (!applied && found.row !== json) throw new AccountStoreError('A key of a login was used twice');
  }

  /** Takes a row out: of all who ask, one gets it. */
  async takeOnce<Row>(kind: keyof typeof once, key: string): Promise<Row | null> {
    const [found] = await guarded(this.#connection.readSerial(once[kind].select, [key]));
    if (found === undefined) return null;
    const { applied } = await this.change(once[kind].remove, [key]);
    return applied ? (JSON.parse(found.row as string) as Row) : null;
  }

  /** Binds a grant to the attempt: of all who ask, one gets it, and hears so again. */
  async bindGrant(key: string, attempt: string): Promise<boolean> {
    const row = await this.read(selectGrant, [key]);
    if (row === undefined) return false;
    const json = row.row as string;
    const ttl = this.#ttlOf(JSON.parse(json) as StepUpGrant);
    const { applied, found } = await this.change(bindGrant, [ttl, attempt, key, json], key);
    return applied || found.attempt === attempt;
  }

  async writeVersion<Row extends { readonly version: number }>(
    { insert, update }: ReturnType<typeof versionedIn>,
    key: string,
    row: Row,
  ): Promise<boolean> {
    const { version } = row;
    const json = JSON.stringify(row);
    const statement: Statement =
      version === 1
        ? { query: insert, params: [key, version, json] }
        : { query: update, params: [version, json, key, version - 1] };
    return (await this.change(statement.query, statement.params, key)).applied;
  }

  #ttlOf({ expiresMs }: { readonly expiresMs: number }): number | null {
    const now = this.#now();
    return ttlSeconds(Math.max(expiresMs, now + 1), { now, slackMs });
  }
}

function onceIn(table: string) {
  return {
    insert: `insert into ${table} (key, row) values (?, ?) if not exists using ttl ?`,
    select: `select row from ${table} where key = ?`,
    remove: `delete from ${table} where key = ? if exists`,
  };
}

function versionedIn(table: string, key: string) {
  return {
    select: `select row from ${table} where ${key} = ?`,
    insert: `insert into ${table} (${key}, version, row) values (?, ?, ?) if not exists`,
    update: `update ${table} set version = ?, row = ? where ${key} = ? if version = ?`,
  };
}

async function guarded<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (cause) {
    throw new AccountStoreError('The account store failed', { cause });
  }
}
