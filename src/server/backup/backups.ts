// The backups of a provider's users, as the contract says (proto/client.proto): begun, opened and ended with a step-up's grant, written and read in pages.
// Guarantees: versions go up one by one and never come back; a request that is repeated because its answer was lost does nothing twice; whatever two
// devices do at once, on any nodes, one backup is in force. It keeps nothing in memory but counts, so any node serves any user. It can open no backup.

import { rejected } from '#actors/kernel/effects.ts';
import type { AboutBackup, AnswerBody } from '#actors/kernel/messages.ts';
import type { Backup, CreateBackup, DropBackup, FetchBackup, Grant, ListBackup, PutBackup } from '#proto/gen/client.ts';
import { Rejection } from '#proto/gen/codes.ts';
import { toBase64Url } from '#proto/rules/bytes/base.ts';
import { noBytes } from '#proto/rules/bytes/bytes.ts';
import { backupHash } from '#proto/rules/bytes/hash.ts';
import { limits } from '#proto/rules/limits.ts';
import type { Primitives } from '#proto/rules/primitives.ts';
import { type BackupHead, type BackupStore, entryKey, type KeptBackup } from '../storage/backups.ts';
import { boundAttempt } from './attempt.ts';
import { BackupCounts } from './counts.ts';

/** A grant as it is shown. */
export interface GrantUse {
  readonly user: string;
  readonly device: number;
  readonly purpose: 'backup';
  readonly token: string;
  /** 16 bytes; the same again for the same request. */
  readonly attempt: Uint8Array;
}

/** Does the grant count? Rejects where that can't be known. */
export type UseGrant = (use: GrantUse) => Promise<boolean>;

/** Who asks for what; both were proven by the session's token, and the body's shape was looked at. */
export interface BackupRequest {
  readonly user: string;
  readonly device: number;
  readonly body: AboutBackup;
}

export interface BackupsOptions {
  readonly store: BackupStore;
  readonly useGrant: UseGrant;
  readonly primitives: Primitives;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Those of the protocol, unless a test has smaller ones. */
  readonly limits?: Partial<BackupLimits>;
}

export type BackupLimits = { readonly [limit in 'backupEntriesMax' | 'backupBytesMax' | 'backupFetchesMax']: number };

const hourMs = 3_600_000;
/** Entries and keys of a page: with what the answer adds to each of 100 it fits a frame of 64 KiB. */
const pageBytesMax = 61_440;
/** Changes of one head that others come before. More: somebody changes it without pause, and the request fails as the store would. */
const triesMax = 10;
/** Entries that one step of sweeping removes, and steps of one sweep. */
const sweep = { entriesMax: 500, stepsMax: 200 };

const done: AnswerBody = { $case: 'done', value: {} };

export class Backups {
  readonly counts = new BackupCounts();
  readonly #options: BackupsOptions;
  readonly #limits: BackupLimits;

  constructor(options: BackupsOptions) {
    this.#options = options;
    this.#limits = { ...limits, ...options.limits };
  }

