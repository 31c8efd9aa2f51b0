// The account store on lmdb: one database, one kind of row for each idea, and an index by expiry for the sweep. A promise resolves once its
// change is on the disk; compare-and-set runs inside the one writer's transaction, so there is nobody to race with.
import type { Database } from 'lmdb';
import {
  type AccountStore,
  AccountStoreError,
  type DeviceRow,
  type LoginAttempt,
  type PendingLogin,
  type TokenFamily,
} from '../../auth/ports.ts';

/** What login keeps: one lmdb database with text keys and JSON values, of an environment that was opened with `overlappingSync: false`. */
export type AccountsDatabase = Database<unknown, string>;

type Kind = 'attempt' | 'login' | 'family';
/** Digits of a millisecond number in the index, so that order of text is order of time until the year 5138. */
const expiryDigits = 14;

/** Login's rows in a database that holds nothing else. */
export function embeddedAccounts(database: AccountsDatabase): AccountStore {
  const read = <Row>(key: string) => failing(async () => (database.get(key) as Row | undefined) ?? null);
  const change = <Result>(work: () => Result) => failing(() => database.transaction(work));
  const take = <Row extends { expiresMs: number }>(kind: Kind, key: string) =>
    change(() => {
      const row = (database.get(`${kind}/${key}`) as Row | undefined) ?? null;
      if (row !== null) removeExpiring(database, kind, key, row.expiresMs);
      return row;
    });
  const keep = (kind: Kind, key: string, row: LoginAttempt | PendingLogin) =>
    change(() => putExpiring(database, kind, key, row));
  return {
    putAttempt: (key, attempt) => keep('attempt', key, attempt),
    takeAttempt: (key) => take<LoginAttempt>('attempt', key),
    putLogin: (key, login) => keep('login', key, login),
    takeLogin: (key) => take<PendingLogin>('login', key),
    reserveUserId: (userId) =>
      change(() => {
        if (database.doesExist(`id/${userId}`)) return false;
        database.putSync(`id/${userId}`, 1);
        return true;
      }),
    userOf: (subjectHash) => read<string>(`subject/${subjectHash}`),
    claimSubject: (subjectHash, userId) =>
      change(() => {
        const holder = database.get(`subject/${subjectHash}`) as string | undefined;
        if (holder === undefined) database.putSync(`subject/${subjectHash}`, userId);
        return holder ?? userId;
      }),
    releaseSubject: (subjectHash, userId) =>
      change(() => database.get(`subject/${subjectHash}`) === userId && database.removeSync(`subject/${subjectHash}`)),
    readDevices: (userId) => read<DeviceRow>(`devices/${userId}`),
    writeDevices: (userId, row) =>
      change(() => {
        const kept = database.get(`devices/${userId}`) as DeviceRow | undefined;
        if ((kept?.version ?? 0) !== row.version - 1) return false;
        database.putSync(`devices/${userId}`, row);
        return true;
      }),
    readFamily: (key) => read<TokenFamily>(`family/${key}`),
    writeFamily: (key, family) =>
      change(() => {
        const kept = database.get(`family/${key}`) as TokenFamily | undefined;
        if ((kept?.version ?? 0) !== family.version - 1) return false;
        if (kept) removeExpiring(database, 'family', key, kept.expiresMs);
        putExpiring(database, 'family', key, family);
        return true;
      }),
    removeFamily: async (key) => (await take<TokenFamily>('family', key)) !== null,
    sweep: (nowMs, rowsMax) => change(() => sweep(database, nowMs, rowsMax)),
  };
}

function putExpiring(
  database: AccountsDatabase,
  kind: Kind,
  key: string,
  row: LoginAttempt | PendingLogin | TokenFamily,
): void {
  database.putSync(`${kind}/${key}`, row);
  database.putSync(expiryKey(row.expiresMs, kind, key), 1);
}

function removeExpiring(database: AccountsDatabase, kind: Kind, key: string, expiresMs: number): void {
  database.removeSync(`${kind}/${key}`);
  database.removeSync(expiryKey(expiresMs, kind, key));
}

function expiryKey(expiresMs: number, kind: Kind, key: string): string {
  return `expiry/${String(expiresMs).padStart(expiryDigits, '0')}/${kind}/${key}`;
}

function sweep(database: AccountsDatabase, nowMs: number, rowsMax: number): number {
  const end = `expiry/${String(nowMs).padStart(expiryDigits, '0')}`;
  const ended = [...database.getKeys({ start: 'expiry/', end, limit: rowsMax })];
  for (const index of ended) {
    // `expiry/<ms>/<kind>/<key>`: the rest is the row's own key.
    database.removeSync(index.slice('expiry/'.length + expiryDigits + 1));
    database.removeSync(index);
  }
  return ended.length;
}

async function failing<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (cause) {
    throw new AccountStoreError('the account store failed', { cause });
  }
}
