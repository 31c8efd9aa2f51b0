// What is kept of a report is what the log holds, or nothing is: over the store in memory, with rows as actors write them.
import { describe, expect, it, vi } from 'vitest';
import { coveredKey, encodeCovered, nothingCovered } from '#actors/log/covered.ts';
import type { StateWrite } from '#actors/ports/state-store.ts';
import { RoomRow } from '#proto/gen/account.ts';
import type { Report } from '#proto/gen/client.ts';
import { Rejection } from '#proto/gen/codes.ts';
import {
  EventHeader,
  EventKind,
  InboxEntry,
  type Record as LogRecord,
  MemberStatus,
  type Person,
  RoomStanding,
  Stamp,
} from '#proto/gen/record.ts';
import { ErasedRow, PersonRow, StoredRecord } from '#proto/gen/room.ts';
import { limits } from '#proto/rules/limits.ts';
import { nodePrimitives } from '../primitives.ts';
import { InMemoryStore } from '../storage/memory/store.ts';
import { Reports, reportDays } from './reports.ts';

const [ann, bob] = ['@ann:lux.example', '@bob:lux.example'];
const room = `!g${'a'.repeat(32)}:lux.example`;
const frankingKey = new Uint8Array(32).fill(7);
const inner = new TextEncoder().encode('what was said');
const none = new Uint8Array();
const dayMs = 86_400_000;
const { REJECTION_NOT_FOUND, REJECTION_BAD_SIGNATURE, REJECTION_LIMIT_REACHED } = Rejection;

/** A store with a room of five events: at 3 what Bob said, at 4 something that was emptied, at 5 a control entry. Ann may read from 2 on. */
class Bench {
  now = 1_800_000_000_000;
  readonly store = new InMemoryStore(() => this.now);
  readonly reports = new Reports({ store: this.store, primitives: nodePrimitives, now: () => this.now });

  static async open(standing: Partial<RoomStanding> = {}): Promise<Bench> {
    const bench = new Bench();
    await bench.#log(
      `room/${room}`,
      [1, 2, 3, 4, 5].map((seq) => rowOf(seq)),
    );
    await bench.#log(`user/${ann}`, []);
    await bench.stand(standing);
    return bench;
  }

  /** As the state row has it. */
  async stand(parts: Partial<RoomStanding>): Promise<void> {
    const row = { ...RoomRow.decode(none), standing: standing(parts) };
    const stamp = { segment: 1, seq: 1, sub: this.now++ };
    const rows: StateWrite['rows'] = [{ key: `room/${room}`, value: RoomRow.encode(row).finish(), ...stamp }];
    await this.store.writeState([{ log: `user/${ann}`, rows }]);
  }

  /** As a row of the inbox has it, which no state row holds yet. */
  async tell(seq: number, parts: Partial<RoomStanding>): Promise<void> {
    const body = { $case: 'standing', value: standing(parts) } as const;
    const bytes = InboxEntry.encode({ ...InboxEntry.decode(none), seq, body }).finish();
    await this.#rows(`user/${ann}`, [{ seq, bytes }]);
  }

  /** A row of the room's log that brings somebody in. */
  async brings(seq: number, person: Person): Promise<void> {
    const bytes = StoredRecord.encode({ ...StoredRecord.decode(rowOf(seq)), person }).finish();
    await this.#rows(`room/${room}`, [{ seq, bytes }]);
  }

  /** State of the room up to there, with a row of this person or none. */
  async covers(through: number, person: Person | null): Promise<void> {
    const stamp = { segment: 1, seq: through, sub: this.now++ };
    const covered = { key: coveredKey, value: encodeCovered({ ...nothingCovered, through, segment: 1 }), ...stamp };
    const kept = person && { key: `person/${person.member}/00`, value: PersonRow.encode({ seq: 6, person }).finish() };
    await this.store.writeState([{ log: `room/${room}`, rows: kept ? [covered, { ...kept, ...stamp }] : [covered] }]);
  }

  /** The room forgot this member, and saved that before the log was sealed. */
  async forgets(member: number): Promise<void> {
    const value = ErasedRow.encode({ forgotten: true }).finish();
    const row = { key: `erased/${member}`, value, segment: 1, seq: 6, sub: this.now++ };
    await this.store.writeState([{ log: `room/${room}`, rows: [row] }]);
  }

  report(parts: Partial<Report> = {}, user = ann) {
    const value = { room, seq: 3, frankingKey, inner, reason: 'rude', ...parts };
    return this.reports.serve({ user, body: { $case: 'report', value } });
  }

  async code(parts: Partial<Report> = {}, user = ann): Promise<Rejection | 'done'> {
    const answer = await this.report(parts, user);
    return answer.$case === 'rejected' ? answer.value.code : 'done';
  }

  kept() {
    return this.reports.list(Math.floor(this.now / dayMs));
  }

  async #log(log: string, rows: readonly Uint8Array[]): Promise<void> {
    const segment = { id: 1, node: 'n', gen: 1, start: 1, end: null, firstExpiresMs: 0, lastExpiresMs: 0 };
    await this.store.casMeta(log, { version: 1, segments: [segment] } as never);
    if (rows.length > 0)
      await this.#rows(
        log,
        rows.map((bytes, at) => ({ seq: at + 1, bytes })),
      );
  }

  async #rows(log: string, rows: readonly { readonly seq: number; readonly bytes: Uint8Array }[]): Promise<void> {
    const life = { writeMicros: this.now * 1000, expiresMs: this.now + 700 * dayMs };
    const write = { log, segment: 1, rows: rows.map((row) => ({ ...row, ...life })), replace: false, dueMs: null };
    await this.store.writeRows([write]);
  }
}

