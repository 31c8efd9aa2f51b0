// What is due, by shard and hour. Guarantees: nothing is forgotten that was not dropped; a reader passes over no tombstones but those of the last minutes.
// Three rules make both true. What is written lies no further back than a few minutes, measured when the write is answered, so however long a process
// stood still, readers will see it. The shard's floor stays ten minutes back. What is still there ten minutes after it was due is written again under
// now, so that a log that can't be opened does not hold the floor back; that also moves it behind the others.
import type { types } from 'cassandra-driver';
import { shardOf } from '#actors/log/shards.ts';
import type { DueSegment } from '#actors/ports/log-store.ts';
import type { Connection, Statement } from './connection.ts';
import type { Floors } from './floors.ts';
import { ttlSeconds } from './retention.ts';

const minuteMs = 60_000;
export const hourMs = 60 * minuteMs;
/** The floor stays so far back. More than the next two and two minutes of clocks that differ. */
const slackMs = 10 * minuteMs;
/** Written no further back than this … */
const backMs = 5 * minuteMs;
/** … by a clock that is so old when the answer comes. */
const writeMsMax = 2 * minuteMs;
/** What is left for so long is written again, or everything that was dropped since would have to be passed over. */
const leftMs = slackMs;
/** Hours read at once: one or two of them are all there is while sweeps run. */
const hoursAtOnce = 16;
const batchMax = 100;

const insert = 'insert into log_due (shard, hour, due_ms, log, segment) values (?, ?, ?, ?, ?) using ttl ?';
const remove = 'delete from log_due where shard = ? and hour = ? and due_ms = ? and log = ? and segment = ?';
const select =
  'select due_ms, log, segment from log_due where shard = ? and hour = ? and due_ms >= ? and due_ms <= ? limit ?';

export interface LogDueOptions {
  readonly floors: Floors;
  readonly now: () => number;
  /** What nobody drops goes so long after it was due. */
  readonly keptMs: number;
}

interface Tidied {
  readonly shard: number;
  readonly due: readonly DueSegment[];
  readonly floor: number;
  /** No row is due before. */
  readonly first: number;
}

export class LogDue {
  readonly #connection: Connection;
  readonly #options: LogDueOptions;

  constructor(connection: Connection, options: LogDueOptions) {
    this.#connection = connection;
    this.#options = options;
  }

  async write(due: DueSegment): Promise<void> {
    const shard = shardOf(due.log);
    for (;;) {
      const now = this.#options.now();
      const dueMs = Math.max(due.dueMs, now - backMs);
      const { query, params } = this.#insert(shard, { ...due, dueMs });
      await this.#connection.write(query, params);
      const answered = this.#options.now();
      if (answered - now <= writeMsMax || dueMs > answered - backMs) return;
    }
  }

  async read(shard: number, throughMs: number, limit: number): Promise<readonly DueSegment[]> {
    const now = this.#options.now();
    const floor = await this.#options.floors.read(queueOf(shard));
    const found: DueSegment[] = [];
    const last = hourOf(throughMs);
    for (let hour = hourOf(floor); hour <= last && found.length < limit; hour += hoursAtOnce) {
      const hours = Array.from({ length: Math.min(hoursAtOnce, last - hour + 1) }, (_, i) => hour + i);
      const range = [BigInt(floor), BigInt(throughMs), limit];
      const pages = await Promise.all(hours.map((each) => this.#connection.read(select, [shard, each, ...range])));
      found.push(...pages.flat().map(dueOf));
    }
    const due = found.slice(0, limit);
    const first = due[0]?.dueMs ?? throughMs + 1;
    if (Math.min(first, now - slackMs) - floor < slackMs && first >= now - leftMs) return due;
    return await this.#tidy({ shard, due, floor, first });
  }

  async drop(shard: number, due: readonly DueSegment[]): Promise<void> {
    await this.#together(
      due.map(({ dueMs, log, segment }) => [dueMs, { query: remove, params: key(shard, { dueMs, log, segment }) }]),
    );
  }

  /** Raises the floor, writes again under now what has been left for long, and returns all as it stands then. */
  async #tidy({ shard, due, floor, first }: Tidied): Promise<readonly DueSegment[]> {
    const { floors, now } = this.#options;
    // A node whose clock runs ahead must not hide anything from those whose clocks are right.
    const safe = Math.min(now(), await floors.storeNow());
    const next = Math.min(first, safe - slackMs);
    if (next - floor >= slackMs) await floors.raise(queueOf(shard), next);
    const left = due.filter(({ dueMs }) => dueMs < safe - leftMs);
    const again = left.map((each) => ({ ...each, dueMs: Math.floor(safe) }));
    await this.#together(again.map((each) => [each.dueMs, this.#insert(shard, each)]));
    // Only now: in between it is there twice, which costs a look.
    await this.drop(shard, left);
    return [...again, ...due.slice(left.length)];
  }

  #insert(shard: number, due: DueSegment): Statement {
    const { now, keptMs } = this.#options;
    const ttl = ttlSeconds(Math.max(due.dueMs, now()) + keptMs, { now: now(), slackMs: 0 });
    return { query: insert, params: [...key(shard, due), ttl] };
  }

  /** Statements by when they are due, those of one partition in batches. */
  async #together(statements: readonly (readonly [dueMs: number, Statement])[]): Promise<void> {
    for (const ofHour of Map.groupBy(statements, ([dueMs]) => hourOf(dueMs)).values()) {
      for (let at = 0; at < ofHour.length; at += batchMax) {
        await this.#connection.writeTogether(ofHour.slice(at, at + batchMax).map(([, statement]) => statement));
      }
    }
  }
}

function key(shard: number, { dueMs, log, segment }: DueSegment): unknown[] {
  return [shard, hourOf(dueMs), BigInt(Math.floor(dueMs)), log, segment];
}

function dueOf({ due_ms, log, segment }: types.Row): DueSegment {
  return { dueMs: Number(due_ms), log: log as string, segment: segment as number };
}

function hourOf(ms: number): number {
  return Math.floor(ms / hourMs);
}

function queueOf(shard: number): string {
  return `log_due ${shard}`;
}
