// A table (../table.ts) in one partition of `small_table`, so that a change of several rows is one conditional batch. Guarantees: a change is all or nothing
// and its conditions hold at that moment, over all nodes; unconditional ones are conditional too, on something that is always true, since a plain write
// beside conditional ones could undo what was decided. For small tables only (schema.cql).
import { StorageError } from '../store.ts';
import type { Table, TableChange, TableRow } from '../table.ts';
import { blob, bytesOf } from './bytes.ts';
import type { Connection, Statement } from './connection.ts';

const keyBytesMax = 256;

const select = 'select value from small_table where name = ? and key = ?';
const selectFrom = 'select key, value from small_table where name = ? and key >= ? limit ?';
const selectAfter = 'select key, value from small_table where name = ? and key > ? limit ?';
const put = 'update small_table set value = ? where name = ? and key = ?';
const remove = 'delete from small_table where name = ? and key = ?';

export class CassandraTable implements Table {
  readonly #connection: Connection;
  readonly #name: string;

  constructor(connection: Connection, name: string) {
    this.#connection = connection;
    this.#name = name;
  }

  async get(key: string): Promise<Uint8Array | null> {
    const [row] = await this.#connection.readSerial(select, [this.#name, checked(key)]);
    return row === undefined ? null : bytesOf(row.value);
  }

  async list(options: { prefix?: string; after?: string; limit: number }): Promise<readonly TableRow[]> {
    const { prefix = '', after = '', limit } = options;
    const from = Buffer.compare(Buffer.from(after), Buffer.from(prefix)) >= 0 && after !== '';
    const query = from ? selectAfter : selectFrom;
    const rows = await this.#connection.readSerial(query, [this.#name, from ? after : prefix, limit]);
    const found = rows.map(({ key, value }) => ({ key: key as string, value: bytesOf(value) }));
    const end = found.findIndex(({ key }) => !key.startsWith(prefix));
    return end < 0 ? found : found.slice(0, end);
  }

  async change(changes: readonly TableChange[]): Promise<boolean> {
    if (changes.length === 0) return true;
    const statements = changes.map((each) => this.#statement(each));
    return await this.#connection.changeTogether(`table ${this.#name}`, statements);
  }

  #statement({ key, expected, value }: TableChange): Statement {
    const row = [this.#name, checked(key)];
    // A row that is only checked becomes what it is.
    const wanted = value === undefined ? expected : value;
    const [condition, params] =
      expected === undefined ? ['if never = null', []] : ['if value = ?', [expected === null ? null : blob(expected)]];
    return wanted == null
      ? { query: `${remove} ${condition}`, params: [...row, ...params] }
      : { query: `${put} ${condition}`, params: [blob(wanted), ...row, ...params] };
  }
}

function checked(key: string): string {
  if (Buffer.byteLength(key) > keyBytesMax || key.includes('\0'))
    throw new StorageError('UNUSABLE', 'A key that no table can hold');
  return key;
}
