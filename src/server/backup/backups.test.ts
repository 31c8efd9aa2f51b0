// The service over the store in memory: who may do what to which version, what repeats do, and each limit at n and n + 1.
import { describe, expect, it } from 'vitest';
import type { AboutBackup, AnswerBody } from '#actors/kernel/messages.ts';
import type { Grant } from '#proto/gen/client.ts';
import { ServerFrame } from '#proto/gen/client.ts';
import { Rejection } from '#proto/gen/codes.ts';
import { backupHash } from '#proto/rules/bytes/hash.ts';
import { limits } from '#proto/rules/limits.ts';
import { nodePrimitives } from '../primitives.ts';
import type { BackupStore, SealedEntry } from '../storage/backups.ts';
import { MemoryBackups } from '../storage/memory/backups.ts';
import { Backups, type GrantUse } from './backups.ts';

const user = '@ann:lux.example';
const room = (letter: string) => `!g${letter.repeat(32)}:lux.example`;
const header = (text: string) => new TextEncoder().encode(text);
const entry = (session: string, bytes = 1, of = room('a')): SealedEntry => ({
  room: of,
  session,
  sealed: new Uint8Array(bytes),
});
const hourMs = 3_600_000;
const none = new Uint8Array();

/** Grants as login gives them: each binds to the first attempt, of one device. */
class Grants {
  readonly #bound = new Map<string, string>();
  readonly used: GrantUse[] = [];
  #given = 0;

  give(device = 1, attempt = ++this.#given): Grant {
    this.#bound.set(`grant ${++this.#given} of ${device}`, '');
    return { token: `grant ${this.#given} of ${device}`, attempt: new Uint8Array(16).fill(attempt) };
  }

  readonly use = async (use: GrantUse): Promise<boolean> => {
    this.used.push(use);
    const bound = this.#bound.get(use.token);
    if (bound === undefined || !use.token.endsWith(`of ${use.device}`)) return false;
    const attempt = Buffer.from(use.attempt).toString('hex');
    if (bound === '') this.#bound.set(use.token, attempt);
    return this.#bound.get(use.token) === attempt;
  };
}

function provider(store: BackupStore = new MemoryBackups(), smaller = {}) {
  const grants = new Grants();
  const clock = { now: 1_700_000_000_000 };
  const options = { store, useGrant: grants.use, primitives: nodePrimitives, now: () => clock.now, limits: smaller };
  const backups = new Backups(options);
  const ask = async (body: AboutBackup, device = 1) => {
    const answer: AnswerBody = await backups.serve({ user, device, body });
    return answer.$case === 'rejected' ? answer.value.code : answer;
  };
  const check = () => ask({ $case: 'checkBackup', value: {} });
  const create = (version: number, text = `header ${version}`, grant: Grant | null = grants.give()) =>
    ask({ $case: 'createBackup', value: { version, header: header(text), grant: grant ?? undefined } });
  const fetch = (grant: Grant | null = grants.give(), device = 1) =>
    ask({ $case: 'fetchBackup', value: { grant: grant ?? undefined } }, device);
  const drop = (version: number, grant: Grant | null = grants.give()) =>
    ask({ $case: 'dropBackup', value: { version, grant: grant ?? undefined } });
  const put = (version: number, ...entries: SealedEntry[]) => ask({ $case: 'putBackup', value: { version, entries } });
  const list = (version: number, more: { room?: string; after?: string; limit?: number } = {}) =>
    ask({ $case: 'listBackup', value: { version, room: '', after: '', limit: 0, ...more } });
  return { backups, grants, clock, check, create, fetch, drop, put, list };
}

const done = { $case: 'done', value: {} };
const backup = (version: number, more = {}) => ({
  $case: 'backup',
  value: {
    ...{ version, header: none, entries: 0, lastVersion: version },
    hash: version === 0 ? none : backupHash(header(`header ${version}`), nodePrimitives),
    ...more,
  },
});
const sessionsOf = (page: unknown) =>
  (page as { value: { entries: SealedEntry[] } }).value.entries.map(({ session }) => session);
const {
  REJECTION_STALE_STATE: stale,
  REJECTION_FORBIDDEN: forbidden,
  REJECTION_NOT_FOUND: notFound,
  REJECTION_RATE_LIMITED: rateLimited,
  REJECTION_LIMIT_REACHED: limitReached,
} = Rejection;