  /** Rejects where the store or login fails: what was asked may have been done. */
  async serve(request: BackupRequest): Promise<AnswerBody> {
    return await this.counts.counted(request.body, () => this.#serve(request));
  }

  /** An account is erased: nothing of its backup is left but the last version. Safe to repeat. */
  async erase(user: string): Promise<void> {
    await this.#change(user, async (head) => {
      if (head === null || (head.version === 0 && head.openings.length === 0)) return done;
      const { revision, lastVersion } = head;
      return { head: { ...next(null), revision: revision + 1, lastVersion }, answer: done };
    });
    await this.sweep();
  }

  /** Removes entries of backups that were replaced, a bounded number; to be called now and then. */
  async sweep(): Promise<void> {
    for (let step = 0; step < sweep.stepsMax; step++) if (!(await this.#options.store.sweep(sweep.entriesMax))) return;
  }

  #serve({ user, device, body }: BackupRequest): Promise<AnswerBody> {
    const grantOf = (grant: Grant | undefined): Shown => ({ user, device, grant });
    switch (body.$case) {
      case 'checkBackup':
        return this.#check(user);
      case 'createBackup':
        return this.#create(user, body.value, grantOf(body.value.grant));
      case 'fetchBackup':
        return this.#fetch(user, body.value, grantOf(body.value.grant));
      case 'putBackup':
        return this.#put(user, body.value);
      case 'listBackup':
        return this.#list(user, body.value);
      case 'dropBackup':
        return this.#drop(user, body.value, grantOf(body.value.grant));
    }
  }

  async #check(user: string): Promise<AnswerBody> {
    return described(await this.#options.store.readHead(user), noBytes);
  }

  async #create(user: string, { version, header }: CreateBackup, shown: Shown): Promise<AnswerBody> {
    const { primitives } = this.#options;
    const hash = backupHash(header, primitives);
    const grant = this.#bound(shown, `create ${version}`, hash);
    return await this.#change(user, async (head) => {
      const isRepeat = head !== null && head.version === version && isSame(head.hash, hash);
      // Before the grant, which is good only once.
      if (!isRepeat && version !== (head?.lastVersion ?? 0) + 1) return rejected(Rejection.REJECTION_STALE_STATE);
      if (!(await grant.counts())) return rejected(Rejection.REJECTION_FORBIDDEN);
      if (isRepeat) return done;
      return { head: { ...next(head), version, lastVersion: version, header, hash }, answer: done };
    });
  }

  async #fetch(user: string, _: FetchBackup, shown: Shown): Promise<AnswerBody> {
    const grant = this.#bound(shown, 'fetch');
    const { now } = this.#options;
    return await this.#change(user, async (head) => {
      if (head === null || head.version === 0) return rejected(Rejection.REJECTION_NOT_FOUND);
      const atMs = now();
      // Those far ahead are of a clock that was set back: they must not keep anyone out.
      const recent = head.openings.filter((opening) => Math.abs(atMs - opening.atMs) < hourMs);
      const isRepeat = recent.some(({ attempt }) => attempt === grant.attempt);
      if (!isRepeat && recent.length >= this.#limits.backupFetchesMax) {
        const oldest = Math.min(...recent.map((opening) => opening.atMs));
        return rejected(Rejection.REJECTION_RATE_LIMITED, Math.max(1, Math.min(hourMs, oldest + hourMs - atMs)));
      }
      if (!(await grant.counts())) return rejected(Rejection.REJECTION_FORBIDDEN);
      const answer = described(head, head.header);
      if (isRepeat) return answer;
      return { head: { ...next(head), openings: [...recent, { atMs, attempt: grant.attempt }] }, answer };
    });
  }

  async #put(user: string, { version, entries }: PutBackup): Promise<AnswerBody> {
    const { backupEntriesMax: entriesMax, backupBytesMax: bytesMax } = this.#limits;
    const result = await this.#options.store.put(user, { version, entries, entriesMax, bytesMax });
    if (result === 'stale') return rejected(Rejection.REJECTION_STALE_STATE);
    if (result === 'full') return rejected(Rejection.REJECTION_LIMIT_REACHED);
    this.counts.entriesPut += entries.length;
    return done;
  }

  async #list(user: string, { version, room, after, limit }: ListBackup): Promise<AnswerBody> {
    const { store } = this.#options;
    const wanted = limit === 0 ? limits.backupPageMax : Math.min(limit, limits.backupPageMax);
    const range = { version, room, after, limit: wanted, bytesMax: pageBytesMax };
    const { entries, isLast } = await store.page(user, range);
    // Looked at after the page, and versions never come back: so it was in force all the while, and nothing was missing.
    const head = await store.readHead(user);
    if (head === null || head.version === 0 || head.version !== version)
      return rejected(Rejection.REJECTION_STALE_STATE);
    const last = entries.at(-1);
    const following = isLast || last === undefined ? '' : entryKey(last);
    return { $case: 'backupPage', value: { entries: [...entries], next: following } };
  }

  async #drop(user: string, { version }: DropBackup, shown: Shown): Promise<AnswerBody> {
    const grant = this.#bound(shown, `drop ${version}`);
    return await this.#change(user, async (head) => {
      if (head === null) return rejected(Rejection.REJECTION_NOT_FOUND);
      const isGone = head.version === 0;
      if (isGone && head.lastVersion !== version) return rejected(Rejection.REJECTION_NOT_FOUND);
      if (!isGone && head.version !== version) return rejected(Rejection.REJECTION_STALE_STATE);
      const isGranted = await grant.counts();
      // The answer to the first time was lost.
      if (isGone) return isGranted ? done : rejected(Rejection.REJECTION_NOT_FOUND);
      if (!isGranted) return rejected(Rejection.REJECTION_FORBIDDEN);
      return { head: { ...next(head), version: 0, header: noBytes, hash: noBytes }, answer: done };
    });
  }

  /** Reads, decides, writes; anew where somebody else wrote meanwhile. */
  async #change(user: string, decide: (head: KeptBackup | null) => Promise<AnswerBody | Change>): Promise<AnswerBody> {
    const { store } = this.#options;
    for (let tries = 0; tries < triesMax; tries++) {
      const decided = await decide(await store.readHead(user));
      if ('$case' in decided) return decided;
      if (await store.changeHead(user, decided.head)) return decided.answer;
    }
    throw new Error('Others change the same backup without pause');
  }

  /** The grant, bound to this very request. */
  #bound({ user, device, grant }: Shown, request: string, content: Uint8Array = noBytes): BoundGrant {
    const { useGrant, primitives } = this.#options;
    // The session lets no request without one through.
    if (grant === undefined) return { attempt: '', counts: async () => false };
    const attempt = boundAttempt(request, { attempt: grant.attempt, content }, primitives);
    return {
      attempt: toBase64Url(attempt),
      counts: () => useGrant({ user, device, purpose: 'backup', token: grant.token, attempt }),
    };
  }
}

interface Shown {
  readonly user: string;
  readonly device: number;
  readonly grant: Grant | undefined;
}

interface BoundGrant {
  /** Names the request, and each repeat of it. */
  readonly attempt: string;
  /** Uses the grant for it; asking again says the same. */
  counts(): Promise<boolean>;
}

/** What to write, and what to say once it is written. */
interface Change {
  readonly head: BackupHead;
  readonly answer: AnswerBody;
}

function next(head: BackupHead | null): BackupHead {
  if (head === null) return { revision: 1, version: 0, lastVersion: 0, header: noBytes, hash: noBytes, openings: [] };
  const { revision, version, lastVersion, header, hash, openings } = head;
  return { revision: revision + 1, version, lastVersion, header, hash, openings };
}

function described(head: KeptBackup | null, header: Uint8Array): AnswerBody {
  const { version = 0, hash = noBytes, entries = 0, lastVersion = 0 } = head ?? {};
  const value: Backup = { version, header, hash, entries, lastVersion };
  return { $case: 'backup', value };
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
