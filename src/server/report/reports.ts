// Reports of messages, as the contract says (proto/client.proto): a reader shows one message, and the provider checks it against its own log. Guarantees:
// what is kept was sent in that place, by the commitment in its header; whoever reports it may read it, as a member; nothing else of the room is looked
// at. Kept for the provider's people, by day, as rows that expire like all content. Decides nothing about anybody.
import { rejected } from '#actors/kernel/effects.ts';
import type { AboutReport, AnswerBody } from '#actors/kernel/messages.ts';
import type { LogStore, StoredRow } from '#actors/ports/log-store.ts';
import type { StateStore } from '#actors/ports/state-store.ts';
import { recordOf } from '#actors/room/state/stored.ts';
import type { Report } from '#proto/gen/client.ts';
import { Rejection } from '#proto/gen/codes.ts';
import { EventHeader, EventKind, type Record as LogRecord, MemberStatus, Stamp } from '#proto/gen/record.ts';
import { KeptReport } from '#proto/gen/report.ts';
import { limits } from '#proto/rules/limits.ts';
import type { Primitives } from '#proto/rules/primitives.ts';
import { isFranked } from '#proto/rules/record/payload.ts';
import { Outcomes } from '../telemetry/outcomes.ts';
import { authorsOf } from './author.ts';
import { standingOf } from './standing.ts';

export interface ReportsOptions {
  readonly store: LogStore & StateStore;
  readonly primitives: Primitives;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

const dayMs = 86_400_000;
const hourMs = 3_600_000;
/** Days that a report is kept: as long as entries of inboxes, with whose rows it lies (../storage/cassandra/rows/tables.ts). */
export const reportDays = 30;
/** Reports of one page for the provider's people. */
const pageMax = 100;
/** Of the number that a row gets: so many within a millisecond. */
const inOneMs = 4_096;

const { REJECTION_NOT_FOUND: notFound, REJECTION_BAD_SIGNATURE: badSignature } = Rejection;

export class Reports {
  readonly counts = new Outcomes();
  readonly #options: ReportsOptions;

  constructor(options: ReportsOptions) {
    this.#options = options;
  }

