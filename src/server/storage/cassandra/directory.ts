// The directory in Cassandra: what a user chose is one row, changed conditionally; the places of their name are rows of other partitions, written and
// deleted plainly under the listing's version as timestamp. So of two changes the later one's places stay, however late a write of the other arrives.
// Guarantees: the listing is changed first and remembers names whose places may still be there until they are gone; a name that was found is shown only
// where its owner's listing has it, so that what a crash left half done is never seen.
import { beginningOf } from '#proto/rules/directory.ts';
import {
  type DirectoryStore,
  endOf,
  type FoundPlace,
  type KeptListing,
  keptPlaces,
  type Listed,
  placesRead,
  ranked,
} from '../directory.ts';
import type { Connection, Statement } from './connection.ts';

const select = 'select version, listed, name, named, leaving from listings where user_id = ?';
const update =
  'update listings set version = ?, listed = ?, name = ?, named = ?, leaving = ? where user_id = ? if version = ?';
const settle = 'update listings set leaving = null where user_id = ? if version = ?';
const remove = 'delete from listings where user_id = ? if version = ?';
const selectNames = 'select user_id, name from listings where user_id in ?';
const insertPlace =
  'insert into directory (beginning, later, place, user_id, name) values (?, ?, ?, ?, ?) using timestamp ?';
const removePlace =
  'delete from directory using timestamp ? where beginning = ? and later = ? and place = ? and user_id = ?';
const selectPlaces =
  'select place, user_id, name from directory where beginning = ? and later = ? and place >= ? and place < ? limit ?';

interface Row extends KeptListing {
  /** Names of before whose places may still be there. */
  readonly leaving: readonly string[];
}

export class CassandraDirectory implements DirectoryStore {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  async readListing(user: string): Promise<KeptListing | null> {
    const row = await this.#read(user);
    if (row === null) return null;
    const { leaving: _, ...listing } = row;
    return listing;
  }

  async changeListing(user: string, listing: KeptListing, before: number): Promise<boolean> {
    const kept = await this.#read(user);
    if ((kept?.version ?? 0) !== before) return false;
    const { version, isListed, name, namedMs } = listing;
    const leaving = namesOf(kept);
    const values = [BigInt(version), isListed, name, JSON.stringify(namedMs), JSON.stringify(leaving)];
    const expected = kept === null ? null : BigInt(before);
    if (!(await this.#decide(user, { query: update, params: [...values, user, expected] }))) return false;
    await this.#place(user, listing, leaving);
    await this.#decide(user, { query: settle, params: [user, BigInt(version)] });
    return true;
  }

  async removeListing(user: string, before: number): Promise<boolean> {
    if (before === 0) return (await this.#read(user)) === null;
    // First as one who is not listed, so that a crash in between leaves who takes its places away.
    const version = before + 1;
    if (!(await this.changeListing(user, { version, isListed: false, name: '', namedMs: [] }, before))) return false;
    return await this.#decide(user, { query: remove, params: [user, BigInt(version)] });
  }

  async find(folded: string): Promise<readonly Listed[]> {
    const [first, later] = await Promise.all([this.#places(folded, false), this.#places(folded, true)]);
    const found = ranked([...first, ...later]);
    if (found.length === 0) return [];
    const rows = await this.#connection.read(selectNames, [found.map(({ user }) => user)]);
    const names = new Map(rows.map(({ user_id, name }) => [user_id as string, name as string]));
    return found.filter(({ user, name }) => names.get(user) === name);
  }

  async #read(user: string): Promise<Row | null> {
    // Serial: what was decided before is committed first, so that its places are known here.
    const [row] = await this.#connection.readSerial(select, [user]);
    if (row === undefined || row.version === null) return null;
    const list = <T>(text: unknown) => JSON.parse((text as string | null) ?? '[]') as readonly T[];
    return {
      version: Number(row.version),
      isListed: row.listed as boolean,
      name: row.name as string,
      namedMs: list<number>(row.named),
      leaving: list<string>(row.leaving),
    };
  }

  async #decide(user: string, statement: Statement): Promise<boolean> {
    return (await this.#connection.change(`listing ${user}`, statement)).applied;
  }

  /** Deletions and insertions have one timestamp, so none may be of the same place: a deletion would win. */
  async #place(user: string, { version, name }: KeptListing, leaving: readonly string[]): Promise<void> {
    const keyOf = ({ later, text }: { later: boolean; text: string }) => `${later} ${text}`;
    const wanted = new Map(keptPlaces(name).map((place) => [keyOf(place), place]));
    const gone = new Map(leaving.flatMap(keptPlaces).map((place) => [keyOf(place), place]));
    for (const key of wanted.keys()) gone.delete(key);
    const at = BigInt(version);
    const statements = [
      ...[...wanted.values()].map(({ beginning, later, text }) => [
        insertPlace,
        [beginning, later, text, user, name, at],
      ]),
      ...[...gone.values()].map(({ beginning, later, text }) => [removePlace, [at, beginning, later, text, user]]),
    ] as const;
    const written = statements.map(([query, params]) =>
      this.#connection.inSlot(() => this.#connection.write(query as string, params as Statement['params'])),
    );
    for (const result of await Promise.allSettled(written)) if (result.status === 'rejected') throw result.reason;
  }

  async #places(folded: string, later: boolean): Promise<readonly FoundPlace[]> {
    const limit = later ? placesRead.later : placesRead.first;
    const rows = await this.#connection.read(selectPlaces, [beginningOf(folded), later, folded, endOf(folded), limit]);
    return rows.map(({ place, user_id, name }) => ({ later, text: place, user: user_id, name }) as FoundPlace);
  }
}

function namesOf(row: Row | null): readonly string[] {
  if (row === null) return [];
  return [...new Set([...row.leaving, row.name])].filter((name) => name !== '');
}