function standing(parts: Partial<RoomStanding>): RoomStanding {
  const status = MemberStatus.MEMBER_STATUS_JOINED;
  return { ...RoomStanding.decode(none), room, status, member: 1, controlNumber: 4, readableFrom: 2, ...parts };
}

function rowOf(seq: number): Uint8Array {
  const kind = seq === 5 ? EventKind.EVENT_KIND_CONTROL : EventKind.EVENT_KIND_CONTENT;
  const commitment = nodePrimitives.hmacSha256(frankingKey, inner);
  const header = EventHeader.encode({ ...EventHeader.decode(none), room, member: 2, device: 9, kind, commitment });
  const record: LogRecord = {
    stamp: Stamp.encode({ ...Stamp.decode(none), seq, acceptedMs: 1_000 + seq }).finish(),
    header: header.finish(),
    body: none,
    emptiedBy: seq === 4 ? 9 : 0,
  };
  return StoredRecord.encode({ ...StoredRecord.decode(none), record }).finish();
}

describe('a report', () => {
  it('is kept with what proves it, and with nothing else of the room', async () => {
    const bench = await Bench.open();
    expect(await bench.code()).toBe('done');
    const [kept] = await bench.kept();
    expect(kept?.report).toMatchObject({ room, seq: 3, member: 2, device: 9, acceptedMs: 1_003, reporter: ann });
    expect(kept?.report).toMatchObject({ reason: 'rude', frankingKey, inner, reportedMs: bench.now });
  });

  it('names who wrote it as the room has it: in its state, or still in its log alone, or no more', async () => {
    const bench = await Bench.open();
    const author = async (member = 2) => (await bench.reports.authors([{ room, member }]))[0];
    expect(await author()).toBe('');
    const person = { member: 2, user: bob, bot: false, salt: none, fingerprint: none };
    await bench.brings(6, person);
    expect([await author(), await author(3)]).toEqual([bob, '']);
    // The state holds the log up to there, and no row of this member: an erasure dropped it.
    await bench.covers(6, null);
    expect(await author()).toBe('');
    await bench.covers(7, person);
    expect([await author(), await author(1)]).toEqual([bob, '']);
  });

  // Rows of the log keep who came with them until their own time is over: of somebody erased they were read all the same.
  it('names nobody whom the room has forgotten, though its log still does', async () => {
    const bench = await Bench.open();
    for (const [seq, member, user] of [[6, 2, bob] as const, [7, 3, ann] as const])
      await bench.brings(seq, { member, user, bot: false, salt: none, fingerprint: none });
    await bench.forgets(2);
    const page = [2, 3].map((member) => ({ room, member }));
    expect(await bench.reports.authors(page)).toEqual(['', ann]);
  });

  // Each of a hundred reports read all of its room's state.
  it('reads each room once for a page', async () => {
    const bench = await Bench.open();
    for (const [seq, member, user] of [[6, 2, bob] as const, [7, 3, ann] as const])
      await bench.brings(seq, { member, user, bot: false, salt: none, fingerprint: none });
    const other = `!g${'b'.repeat(32)}:lux.example`;
    const reading = vi.spyOn(bench.store, 'readState');
    const page = [2, 3, 2, 1].map((member) => ({ room, member }));
    expect(await bench.reports.authors([...page, { room: other, member: 2 }])).toEqual([bob, ann, bob, '', '']);
    expect(reading.mock.calls.map(([log]) => log)).toEqual([`room/${room}`, `room/${other}`]);
    expect(await bench.reports.authors([])).toEqual([]);
  });

  it('is refused where it shows something that was not sent there', async () => {
    const bench = await Bench.open();
    const other = new TextEncoder().encode('what was never said');
    expect(await bench.code({ inner: other })).toBe(REJECTION_BAD_SIGNATURE);
    expect(await bench.code({ frankingKey: new Uint8Array(32) })).toBe(REJECTION_BAD_SIGNATURE);
    expect(await bench.kept()).toEqual([]);
  });

  it('is of what the reporter may read, as a member, and of what is still there', async () => {
    const bench = await Bench.open();
    for (const seq of [1, 4, 5, 6]) expect(await bench.code({ seq })).toBe(REJECTION_NOT_FOUND);
    expect(await bench.code({}, bob)).toBe(REJECTION_NOT_FOUND);
    expect(await bench.code({ room: `!g${'b'.repeat(32)}:lux.example` })).toBe(REJECTION_NOT_FOUND);
    for (const status of [MemberStatus.MEMBER_STATUS_INVITED, MemberStatus.MEMBER_STATUS_LEFT]) {
      await bench.stand({ status, controlNumber: 5 });
      expect(await bench.code()).toBe(REJECTION_NOT_FOUND);
    }
  });

  it('asks how the reporter stands by now, also where no state row says it yet', async () => {
    const bench = await Bench.open({ status: MemberStatus.MEMBER_STATUS_INVITED, controlNumber: 4 });
    await bench.tell(1, { controlNumber: 5 });
    expect(await bench.code()).toBe('done');
    await bench.tell(2, { status: MemberStatus.MEMBER_STATUS_REMOVED, controlNumber: 6 });
    await bench.tell(3, { controlNumber: 3 });
    expect(await bench.code()).toBe(REJECTION_NOT_FOUND);
  });

  it('is one of 20 in 24 hours; what is refused does not count', async () => {
    const bench = await Bench.open();
    for (let n = 0; n < limits.reportsMax; n++) {
      expect(await bench.code({ seq: 4 })).toBe(REJECTION_NOT_FOUND);
      expect(await bench.code()).toBe('done');
      bench.now += 3_600_000;
    }
    expect(await bench.code()).toBe(REJECTION_LIMIT_REACHED);
    bench.now += 4 * 3_600_000;
    expect(await bench.code()).toBe('done');
    expect(await bench.code()).toBe(REJECTION_LIMIT_REACHED);
  });

  it('is closed once it was dealt with, and another one is not', async () => {
    const bench = await Bench.open();
    await bench.code();
    bench.now += 1;
    await bench.code({ reason: 'again' });
    const day = Math.floor(bench.now / dayMs);
    const [first, second] = (await bench.kept()).map(({ number }) => number) as [number, number];
    const closed = (from = first, through = second) => bench.reports.closed(day, from, through);
    expect(await closed()).toEqual(new Set());
    for (const _ of [1, 2]) expect(await bench.reports.close(day, first)).toBe(true);
    expect(await closed()).toEqual(new Set([first]));
    expect(await closed(first + 1)).toEqual(new Set());
    for (const number of [second + 1, first - 1, 0]) expect(await bench.reports.close(day, number)).toBe(false);
    expect(await bench.kept()).toHaveLength(2);
  });

  it('is closed for as long as it is kept, and its mark is kept no longer', async () => {
    const bench = await Bench.open();
    await bench.code();
    const madeMs = bench.now;
    const day = Math.floor(madeMs / dayMs);
    const number = (await bench.kept())[0]?.number ?? 0;
    bench.now = madeMs + reportDays * dayMs - 1;
    expect(await bench.reports.close(day, number)).toBe(true);
    expect(await bench.reports.closed(day, number, number)).toEqual(new Set([number]));
    bench.now += 1;
    expect(await bench.reports.closed(day, number, number)).toEqual(new Set());
    expect(await bench.reports.close(day, number)).toBe(false);
  });

  // The last number of an hour was looked for in the next one.
  it.each([0, 1 - 2 ** -53])('is found by its number at both ends of an hour, with chance %f', async (chance) => {
    const bench = await Bench.open();
    const day = Math.floor(bench.now / dayMs);
    const hours = [0, 1, 22, 23].flatMap((hour) => [hour * 3_600_000, (hour + 1) * 3_600_000 - 1]);
    const random = vi.spyOn(Math, 'random').mockReturnValue(chance);
    for (const ms of hours) {
      bench.now = day * dayMs + ms;
      expect(await bench.code()).toBe('done');
    }
    random.mockRestore();
    const numbers = (await bench.kept()).map(({ number }) => number);
    expect(numbers).toHaveLength(hours.length);
    for (const number of numbers) expect(await bench.reports.close(day, number)).toBe(true);
    for (const [at, after] of numbers.entries())
      expect((await bench.reports.list(day, after)).map(({ number }) => number)).toEqual(numbers.slice(at + 1));
  });

  it('is gone after 30 days', async () => {
    const bench = await Bench.open();
    await bench.code();
    const day = Math.floor(bench.now / dayMs);
    bench.now += reportDays * dayMs - 1;
    expect(await bench.reports.list(day)).toHaveLength(1);
    bench.now += 1;
    expect(await bench.reports.list(day)).toEqual([]);
  });
});
