// The durable half of login on a table. Guarantees what its port asks (src/server/auth/ports.ts): each conditional method is one atomic change. Rows that
// end are also listed by when they end, so that clearing them away costs what has ended, not what is kept.
import {
  type AccountStore,
  AccountStoreError,
  type EndedFamily,
  type StepUpGrant,
  type Swept,
  type TokenFamily,
} from '../auth/ports.ts';
import type { Table, TableChange } from './table.ts';

interface Ending {
  readonly expiresMs: number;
}

/** What ends by itself. */
type EndingKind = 'attempt' | 'login' | 'grant' | 'family';

/** A grant as it lies in the table: with the attempt that it is bound to. */
type GrantRow = StepUpGrant & { readonly attempt?: string };

/** Makes an account store of a table of its own. */
export function tableAccounts(table: Table): AccountStore {
  const rows = new Rows(table);
  return {
    putAttempt: async (key, attempt) => rows.putEnding('attempt', key, attempt),
    takeAttempt: async (key) => rows.take('attempt', key),
    putLogin: async (key, login) => rows.putEnding('login', key, login),
    takeLogin: async (key) => rows.take('login', key),
    putGrant: async (key, grant) => rows.putEnding('grant', key, grant),
    async readGrant(key) {
      const row = await rows.read<GrantRow>(`grant/${key}`);
      if (row === null) return null;
      const { attempt: _, ...grant } = row;
      return grant;
    },
    useGrant: async (key, attempt) => rows.bind(`grant/${key}`, attempt),
    reserveUserId: async (userId) => rows.change([{ key: `id/${userId}`, expected: null, value: encode(true) }]),
    userOf: async (subjectHash) => rows.read(`subject/${subjectHash}`),
    async claimSubject(subjectHash, userId) {
      const key = `subject/${subjectHash}`;
      for (;;) {
        const holder = await rows.read<string>(key);
        if (holder !== null) return holder;
        if (await rows.change([{ key, expected: null, value: encode(userId) }])) return userId;
      }
    },
    releaseSubject: async (subjectHash, userId) =>
      rows.change([{ key: `subject/${subjectHash}`, expected: encode(userId), value: null }]),
    readDevices: async (userId) => rows.read(`devices/${userId}`),
    writeDevices: async (userId, row) => rows.replace(`devices/${userId}`, row, []),
    readFamily: async (key) => rows.read(`family/${key}`),
    async writeFamily(key, family) {
      const before = await rows.read<Ending>(`family/${key}`);
      const ends: TableChange[] = [{ key: endKey('family', key, family), value: encode(true) }];
      if (before !== null && before.expiresMs !== family.expiresMs)
        ends.push({ key: endKey('family', key, before), value: null });
      return await rows.replace(`family/${key}`, family, ends);
    },
    removeFamily: async (key) => (await rows.take('family', key)) !== null,
    sweep: async (nowMs, rowsMax) => rows.sweep(nowMs, rowsMax),
  };
}

/** Has anybody ever logged in? */
export async function holdsSubjects(table: Table): Promise<boolean> {
  return (await table.list({ prefix: 'subject/', limit: 1 })).length > 0;
}

class Rows {
  readonly #table: Table;

  constructor(table: Table) {
    this.#table = table;
  }

  async read<Row>(key: string): Promise<Row | null> {
    const value = await guarded(this.#table.get(key));
    return value === null ? null : decode<Row>(value);
  }

  change(changes: readonly TableChange[]): Promise<boolean> {
    return guarded(this.#table.change(changes));
  }

  async putEnding(kind: EndingKind, key: string, row: Ending): Promise<void> {
    await this.change([
      { key: `${kind}/${key}`, value: encode(row) },
      { key: endKey(kind, key, row), value: encode(true) },
    ]);
  }

  /** Takes a row out: of all who ask, one gets it. A row that changes meanwhile is looked at again. */
  async take<Row extends Ending>(kind: EndingKind, key: string): Promise<Row | null> {
    for (;;) {
      const expected = await guarded(this.#table.get(`${kind}/${key}`));
      if (expected === null) return null;
      const row = decode<Row>(expected);
      const changes = [
        { key: `${kind}/${key}`, expected, value: null },
        { key: endKey(kind, key, row), value: null },
      ];
      if (await this.change(changes)) return row;
    }
  }

  /** Binds a grant to the attempt; of all who ask at once one gets it, and the others look again. */
  async bind(key: string, attempt: string): Promise<boolean> {
    for (;;) {
      const expected = await guarded(this.#table.get(key));
      if (expected === null) return false;
      const row = decode<GrantRow>(expected);
      if (row.attempt !== undefined) return row.attempt === attempt;
      if (await this.change([{ key, expected, value: encode({ ...row, attempt }) }])) return true;
    }
  }

  /** Writes a row over the version before it, with what belongs to it. */
  async replace<Row extends { readonly version: number }>(
    key: string,
    row: Row,
    with_: readonly TableChange[],
  ): Promise<boolean> {
    const expected = await guarded(this.#table.get(key));
    const version = expected === null ? 0 : decode<Row>(expected).version;
    if (version !== row.version - 1) return false;
    return await this.change([{ key, expected, value: encode(row) }, ...with_]);
  }

  /** Attempts, logins and grants go in one change: their ends never move, so nothing that lives can stand in their place. */
  async sweep(nowMs: number, rowsMax: number): Promise<Swept> {
    const removals: TableChange[] = [];
    const ended: EndedFamily[] = [];
    for (const { key: endKey } of await guarded(this.#table.list({ prefix: 'end/', limit: rowsMax }))) {
      const [, ends, kind, ...name] = endKey.split('/');
      if (Number(ends) >= nowMs) break;
      const key = name.join('/');
      if (kind !== 'family') removals.push({ key: `${kind}/${key}`, value: null }, { key: endKey, value: null });
      else {
        const family = await this.read<TokenFamily>(`family/${key}`);
        if (family !== null && family.expiresMs < nowMs) ended.push({ key, family });
      }
    }
    if (removals.length > 0) await this.change(removals);
    return { removed: removals.length / 2, ended };
  }
}

/** Sorted by time: milliseconds with 15 digits. */
function endKey(kind: EndingKind, key: string, { expiresMs }: Ending): string {
  return `end/${String(expiresMs).padStart(15, '0')}/${kind}/${key}`;
}

function encode(row: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(row));
}

function decode<Row>(value: Uint8Array): Row {
  return JSON.parse(Buffer.from(value).toString()) as Row;
}

async function guarded<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (cause) {
    throw new AccountStoreError('The account store failed', { cause });
  }
}
