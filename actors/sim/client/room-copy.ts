// A device's copy of one room's log: appends what is next, keeps what came too early, fetches what is missing, and checks every record with the
// rules. A push never makes a hole; a fetched page may begin behind one, where the device was away.
import type { AnswerBody } from '#actors/kernel/messages.ts';
import { Rejection } from '#proto/gen/codes.ts';
import { EventKind, type Record, Stamp } from '#proto/gen/record.ts';
import { checkRecord, type LogHead } from '#proto/rules/record/record.ts';
import { simPrimitives } from '../primitives.ts';
import { codeName, short } from '../witness.ts';
import type { Conversation, Place } from './conversation.ts';

/** A record that was shown. */
export interface Shown {
  readonly seq: number;
  readonly hash: string;
  readonly sender: string;
  readonly kind: EventKind;
  readonly member: number;
  readonly empty: boolean;
}

/** Pages that bring nothing although something is missing: so many, then it is a hole. */
const emptyPagesMax = 12;
const retryMs = 300;

export class RoomCopy {
  readonly room: string;
  readonly shown: Shown[] = [];
  /** May this device read the room, as far as it knows? */
  joined = false;
  readonly #name: string;
  readonly #place: Place;
  readonly #conversation: Conversation;
  readonly #controlMoved: () => void;
  readonly #early = new Map<number, Record>();
  #next = 0;
  #target = 0;
  #previous: LogHead | null = null;
  #pulling = false;
  /** A mark came, and the next one comes only after a fetch, whether that brings something or not. */
  #marked = false;
  #emptyPages = 0;

  constructor(
    room: string,
    given: { name: string; place: Place; conversation: Conversation; controlMoved: () => void },
  ) {
    this.room = room;
    this.#name = given.name;
    this.#place = given.place;
    this.#conversation = given.conversation;
    this.#controlMoved = given.controlMoved;
  }

  /** Has everything that it knows of? */
  get complete(): boolean {
    return this.#next > this.#target;
  }

  /** A list, a subscription or an acceptance says where the room stands. */
  stands(entry: { readonly headSeq: number; readonly readableFrom: number }): void {
    if (entry.readableFrom === 0) return;
    this.joined = true;
    if (this.#next === 0) this.#next = entry.readableFrom;
    this.moved(entry.headSeq);
  }

  /** The head is there, at least. */
  moved(headSeq: number): void {
    this.#target = Math.max(this.#target, headSeq);
    this.pull();
  }

  /** The room moved, and this device only watches. */
  marked(headSeq: number): void {
    this.#marked = true;
    this.moved(headSeq);
  }

  /** Records that were pushed. */
  pushed(records: readonly Record[]): void {
    for (const record of records) this.#take(record, false);
    this.#drain();
    this.pull();
  }

  /** The connection is gone, and with it what was asked. */
  cutOff(): void {
    this.#pulling = false;
  }

  /** Fetches what is missing, a page at a time. */
  pull(): void {
    const isNeeded = this.#marked || !this.complete;
    if (this.#pulling || !this.joined || this.#next === 0 || !isNeeded || !this.#conversation.live) return;
    this.#pulling = true;
    this.#marked = false;
    const limit = this.#place.random.pick([0, 0, 2, 7]);
    const value = { room: this.room, fromSeq: this.#next, throughSeq: 0, limit, newestFirst: false };
    this.#conversation.ask({ $case: 'fetchRecords', value }, (answer) => this.#page(answer));
  }

  #page(answer: AnswerBody | null): void {
    this.#pulling = false;
    if (answer === null) return;
    if (answer.$case === 'rejected') return this.#refused(answer.value.code);
    if (answer.$case !== 'recordPage') return this.#wrong(`got ${answer.$case} for a page`);
    const { records, headSeq } = answer.value;
    this.#target = Math.max(this.#target, headSeq);
    const before = this.#next;
    records.forEach((record, index) => {
      this.#take(record, index === 0);
    });
    this.#drain();
    if (this.#next > before || this.complete) this.#emptyPages = 0;
    else if (++this.#emptyPages > emptyPagesMax) return this.#wrong(`misses ${this.#next}, and no page brings it`);
    if (this.#emptyPages === 0) this.pull();
    else this.#later();
  }

  #refused(code: Rejection): void {
    if (code === Rejection.REJECTION_NOT_MEMBER || code === Rejection.REJECTION_NOT_FOUND) {
      this.joined = false;
      this.#controlMoved();
    } else if (code < Rejection.REJECTION_STALE_STATE) {
      this.#marked = true;
      this.#later();
    } else {
      this.#wrong(`was refused a page: ${codeName(code)}`);
    }
  }

  #later(): void {
    this.#place.schedule.after(retryMs, () => this.pull());
  }

  /** `first` of a fetched page may lie behind a gap. */
  #take(record: Record, first: boolean): void {
    const { seq } = Stamp.decode(record.stamp);
    if (this.#next === 0 || (seq > this.#next && !first)) {
      this.#early.set(seq, record);
      this.#target = Math.max(this.#target, seq);
      return;
    }
    const behindGap = seq > this.#next;
    const previous = seq === this.#next ? this.#previous : null;
    const checked = checkRecord(record, previous, { room: this.room, primitives: simPrimitives });
    if (typeof checked === 'string') return this.#wrong(`got a bad record ${seq}: ${checked}`);
    const hash = short(checked.head.hash);
    if (seq < this.#next) {
      const known = this.shown.findLast((each) => each.seq === seq);
      if (known !== undefined && known.hash !== hash) this.#wrong(`was shown two records ${seq}`);
      return;
    }
    if (behindGap) this.#place.witness.trace(`${this.#name} goes on behind a gap at ${seq}`);
    const { member, device, sendId, kind } = checked.header;
    const empty = record.emptiedBy !== 0;
    this.shown.push({ seq, hash, sender: `${member}/${device}/${sendId}`, kind, member, empty });
    if (kind === EventKind.EVENT_KIND_CONTROL) this.#controlMoved();
    this.#previous = checked.head;
    this.#next = seq + 1;
    this.#target = Math.max(this.#target, seq);
  }

  #drain(): void {
    if (this.#next === 0) return;
    for (const seq of [...this.#early.keys()].sort((a, b) => a - b)) {
      if (seq > this.#next) return;
      const record = this.#early.get(seq)!;
      this.#early.delete(seq);
      this.#take(record, false);
    }
  }

  #wrong(what: string): void {
    this.#place.witness.wrong(`${this.#name} ${what} in ${this.room}`);
  }
}
