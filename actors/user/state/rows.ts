// State rows: the account to bytes and back, one row per unit (proto/account.proto names them). Taking the changed rows and the mark belongs
// together: rows are written all or none, and the mark says which entries they hold.
import {
  AccountRow,
  BlockRow,
  BucketsRow,
  DeviceRow,
  KeysRow,
  ManifestRow,
  MarkRow,
  RoomRow,
  SenderRow,
  UntoldRow,
  WaitingRow,
} from '#proto/gen/account.ts';
import { ManifestBody } from '#proto/gen/record.ts';
import type { StateChange, StateRow } from '../../log/messages.ts';
import { Account, type Published } from './account.ts';
import { Buckets } from './buckets.ts';
import { DeviceKeys } from './device-keys.ts';
import { Lanes } from './lanes.ts';
import { Senders } from './senders.ts';

/** The row that is part of every write. */
export const markKey = 'mark';

/** The mark of rows that were never written. */
export const noMark: MarkRow = { seq: 0, acceptedMs: 0, sub: 0 };

/** An account from its rows; entries after them are still to be applied. `tracked`: it will be written again. */
export function restoreAccount(user: string, rows: readonly StateRow[], options: { tracked: boolean }): Account {
  const account = new Account(user, options);
  const byKey = new Map(rows.map(({ key, value }) => [key, value]));
  const mark = markOf(rows);
  account.seq = mark.seq;
  account.acceptedMs = mark.acceptedMs;
  const senders = new Map<number, SenderRow>();
  const manifests: ManifestRow[] = [];
  for (const [key, value] of byKey) {
    const { unit, name } = split(key);
    if (unit === 'room') account.rooms.restore(name, RoomRow.decode(value));
    else if (unit === 'block') account.blocks.restore(name, BlockRow.decode(value));
    else if (unit === 'sender') senders.set(Number(name), SenderRow.decode(value));
    else if (unit === 'manifest') manifests.push(ManifestRow.decode(value));
  }
  account.senders = new Senders(senders);
  account.manifests = manifests.flatMap(published).sort((a, b) => a.body.version - b.body.version);
  const head = byKey.get('account');
  account.buckets = new Buckets(BucketsRow.decode(byKey.get('buckets') ?? new Uint8Array()).buckets);
  account.untold = new Set(UntoldRow.decode(byKey.get('untold') ?? new Uint8Array()).rooms);
  if (head !== undefined) restoreHead(account, AccountRow.decode(head), byKey);
  return account;
}

/** The mark among these rows. */
export function markOf(rows: readonly StateRow[]): MarkRow {
  const row = rows.find(({ key }) => key === markKey);
  return row === undefined ? noMark : MarkRow.decode(row.value);
}

/** Takes the changed rows of a tracked account as they stand now, with the mark that belongs to them; nothing changed: null. */
export function takeChanges(account: Account, before: MarkRow): { changes: StateChange[]; mark: MarkRow } | null {
  const { dirty, seq, acceptedMs } = account;
  // An entry that changed nothing still moves the mark: a closed log is not read again.
  if (dirty === null || (dirty.size === 0 && seq === before.seq)) return null;
  const mark = { seq, acceptedMs, sub: seq > before.seq ? 0 : before.sub + 1 };
  const tag = { seq, sub: mark.sub };
  const changes: StateChange[] = [...dirty].map((key) => ({ key, value: encodeRow(account, key), ...tag }));
  changes.push({ key: markKey, value: MarkRow.encode(mark).finish(), ...tag });
  dirty.clear();
  return { changes, mark };
}

function split(key: string): { unit: string; name: string } {
  const slash = key.indexOf('/');
  return slash < 0 ? { unit: key, name: '' } : { unit: key.slice(0, slash), name: key.slice(slash + 1) };
}

function published({ manifest, head }: ManifestRow): Published[] {
  return manifest === undefined ? [] : [{ manifest, head, body: ManifestBody.decode(manifest.signed) }];
}

function restoreHead(account: Account, row: AccountRow, rows: ReadonlyMap<string, Uint8Array>): void {
  const { masterJson, selfSigningJson, userSigningJson, removed, devices, newcomer } = row;
  Object.assign(account.identity, { masterJson, selfSigningJson, userSigningJson });
  account.removed = removed;
  account.newcomer = newcomer;
  account.createdMs = row.createdMs;
  account.state = row.state;
  account.lettingGo = row.lettingGo;
  account.receipt = row.receipt;
  account.erasedMs = row.erasedMs;
  for (const { device: number, id, name } of devices) {
    const { cursor, needsFullSync, lastSeenDay } = DeviceRow.decode(rows.get(`device/${number}`) ?? new Uint8Array());
    const { lanes } = WaitingRow.decode(rows.get(`waiting/${number}`) ?? new Uint8Array());
    const keys = new DeviceKeys(KeysRow.decode(rows.get(`keys/${number}`) ?? new Uint8Array()));
    account.devices.set(number, {
      number,
      id,
      name,
      cursor,
      needsFullSync,
      lastSeenDay,
      lanes: new Lanes(lanes),
      keys,
    });
  }
}

function encodeRow(account: Account, key: string): Uint8Array | null {
  const { unit, name } = split(key);
  const device = account.devices.get(Number(name));
  switch (unit) {
    case 'account':
      return AccountRow.encode(accountRow(account)).finish();
    case 'manifest': {
      const row = account.manifests.find(({ body }) => body.version === Number(name));
      return row === undefined ? null : ManifestRow.encode(row).finish();
    }
    case 'room': {
      const row = account.rooms.get(name);
      return row === undefined ? null : RoomRow.encode(row).finish();
    }
    case 'block': {
      const row = account.blocks.get(name);
      return row === undefined ? null : BlockRow.encode(row).finish();
    }
    case 'untold':
      // The last trace of where an erased account was.
      return account.exists || account.untold.size > 0
        ? UntoldRow.encode({ rooms: [...account.untold].sort() }).finish()
        : null;
    case 'buckets':
      return account.exists ? BucketsRow.encode({ buckets: account.buckets.toRow(account.acceptedMs) }).finish() : null;
    case 'sender': {
      const row = account.senders.toRow(Number(name));
      return row === null ? null : SenderRow.encode(row).finish();
    }
    case 'device':
      return device === undefined ? null : DeviceRow.encode(device).finish();
    case 'waiting':
      return device === undefined ? null : WaitingRow.encode({ lanes: device.lanes.toRow() }).finish();
    case 'keys':
      return device === undefined ? null : KeysRow.encode(device.keys.toRow()).finish();
    default:
      throw new Error('no such row');
  }
}

function accountRow(account: Account): AccountRow {
  const { devices, removed, identity, newcomer, createdMs, state, lettingGo, receipt, erasedMs } = account;
  const list = [...devices.values()].map(({ number, id, name }) => ({ device: number, id, name }));
  return { devices: list, removed, ...identity, newcomer, createdMs, state, lettingGo, receipt, erasedMs };
}
