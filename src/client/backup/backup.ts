// The backup as a whole, over an engine and a server that are passed in: made, opened on another device, filled, read back.
// Guarantees: what goes to the server is sealed; an entry counts as backed up once the server has said that it is durable, and a crash repeats it; what is
// read back was checked entry by entry, and pages may be read again. Does not: keep anything, ask for grants, sign manifests, try again.
//
// How a client wires it.
// - Set-up (grant in hand): CheckBackup says `lastVersion`; `newBackup` with one above; CreateBackup with its header; then a manifest with its `head`; then
//   keep `backupKey` in the account table of the sealed store. Cut short anywhere, the same begins again with a version above: no manifest names the
//   half-made one. Other own devices get {version, backupKey} in a private message (`sealForDevices`) and compare the version with the manifest.
// - Each start: `backupKeys(backupKey)`, `engine.startBackup(head.version, keys.engine)`, then `backUp` now and whenever the engine says `roomKeys` or a
//   session began. `OFFLINE` and the like: again at the next connection. STALE_STATE: another device made a new version; read the manifest.
// - New device (grant in hand): FetchBackup; `openBackup` with the head that the newest manifest names; the device lists itself in a new manifest; then
//   `restore`, room by room as they are opened, newest first, keeping `next` of each page so that an interruption costs one page.
// - A changed password is a new version: `newBackup`, then everything waits again, and `backUp` fills it.
import type { BackupSecrets } from '#proto/gen/backup.ts';
import type { BackupEntry, BackupPage } from '#proto/gen/client.ts';
import type { BackupHead } from '#proto/gen/record.ts';
import type { CryptoEngine } from '../crypto/engine.ts';
import type { RoomId, RoomKey } from '../crypto/ids.ts';
import { ClientError } from '../errors.ts';
import { type BackupOwner, openEntries, sealEntry } from './entry.ts';
import { type Derivation, type HeldHeader, headOf, openHeader, type PasswordCost, sealHeader } from './header.ts';
import { type BackupKeys, newBackupKey } from './sealing.ts';

/** The server, as the backup needs it: PutBackup and ListBackup. What it throws passes through. */
export interface BackupServer {
  put(version: number, entries: readonly BackupEntry[]): Promise<void>;
  list(version: number, range: EntryRange): Promise<BackupPage>;
}

/** Entries in the order of room and session. */
export interface EntryRange {
  /** Of one room, or of all where it is empty. */
  readonly room: RoomId | '';
  /** Behind this place, which need not hold an entry: room, a space, session. Empty = from the first. */
  readonly after: string;
  /** Default: as many as fit a page. */
  readonly limit?: number;
}

/** What backing up and reading back work on. */
export interface BackupWork {
  engine: CryptoEngine;
  keys: BackupKeys;
  owner: BackupOwner;
  server: BackupServer;
  /** Ends it between two batches or pages: the call rejects with the signal's reason. */
  signal?: AbortSignal;
}

/** What a new backup is made with. */
export interface BackupPlan extends Derivation {
  version: number;
  password: string;
  /** Default: `passwordCost`. */
  cost?: PasswordCost;
  /** Seed of the self-signing key that comes into force with it; default: the present one. */
  selfSigning?: Uint8Array;
}

/** A backup to be created: its header for the server, its head for the manifest, its key for own devices. */
export interface NewBackup {
  header: Uint8Array;
  head: BackupHead;
  backupKey: Uint8Array;
}

/** Seals this device's private identity and a fresh backup key. Rejects with NOT_CONFIRMED on a device without the private identity. */
export async function newBackup(engine: CryptoEngine, plan: BackupPlan): Promise<NewBackup> {
  const seeds = await engine.exportIdentity();
  if (seeds === undefined) throw new ClientError('NOT_CONFIRMED', 'This device does not hold the private identity');
  const backupKey = newBackupKey();
  const secrets: BackupSecrets = {
    backupKey,
    masterSeed: seeds.master,
    selfSigningSeed: plan.selfSigning ?? seeds.selfSigning,
    userSigningSeed: seeds.userSigning,
    listingSeed: newBackupKey(),
  };
  const header = await sealHeader({ ...plan, user: engine.user, secrets });
  return { header, head: headOf(plan.version, header, secrets.listingSeed), backupKey };
}