  /** The shape was looked at. Rejects where the store fails: the report may be kept all the same. */
  async serve({ user, body }: { readonly user: string; readonly body: AboutReport }): Promise<AnswerBody> {
    return await this.counts.counted(body, () => this.#serve(user, body.value));
  }

  async #serve(user: string, report: Report): Promise<AnswerBody> {
    const { store, primitives, now } = this.#options;
    const { room, seq, frankingKey, inner, reason } = report;
    if ((await this.#countOf(user)) >= limits.reportsMax) return rejected(Rejection.REJECTION_LIMIT_REACHED);
    const standing = await standingOf(store, user, room);
    const mayRead = standing?.status === MemberStatus.MEMBER_STATUS_JOINED && seq >= standing.readableFrom;
    const record = mayRead ? await this.#recordAt(room, seq) : null;
    if (record === null || record.emptiedBy !== 0) return rejected(notFound);
    const header = EventHeader.decode(record.header);
    if (header.kind !== EventKind.EVENT_KIND_CONTENT && header.kind !== EventKind.EVENT_KIND_SLOT)
      return rejected(notFound);
    if (!isFranked(header.commitment, { frankingKey, inner }, primitives)) return rejected(badSignature);
    const { member, device } = header;
    const { acceptedMs } = Stamp.decode(record.stamp);
    const who = { reporter: user, reportedMs: now(), reason };
    await this.#keep({ room, seq, member, device, acceptedMs, ...who, frankingKey, inner, header: record.header });
    return { $case: 'done', value: {} };
  }

  /** For the provider's people: those of one UTC day, counted from 1970-01-01, oldest first, at most 100 after the one named. */
  async list(day: number, after = 0): Promise<readonly { readonly number: number; readonly report: KeptReport }[]> {
    const { store } = this.#options;
    const rows: StoredRow[] = [];
    for (let hour = hourOf(after + 1); hour < 24 && rows.length < pageMax; hour++) {
      const range = { from: after + 1, through: Number.MAX_SAFE_INTEGER, limit: pageMax, bytesMax: 8 * 1024 * 1024 };
      rows.push(...(await store.readRows(byDay(day), hour + 1, { ...range, backwards: false })));
    }
    return rows.slice(0, pageMax).map(({ seq, bytes }) => ({ number: seq, report: KeptReport.decode(bytes) }));
  }

  /** For the provider's people: whose messages a page is about, by Luxchat-ID, in the same order; empty where the room has forgotten who that number was. Each room is
   * read once. */
  async authors(page: readonly Pick<KeptReport, 'room' | 'member'>[]): Promise<readonly string[]> {
    const byRoom = new Map<string, ReadonlyMap<number, string>>();
    for (const [room, about] of Map.groupBy(page, ({ room }) => room)) {
      const members = new Set(about.map(({ member }) => member));
      byRoom.set(room, await authorsOf(this.#options.store, room, members));
    }
    return page.map(({ room, member }) => byRoom.get(room)?.get(member) ?? '');
  }

  /** Which of a page of that day's reports were closed; `from` and `through` are its first and last number. */
  async closed(day: number, from: number, through: number): Promise<ReadonlySet<number>> {
    const range = { from, through, limit: pageMax, bytesMax: pageMax, backwards: false };
    const rows = await this.#options.store.readRows(closedOn(day), 1, range);
    return new Set(rows.map(({ seq }) => seq));
  }

  /** The provider's people dealt with it: it stays for its 30 days, marked, and the mark goes with it. False where there is none. Again = no change. */
  async close(day: number, number: number): Promise<boolean> {
    const { store, now } = this.#options;
    const range = { from: number, through: number, limit: 1, bytesMax: 1, backwards: false };
    const [found] = await store.readRows(byDay(day), hourOf(number) + 1, range);
    if (found === undefined) return false;
    const life = { writeMicros: now() * 1000, expiresMs: found.expiresMs };
    const rows = [{ seq: number, ...life, bytes: new Uint8Array() }];
    await store.writeRows([{ log: closedOn(day), segment: 1, rows, replace: true, dueMs: null }]);
    return true;
  }

  async #keep(report: KeptReport): Promise<void> {
    const atMs = report.reportedMs;
    const day = Math.floor(atMs / dayMs);
    const seq = (atMs - day * dayMs) * inOneMs + Math.floor(Math.random() * inOneMs) + 1;
    const row = { seq, writeMicros: atMs * 1000, expiresMs: atMs + reportDays * dayMs };
    const common = { replace: false, dueMs: null };
    await this.#options.store.writeRows([
      {
        log: byDay(day),
        segment: hourOf(seq) + 1,
        rows: [{ ...row, bytes: KeptReport.encode(report).finish() }],
        ...common,
      },
      { log: byReporter(report.reporter), segment: day, rows: [{ ...row, bytes: new Uint8Array() }], ...common },
    ]);
  }

  /** Reports of this user within 24 hours. Two at the same moment may both be the last one. */
  async #countOf(user: string): Promise<number> {
    const { store, now } = this.#options;
    const sinceMs = now() - dayMs;
    const today = Math.floor(now() / dayMs);
    const range = { from: 1, through: Number.MAX_SAFE_INTEGER, limit: limits.reportsMax, bytesMax: 65_536 };
    const read = (day: number) => store.readRows(byReporter(user), day, { ...range, backwards: true });
    const rows = [...(await read(today)), ...(await read(today - 1))];
    return rows.filter(({ writeMicros }) => writeMicros / 1000 > sinceMs).length;
  }

  async #recordAt(room: string, seq: number): Promise<LogRecord | null> {
    const { store } = this.#options;
    const log = `room/${room}`;
    const segments = (await store.readMeta(log))?.segments ?? [];
    const segment = segments.find(({ start, end }) => start <= seq && (end === null || seq < end));
    if (segment === undefined) return null;
    const range = { from: seq, through: seq, limit: 1, bytesMax: 1, backwards: false };
    const [row] = await store.readRows(log, segment.id, range);
    return row === undefined ? null : recordOf(row.bytes);
  }
}

/** In which hour of its day a report was made. */
function hourOf(number: number): number {
  return Math.floor((number - 1) / (hourMs * inOneMs));
}

function byDay(day: number): string {
  return `reports/${day}`;
}

function closedOn(day: number): string {
  return `reports/closed/${day}`;
}

function byReporter(user: string): string {
  return `reporter/${user}`;
}
