// For tests: a backup at a server that is as honest as the test lets it be, one device's parts around it, and a kill between any two steps.
import type { Backup, BackupEntry } from '#proto/gen/client.ts';
import { Rejection } from '#proto/gen/codes.ts';
import type { BackupHead } from '#proto/gen/record.ts';
import { backupHash } from '#proto/rules/bytes/hash.ts';
import type { ClientBody } from '../connection/connection.ts';
import type { RoomKey } from '../crypto/ids.ts';
import { ClientError } from '../errors.ts';
import type { Parts } from '../parts.ts';
import { portablePrimitives as primitives } from '../primitives.ts';
import { MemoryStore } from '../store/memory-store.ts';

const none: Uint8Array = new Uint8Array();

/** A refusal by the server. */
export function refusal(rejection: Rejection): ClientError {
  return new ClientError('REJECTED', 'no', { rejection });
}

/** One device and its server. */
export class BackupWorld {
  readonly user = '@ann:localhost';
  store = new MemoryStore();
  readonly asked: ClientBody[] = [];
  readonly alarms: string[] = [];
  readonly counted = new Map<string, number>();
  /** What the server has. */
  backup = { version: 0, header: none, lastVersion: 0 };
  entries: BackupEntry[] = [];
  /** Entries that it takes in one version, and not one more. */
  fillsAt = Number.POSITIVE_INFINITY;
  /** Sessions that the engine has; it hands them out one by one. */
  sessions = 0;
  /** Entries on a page. */
  pageEntries = 2;
  /** What the manifest names. */
  named: BackupHead | undefined;
  live = true;
  nowMs = 0;
  confirmed = true;
  /** Called before each request is served: throw to have it lost before, or return what throws after it was done. */
  before: (body: ClientBody) => undefined | (() => never) = () => undefined;
  /** Calls of the engine, in words. */
  readonly engineCalls: string[] = [];
  /** What the next imports bring. */
  imports: RoomKey[][] = [];
  #work: Promise<unknown>[] = [];
  #filled = 0;
  #backedUp = 0;
  #put = 0;

  #batch() {
    if (this.#backedUp === this.sessions) return undefined;
    const id = String(this.#backedUp + 1);
    return {
      id,
      version: this.#filled,
      sessions: [{ room: '!r:x', sessionId: id, json: bytes(1), sender: undefined }],
    };
  }

  parts(): Parts {
    const seeds = { master: bytes(1), selfSigning: bytes(2), userSigning: bytes(3) };
    const engine = {
      user: this.user,
      exportIdentity: async () => seeds,
      importSessions: async () => this.imports.shift() ?? [],
      startBackup: async (version: number) => {
        this.engineCalls.push(`start ${version}`);
        this.#filled = version;
      },
      endBackup: async () => void this.engineCalls.push('end'),
      takeBackup: async () => this.#batch(),
      markBackedUp: async (id: string) => {
        this.#backedUp = Number(id);
      },
      backupCounts: async () => ({ total: this.sessions, waiting: this.sessions - this.#backedUp }),
      sealForDevices: async (_type: string, _content: unknown, [to]: { devices: readonly string[] }[]) =>
        to?.devices ?? [],
    };
    const body = () => ({ backup: this.named, devices: [] });
    return {
      user: this.user,
      device: 1,
      deviceId: 'ONE',
      store: this.store,
      primitives,
      engine,
      people: { get: () => ({ manifest: { body: body() } }) },
      request: (asked: ClientBody) => this.#serve(asked),
      live: () => this.live,
      whenLive: async () => this.live,
      confirmed: () => this.confirmed,
      emit: () => {},
      alarm: ({ code }: { code: string }) => this.alarms.push(code),
      count: (name: string, by = 1) => this.counted.set(name, (this.counted.get(name) ?? 0) + by),
      background: (work: () => Promise<void>) => void this.#work.push(work().catch(() => {})),
      now: () => this.nowMs,
      random: () => 0,
    } as unknown as Parts;
  }

  /** Waits for what runs in the background. */
  async idle(): Promise<void> {
    while (this.#work.length > 0) await this.#work.shift();
  }

  /** Requests of one kind that came so far. */
  of<Case extends ClientBody['$case']>(kind: Case): Extract<ClientBody, { $case: Case }>['value'][] {
    return this.asked.flatMap((body) => (body.$case === kind ? [body.value as never] : []));
  }

  async #serve(body: ClientBody): Promise<unknown> {
    this.asked.push(body);
    const after = this.before(body);
    const answer = this.#answer(body);
    after?.();
    return answer;
  }

  #answer(body: ClientBody): unknown {
    switch (body.$case) {
      case 'checkBackup':
        return this.told(none);
      case 'fetchBackup':
        return this.told(this.backup.header);
      case 'createBackup': {
        const { version, header } = body.value;
        if (version === this.backup.version && same(header, this.backup.header)) return {};
        if (version !== this.backup.lastVersion + 1) throw refusal(Rejection.REJECTION_STALE_STATE);
        this.backup = { version, header, lastVersion: version };
        return {};
      }
      case 'putBackup':
        if (this.#put + body.value.entries.length > this.fillsAt) throw refusal(Rejection.REJECTION_LIMIT_REACHED);
        this.#put += body.value.entries.length;
        return {};
      case 'listBackup': {
        const { room, after, limit } = body.value;
        const all = this.entries.filter((entry) => room === '' || entry.room === room).sort(byPlace);
        const from = /^\d*$/.test(after) ? Number(after) : all.filter((entry) => placeOf(entry) <= after).length;
        const end = from + (limit || this.pageEntries);
        return { entries: all.slice(from, end), next: end < all.length ? String(end) : '' };
      }
      default:
        return {};
    }
  }

  told(header: Uint8Array): Backup {
    const { version, lastVersion } = this.backup;
    const hash = version === 0 ? none : backupHash(this.backup.header, primitives);
    return { version, header, hash, entries: this.entries.length, lastVersion };
  }
}

/** 32 bytes. */
export function bytes(fill: number): Uint8Array {
  return new Uint8Array(32).fill(fill);
}

function placeOf({ room, session }: BackupEntry): string {
  return `${room} ${session}`;
}

function byPlace(a: BackupEntry, b: BackupEntry): number {
  return placeOf(a) < placeOf(b) ? -1 : 1;
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}