describe('a backup', () => {
  it('is none at first', async () => {
    const { check, fetch, drop, put, list } = provider();
    expect(await check()).toEqual(backup(0));
    expect([await fetch(), await drop(1), await put(1, entry('a')), await list(1), await list(0)]).toEqual([
      ...[notFound, notFound, stale, stale, stale],
    ]);
  });

  it('is begun with the next version, and replaces the one before with all that is in it', async () => {
    const { check, create, put, list } = provider();
    expect([await create(0), await create(2), await create(1)]).toEqual([stale, stale, done]);
    expect(await put(1, entry('a'), entry('b'))).toEqual(done);
    expect(await check()).toEqual(backup(1, { entries: 2 }));
    expect([await create(1, 'another'), await create(3), await create(2)]).toEqual([stale, stale, done]);
    expect(await check()).toEqual(backup(2));
    expect([await put(1, entry('a')), await list(1)]).toEqual([stale, stale]);
    expect(await list(2)).toEqual({ $case: 'backupPage', value: { entries: [], next: '' } });
  });

  it('is begun once, however often the same attempt says so', async () => {
    const { check, create, put, grants } = provider();
    const grant = grants.give();
    expect(await create(1, 'header 1', grant)).toEqual(done);
    await put(1, entry('a'));
    expect(await create(1, 'header 1', grant)).toEqual(done);
    expect(await check()).toEqual(backup(1, { entries: 1 }));
    // The same bytes with no grant that counts prove nothing.
    expect(await create(1, 'header 1', { ...grant, token: 'x' })).toBe(forbidden);
  });

  it('is opened with its header', async () => {
    const { create, fetch } = provider();
    await create(1);
    expect(await fetch()).toEqual(backup(1, { header: header('header 1') }));
  });

  it('ends once, and its version is not given again', async () => {
    const { check, create, drop, put, list, fetch, grants } = provider();
    await create(1);
    await put(1, entry('a'));
    expect([await drop(2), await drop(0)]).toEqual([stale, stale]);
    const grant = grants.give();
    expect([await drop(1, grant), await drop(1, grant)]).toEqual([done, done]);
    expect([await drop(1, { ...grant, token: 'x' }), await drop(2), await fetch()]).toEqual([
      ...[notFound, notFound, notFound],
    ]);
    expect(await check()).toEqual(backup(0, { lastVersion: 1 }));
    expect([await put(1, entry('a')), await list(1), await create(1), await create(2)]).toEqual([
      ...[stale, stale, stale, done],
    ]);
    expect(await list(2)).toMatchObject({ value: { entries: [] } });
  });

  it('is of one of two who begin it at the same time', async () => {
    const { create, check } = provider();
    const both = await Promise.all([create(1, 'header 1'), create(1, 'other')]);
    expect(both.filter((answer) => answer === stale)).toHaveLength(1);
    expect(await check()).toMatchObject({ value: { version: 1 } });
  });
});

describe('the backup of an account that is erased', () => {
  it('leaves nothing but its last version, with no grant', async () => {
    const store = new MemoryBackups();
    const { backups, create, put, fetch, list } = provider(store);
    await backups.erase(user);
    expect(await store.readHead(user)).toBeNull();
    await create(1);
    await put(1, entry('a'));
    await fetch();
    await backups.erase(user);
    await backups.erase(user);
    const left = { version: 0, lastVersion: 1, header: none, hash: none, openings: [], entries: 0, bytes: 0 };
    expect(await store.readHead(user)).toEqual({ revision: 3, ...left });
    expect([await list(1), await put(1, entry('a'))]).toEqual([stale, stale]);
  });
});

