// A raw member that reads a room's log as it is pushed and checks each record against the one before, with the rules of the protocol.
import { portablePrimitives as primitives } from '#client/primitives.ts';
import type { Record } from '#proto/gen/record.ts';
import { checkRecord, type LogHead } from '#proto/rules/record/record.ts';
import { type Answering, RawSocket } from './hostile-socket.ts';

/** A subscribed device. `hashes` holds what it has seen, by seq, across its sessions. */
export class Reader {
  readonly room: string;
  readonly hashes = new Map<number, string>();
  raw: RawSocket;
  #head: LogHead;
  #waiting = new Map<number, () => void>();

  private constructor(room: string, raw: RawSocket, head: LogHead) {
    this.room = room;
    this.raw = raw;
    this.#head = head;
    raw.pushed = (body) => this.#take(body);
  }

  /** Greets, subscribes and starts at the head. */
  static async begin(provider: { readonly port: number }, accessToken: string, room: string): Promise<Reader> {
    const raw = await RawSocket.greet(provider, accessToken);
    const { headSeq: seq, headCount: count, headHash: hash } = await subscribe(raw, room);
    return new Reader(room, raw, { incarnation: 1, seq, acceptedMs: 0, count, hash });
  }

  get seq(): number {
    return this.#head.seq;
  }

  /** Resolves when the record with this seq was read. */
  through(seq: number): Promise<void> {
    return this.seq >= seq ? Promise.resolve() : new Promise((resolve) => this.#waiting.set(seq, resolve));
  }

  /** Reads nothing any more: what comes stays in the socket. */
  stall(): void {
    this.raw.socket.pause();
  }

  /** Reads again; resolves with the code of the end. */
  unstall(): Promise<number> {
    this.raw.socket.resume();
    return this.raw.ended;
  }

  /** A new session: subscribes, then fetches from the own head to the head that the answer names. */
  async resume(provider: { readonly port: number }, accessToken: string): Promise<void> {
    this.raw = await RawSocket.greet(provider, accessToken);
    const { headSeq } = await subscribe(this.raw, this.room);
    while (this.seq < headSeq) {
      const range = { fromSeq: this.seq + 1, throughSeq: headSeq, limit: 0, newestFirst: false };
      const page = await this.raw.ask({ $case: 'fetchRecords', value: { room: this.room, ...range } });
      if (page.$case !== 'recordPage') throw new Error(`no page but ${page.$case}`);
      for (const record of page.value.records) this.#next(record);
    }
  }

  #take(body: Answering): void {
    if (body.$case === 'roomRecords') for (const record of body.value.records) this.#next(record);
  }

  #next(record: Record): void {
    const checked = checkRecord(record, this.#head, { room: this.room, primitives });
    if (typeof checked === 'string') throw new Error(`after ${this.seq}: ${checked}`);
    this.#head = checked.head;
    this.hashes.set(this.seq, Buffer.from(checked.head.hash).toString('hex'));
    this.#waiting.get(this.seq)?.();
    this.#waiting.delete(this.seq);
  }
}

async function subscribe(raw: RawSocket, room: string) {
  const answer = await raw.ask({ $case: 'subscribe', value: { rooms: [room] } });
  const entry = answer.$case === 'subscribed' ? answer.value.rooms[0] : undefined;
  if (!entry) throw new Error('not subscribed');
  return entry;
}