/** What an opened backup gives besides the identity. */
export interface OpenedBackup {
  backupKey: Uint8Array;
  /** Vouches for the manifest in which this device lists itself; not to be kept. */
  listingSeed: Uint8Array;
}

/** Opens a backup and signs this device with the identity in it. Rejects as `openHeader` and `importIdentity` do; `refused` hears which of the two did. */
export async function openBackup(
  engine: CryptoEngine,
  held: Omit<HeldHeader, 'user'>,
  refused: (what: 'header' | 'identity', error: unknown) => void = () => {},
): Promise<OpenedBackup> {
  const telling = (what: 'header' | 'identity') => (error: unknown) => {
    refused(what, error);
    throw error;
  };
  const secrets = await openHeader({ ...held, user: engine.user }).catch(telling('header'));
  const seeds = {
    master: secrets.masterSeed,
    selfSigning: secrets.selfSigningSeed,
    userSigning: secrets.userSigningSeed,
  };
  await engine.importIdentity(seeds).catch(telling('identity'));
  return { backupKey: secrets.backupKey, listingSeed: secrets.listingSeed };
}

/** Backs up all that waits. Resolves with how many sessions that were; `onProgress` hears after each batch how many wait. */
export async function backUp(work: BackupWork, onProgress: (waiting: number) => void = () => {}): Promise<number> {
  const { engine, keys, owner, server, signal } = work;
  for (let done = 0; ; ) {
    signal?.throwIfAborted();
    const batch = await engine.takeBackup();
    if (batch === undefined) return done;
    if (batch.version !== owner.version) throw new ClientError('BAD_ARGUMENT', 'The engine backs up another version');
    await server.put(owner.version, await Promise.all(batch.sessions.map((one) => sealEntry(keys.seal, owner, one))));
    await engine.markBackedUp(batch.id);
    done += batch.sessions.length;
    onProgress((await engine.backupCounts()).waiting);
  }
}

/** One page that was read back. */
export interface RestoredPage {
  /** Sessions that were not here: messages that waited for them can be tried again. */
  imported: readonly RoomKey[];
  /** Entries that no own device sealed for their place: to be counted and told. */
  refused: number;
  /** Where to go on; empty = this was the last. */
  next: string;
}

/** Reads a room's sessions back, or those of all rooms where `room` is empty, page by page from `after`. */
export async function* restore(work: BackupWork, room: RoomId | '', after = ''): AsyncGenerator<RestoredPage, void> {
  const { engine, keys, owner, server, signal } = work;
  for (let from = after; ; ) {
    signal?.throwIfAborted();
    const { entries, next } = await server.list(owner.version, { room, after: from });
    // A room's page that holds another room's entries is read all the same: they say where they belong.
    const { sessions, refused } = await openEntries(keys.seal, owner, entries);
    yield { imported: await engine.importSessions(owner.version, sessions), refused, next };
    // A server that goes on saying so without an entry would be asked for ever.
    if (next === '' || next === from || entries.length === 0) return;
    from = next;
  }
}

/** A session's id as the crypto library gives it; what a message names as its session is its sender's word. */
const sessionId = /^[A-Za-z0-9+/]{43}$/;

/** Reads one session of a room back without the pages before it, in one request. Resolves with nothing where it is here or the backup has it not, and asks for
 * nothing where that is no session's id. Of several copies it reads one, which may open fewer messages than another: pages bring the rest. */
export async function restoreSession(work: BackupWork, wanted: RoomKey): Promise<readonly RoomKey[]> {
  const { engine, keys, owner, server, signal } = work;
  if (!sessionId.test(wanted.sessionId)) return [];
  signal?.throwIfAborted();
  // No other session lies between: ids are random.
  const after = `${wanted.room} ${wanted.sessionId.slice(0, -1)}`;
  const { entries } = await server.list(owner.version, { room: wanted.room, after, limit: 1 });
  const { sessions } = await openEntries(keys.seal, owner, entries);
  // Where it is not there the next one came.
  const found = sessions.filter((session) => session.sessionId === wanted.sessionId);
  return await engine.importSessions(owner.version, found);
}