describe('a grant', () => {
  it('is asked for where it is wanted, for the one who asks, and never where the request would be refused anyway', async () => {
    const { create, fetch, drop, check, list, put, grants } = provider();
    await Promise.all([create(2), fetch(), drop(1), check(), list(1), put(1, entry('a'))]);
    expect(grants.used).toEqual([]);
    await create(1);
    expect(grants.used).toMatchObject([{ user, device: 1, purpose: 'backup', token: 'grant 8 of 1' }]);
    expect(grants.used[0]?.attempt).toHaveLength(16);
  });

  it('of another device, an unknown one or none opens nothing', async () => {
    const { create, fetch, drop, check, grants } = provider();
    const unknown = { token: 'x', attempt: new Uint8Array(16) };
    const of2 = grants.give(2);
    for (const wrong of [of2, unknown, null]) expect(await create(1, 'header 1', wrong)).toBe(forbidden);
    expect(await create(1)).toEqual(done);
    for (const wrong of [of2, unknown, null]) {
      expect([await fetch(wrong), await drop(1, wrong)]).toEqual([forbidden, forbidden]);
      expect(await create(2, 'header 2', wrong)).toBe(forbidden);
    }
    expect(await fetch(of2, 2)).toMatchObject({ value: { version: 1 } });
    expect(await check()).toMatchObject({ value: { version: 1 } });
  });

  // Else one step-up would do for any number of requests that name the same attempt.
  it('serves one request, not another one of the same attempt', async () => {
    const { create, fetch, drop, grants } = provider();
    const grant = grants.give();
    expect(await create(1, 'header 1', grant)).toEqual(done);
    expect([await create(2, 'header 2', grant), await fetch(grant), await drop(1, grant)]).toEqual([
      ...[forbidden, forbidden, forbidden],
    ]);
  });
});

describe('the header of a backup', () => {
  it('is opened five times an hour and account, whatever device and version', async () => {
    const { create, fetch, clock, grants } = provider();
    await create(1);
    for (let n = 1; n <= limits.backupFetchesMax; n++) {
      expect(await fetch(grants.give(n), n)).toMatchObject({ $case: 'backup' });
      clock.now += 1000;
      if (n === 3) await create(2);
    }
    expect(await fetch()).toBe(rateLimited);
    clock.now += hourMs - 5001;
    expect(await fetch()).toBe(rateLimited);
    clock.now += 1;
    expect(await fetch()).toMatchObject({ $case: 'backup' });
    expect(await fetch()).toBe(rateLimited);
  });

  it('is shown again to the same attempt without being counted', async () => {
    const { create, fetch, grants } = provider(undefined, { backupFetchesMax: 1 });
    await create(1);
    const grant = grants.give();
    for (let n = 0; n < 3; n++) expect(await fetch(grant)).toMatchObject({ $case: 'backup' });
    expect(await fetch()).toBe(rateLimited);
  });

  it('says when it may be asked for again', async () => {
    const { backups, create, fetch, clock, grants } = provider(undefined, { backupFetchesMax: 1 });
    await create(1);
    await fetch();
    clock.now += 1000;
    const body: AboutBackup = { $case: 'fetchBackup', value: { grant: grants.give() } };
    const answer = await backups.serve({ user, device: 1, body });
    expect(answer).toMatchObject({ value: { code: rateLimited, retryAfterMs: hourMs - 1000 } });
  });
});

describe('the entries of a backup', () => {
  it('are replaced by later ones', async () => {
    const { create, put, list, check } = provider();
    await create(1);
    await put(1, entry('a'), entry('b'));
    expect(await put(1, entry('a', 3))).toEqual(done);
    expect(await list(1)).toMatchObject({ value: { entries: [entry('a', 3), entry('b')], next: '' } });
    expect(await check()).toMatchObject({ value: { entries: 2 } });
  });

  it('come in pages, of one room or all', async () => {
    const { create, put, list } = provider();
    await create(1);
    await put(1, entry('b'), entry('a'), entry('c'), entry('a', 1, room('b')));
    const first = await list(1, { limit: 2 });
    expect(first).toMatchObject({ value: { entries: [entry('a'), entry('b')], next: `${room('a')} b` } });
    const rest = await list(1, { limit: 2, after: `${room('a')} b` });
    expect(rest).toMatchObject({ value: { entries: [entry('c'), entry('a', 1, room('b'))], next: '' } });
    expect(sessionsOf(await list(1, { room: room('a') }))).toEqual(['a', 'b', 'c']);
    expect(await list(1, { room: room('b') })).toMatchObject({ value: { entries: [{ room: room('b') }], next: '' } });
  });

  it('come from any place on, also one that holds none', async () => {
    const { create, put, list } = provider();
    await create(1);
    await put(1, entry('aa'), entry('ab'), entry('b/1'));
    const from = async (after: string) =>
      sessionsOf(await list(1, { room: room('a'), after: `${room('a')} ${after}`, limit: 1 }));
    expect([await from('a'), await from('aa'), await from('ac'), await from('b'), await from('c')]).toEqual([
      ...[['aa'], ['ab'], ['b/1'], ['b/1'], []],
    ]);
  });

  it('are never shown as all where the backup was replaced while they were read', async () => {
    const store = new MemoryBackups();
    const { create, put, list } = provider(store);
    await create(1);
    await put(1, entry('a'));
    const page = store.page.bind(store);
    store.page = async (...all) => {
      const read = await page(...all);
      await create(2);
      return read;
    };
    expect(await list(1)).toBe(stale);
  });
});

