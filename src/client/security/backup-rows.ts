// What a device keeps of its backup, in the account table: which one it fills and its key, one that it has just begun, how far one was read back.
import { LocalBackup, LocalBackupBegun, LocalRestore } from '#proto/gen/local.ts';
import type { BackupHead } from '#proto/gen/record.ts';
import { noBytes } from '#proto/rules/bytes/bytes.ts';
import type { LocalChange, LocalStore } from '../store/store.ts';

const key = { held: 'backup', begun: 'backup begun', restore: 'restore' } as const;

/** A backup whose key is here. */
export interface HeldBackup {
  readonly version: number;
  /** 32 bytes. */
  readonly backupKey: Uint8Array;
  /** The engine was told of it, and has forgotten what an earlier one holds. */
  readonly filling?: boolean;
  /** The server took no more when this device tried last. */
  readonly full?: boolean;
}

/** A backup that was asked for and is in no manifest yet, as far as this device knows. */
export interface BegunBackup {
  readonly head: BackupHead;
  readonly backupKey: Uint8Array;
  readonly loss?: Loss | undefined;
}

/** Devices that are logged out as lost with it. */
export interface Loss {
  /** Numbers. */
  readonly devices: readonly number[];
  /** Of the self-signing key that takes the place of the present one. */
  readonly selfSigningSeed: Uint8Array;
}

export async function readHeld(store: LocalStore): Promise<HeldBackup | undefined> {
  const row = await store.get('account', key.held);
  return row && LocalBackup.decode(row);
}

export function heldRow({ version, backupKey, filling = false, full = false }: HeldBackup): LocalChange {
  const value = LocalBackup.encode({ version, backupKey, filling, full }).finish();
  return { table: 'account', key: key.held, value };
}

export async function readBegun(store: LocalStore): Promise<BegunBackup | undefined> {
  const row = await store.get('account', key.begun);
  if (!row) return undefined;
  const { head, backupKey, selfSigningSeed, lost } = LocalBackupBegun.decode(row);
  const loss = selfSigningSeed.length > 0 ? { devices: lost, selfSigningSeed } : undefined;
  return head && { head, backupKey, loss };
}

export function begunRow(begun: BegunBackup | undefined): LocalChange {
  const lost = { selfSigningSeed: begun?.loss?.selfSigningSeed ?? noBytes, lost: [...(begun?.loss?.devices ?? [])] };
  const value = begun && LocalBackupBegun.encode({ head: begun.head, backupKey: begun.backupKey, ...lost }).finish();
  return { table: 'account', key: key.begun, value };
}

export async function readRestore(store: LocalStore): Promise<LocalRestore | undefined> {
  const row = await store.get('account', key.restore);
  return row && LocalRestore.decode(row);
}

export function restoreRow(restore: LocalRestore | undefined): LocalChange {
  return { table: 'account', key: key.restore, value: restore && LocalRestore.encode(restore).finish() };
}

/** Nothing of this version was read back yet. */
export function restoreOf(version: number): LocalRestore {
  return { version, done: [], room: '', after: '', sessions: 0, refused: 0 };
}
