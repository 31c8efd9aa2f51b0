// Backups in memory: for tests. Forgets everything with the process; otherwise exactly the port's promises.
import {
  type BackupHead,
  type BackupPut,
  type BackupRange,
  type BackupStore,
  byKey,
  cutPage,
  type EntryPage,
  entryOf,
  type KeptBackup,
  keysOf,
  type PutResult,
  sizeAfter,
} from '../backups.ts';

interface Kept {
  readonly backup: KeptBackup;
  readonly rows: Map<string, Uint8Array>;
}

export class MemoryBackups implements BackupStore {
  readonly #users = new Map<string, Kept>();

  async readHead(user: string): Promise<KeptBackup | null> {
    return structuredClone(this.#users.get(user)?.backup ?? null);
  }

  async changeHead(user: string, head: BackupHead): Promise<boolean> {
    const kept = this.#users.get(user);
    if ((kept?.backup.revision ?? 0) !== head.revision - 1) return false;
    const stays = kept !== undefined && kept.backup.version === head.version;
    const { entries, bytes } = stays ? kept.backup : { entries: 0, bytes: 0 };
    this.#users.set(user, {
      backup: structuredClone({ ...head, entries, bytes }),
      rows: stays ? kept.rows : new Map(),
    });
    return true;
  }

  async put(user: string, { version, entries, ...bounds }: BackupPut): Promise<PutResult> {
    const kept = this.#users.get(user);
    if (kept === undefined || version === 0 || kept.backup.version !== version) return 'stale';
    const wanted = byKey(entries);
    const size = sizeAfter(kept.backup, wanted, { ...bounds, before: (key) => kept.rows.get(key)?.length });
    if (size === null) return 'full';
    for (const [key, sealed] of wanted) kept.rows.set(key, sealed.slice());
    this.#users.set(user, { backup: { ...kept.backup, ...size }, rows: kept.rows });
    return 'kept';
  }

  async page(user: string, range: BackupRange): Promise<EntryPage> {
    const kept = this.#users.get(user);
    if (kept === undefined || kept.backup.version !== range.version) return { entries: [], isLast: true };
    const [after, end] = keysOf(range);
    const keys = [...kept.rows.keys()].filter((key) => key > after && key < end).sort();
    return cutPage(
      keys.map((key) => entryOf(key, kept.rows.get(key)!.slice())),
      range,
    );
  }

  /** They went at once. */
  async sweep(): Promise<boolean> {
    return false;
  }
}
