// A log over a store in memory that answers when the test says so: for what one log does by itself, request by request.
import type { Generation } from '../../ports/log-store.ts';
import { coveredKey, decodeCovered } from '../covered.ts';
import { isSettled } from '../due.ts';
import type { LogLimits } from '../limits.ts';
import { Log } from '../log.ts';
import { MemoryStore } from '../memory-store.ts';
import type { LogAnswer, StateChange } from '../messages.ts';
import { rowsWritten, type StoreReply, type StoreRequest, stateWritten, unknownReply } from '../requests.ts';
import type { Rule } from '../rules.ts';
import { shardOf } from '../shards.ts';

export const logName = 'room/!a';
export const dayMs = 24 * 3_600_000;
export const lifeMs = 30 * dayMs;

export class Desk {
  now = 1_000 * dayMs;
  readonly store = new MemoryStore(() => this.now);
  readonly answers: LogAnswer[] = [];
  /** What the actor did wrong. */
  readonly broken: string[] = [];
  /** Requests that were carried out. */
  readonly asked: StoreRequest[] = [];
  /** So many requests of this kind come to nothing, and nothing is heard of them. */
  readonly failures = new Map<StoreRequest['op'], number>();
  readonly #waiting: (() => void)[] = [];
  readonly #limits: Partial<LogLimits>;
  #generation!: Generation;
  log!: Log;

  constructor(limits: Partial<LogLimits> = {}) {
    this.#limits = limits;
  }

  /** A process opens the log, as if the one before it had died. */
  open(omit?: Rule): void {
    const generation = this.store.createGeneration('n');
    this.#generation = generation;
    const host = {
      request: (id: number, request: StoreRequest) =>
        void this.#waiting.push(() => this.log.reply(id, this.#answer(generation, request), this.now)),
      answer: (answer: LogAnswer) => void this.answers.push(answer),
      broken: (reason: string) => void this.broken.push(reason),
    };
    this.log = new Log(logName, host, { generation, readsAreDurable: true, omit, limits: this.#limits });
    this.log.command({ kind: 'open', create: true }, this.now);
    this.run();
  }

  /** Carries out everything. */
  run(): void {
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) next();
  }

  /** Carries out so many requests, and no more. */
  step(requests: number): void {
    for (const next of this.#waiting.splice(0, requests)) next();
  }

  append(fromSeq: number, bytes: Uint8Array, expiresMs = this.now + lifeMs): void {
    this.log.command({ kind: 'append', fromSeq, rows: [{ bytes, acceptedMs: this.now, expiresMs }] }, this.now);
    this.run();
  }

  /** Appends a row that brings something to do; nothing is carried out yet. */
  owe(fromSeq: number): void {
    const row = { bytes: Uint8Array.of(1), acceptedMs: this.now, expiresMs: this.now + lifeMs };
    this.log.command({ kind: 'append', fromSeq, rows: [row], restless: true }, this.now);
  }

  /** The actor's last word, whatever the log asked; nothing is carried out yet. */
  say(kind: 'sealed' | 'close', restless: boolean, changes: readonly StateChange[] = []): void {
    this.log.command({ kind, changes, restless }, this.now);
  }

  /** Another process holds this one for dead. */
  fence(): void {
    this.store.fence(this.#generation);
  }

  /** The process dies. */
  die(): void {
    this.log.drop();
    this.#waiting.length = 0;
  }

  get last(): LogAnswer | undefined {
    return this.answers.at(-1);
  }

  /** Would a sweep wake the actor now? */
  get isDue(): boolean {
    const [row] = this.store.readState(logName, [coveredKey]);
    const due = this.store.readDue(shardOf(logName), this.now, 99);
    return due.some((each) => !isSettled(each, this.store.readMeta(logName), decodeCovered(row)));
  }

  #answer(generation: Generation, request: StoreRequest): StoreReply {
    const failures = this.failures.get(request.op) ?? 0;
    this.failures.set(request.op, failures - 1);
    if (failures > 0) return unknownReply;
    this.asked.push(request);
    return this.#carryOut(generation, request);
  }

  #carryOut(generation: Generation, request: StoreRequest): StoreReply {
    const { store } = this;
    switch (request.op) {
      case 'cover':
        return { op: 'cover', fence: store.readFence(generation) };
      case 'readMeta':
        return { op: 'readMeta', meta: store.readMeta(logName) };
      case 'casMeta':
        return { op: 'casMeta', applied: store.casMeta(logName, request.meta) };
      case 'readRows':
        return { op: 'readRows', rows: store.readRows(logName, request.segment, request.range) };
      case 'readState':
        return { op: 'readState', rows: store.readState(logName) };
      case 'writeRows':
        store.writeRows([request.write]);
        return rowsWritten;
      case 'writeState':
        store.writeState([{ log: logName, rows: request.rows }]);
        return stateWritten;
    }
  }
}