describe('a page', () => {
  it('holds 100 entries at most, as many as fit a frame', async () => {
    const { create, put, list } = provider();
    await create(1);
    const names = Array.from({ length: 101 }, (_, n) => `${n}`.padStart(64, '0'));
    await put(1, ...names.slice(0, 50).map((name) => entry(name)));
    await put(1, ...names.slice(50).map((name) => entry(name)));
    for (const limit of [0, 100, 101, 2 ** 32 - 1]) expect(sessionsOf(await list(1, { limit }))).toHaveLength(100);
    await put(1, ...names.slice(0, 20).map((name) => entry(name, limits.backupEntryBytesMax)));
    const large = `!g${'z'.repeat(32)}:${'p'.repeat(63)}`;
    await put(1, ...names.map((name) => entry(name, 400, large)));
    for (const range of [{}, { room: large }]) {
      const page = (await list(1, range)) as AnswerBody;
      const frame = ServerFrame.encode({ request: 2 ** 32 - 1, body: page }).finish();
      expect(frame.length).toBeLessThanOrEqual(limits.frameBytesMax);
      expect(frame.length).toBeGreaterThan(limits.frameBytesMax - 2 * limits.backupEntryBytesMax);
    }
  });
});

describe('a backup that is full', () => {
  it('holds 50,000 entries and not one more', async () => {
    const { create, put, check } = provider();
    await create(1);
    for (let from = 0; from < limits.backupEntriesMax; from += 100)
      await put(1, ...Array.from({ length: 100 }, (_, n) => entry(`s${from + n}`)));
    expect(await check()).toMatchObject({ value: { entries: 50_000 } });
    expect([await put(1, entry('s0'), entry('more')), await put(1, entry('s0'))]).toEqual([limitReached, done]);
    expect(await check()).toMatchObject({ value: { entries: 50_000 } });
  });

  it('holds 64 MiB and not one byte more', async () => {
    const { create, put } = provider();
    await create(1);
    const whole = limits.backupBytesMax / limits.backupEntryBytesMax;
    for (let from = 0; from < whole; from += 64)
      await put(1, ...Array.from({ length: 64 }, (_, n) => entry(`s${from + n}`, limits.backupEntryBytesMax)));
    expect([await put(1, entry('more')), await put(1, entry('s0', 8191), entry('more'))]).toEqual([limitReached, done]);
  });
});

describe('what is counted', () => {
  it('says what came of requests, and names nobody', async () => {
    const { backups, create, fetch, put } = provider();
    await create(1);
    await create(3);
    await fetch({ token: 'x', attempt: new Uint8Array(16) });
    await put(1, entry('a'), entry('b'));
    expect(Object.fromEntries(backups.counts.all())).toEqual({
      'createBackup.done': 1,
      'createBackup.STALE_STATE': 1,
      'fetchBackup.FORBIDDEN': 1,
      'putBackup.done': 1,
    });
    expect(backups.counts.entriesPut).toBe(2);
  });

  it('includes what failed', async () => {
    const store = new MemoryBackups();
    store.readHead = () => Promise.reject(new Error('no store'));
    const { backups, check } = provider(store);
    await expect(check()).rejects.toThrow('no store');
    expect([...backups.counts.all()]).toEqual([['checkBackup.failed', 1]]);
  });

  it('fails rather than try for ever where others change a head without pause', async () => {
    const store = new MemoryBackups();
    const { create } = provider(store);
    store.changeHead = async () => false;
    await expect(create(1)).rejects.toThrow();
  });
});

describe('sweeping', () => {
  it('goes on in steps while there is more, up to a bound', async () => {
    const store = new MemoryBackups();
    const { backups } = provider(store);
    let steps = 0;
    store.sweep = async () => ++steps < 3;
    await backups.sweep();
    expect(steps).toBe(3);
    store.sweep = async () => ++steps > 0;
    await backups.sweep();
    expect(steps).toBe(203);
  });
});
