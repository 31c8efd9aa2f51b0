// A device's side of its inbox: fetches page after page, keeps what it got, acknowledges, and notices when the server's cursor is not where this
// device put it.
import type { AnswerBody } from '#actors/kernel/messages.ts';
import type { KeyCounts, Welcome } from '#proto/gen/client.ts';
import { Rejection } from '#proto/gen/codes.ts';
import type { InboxEntry } from '#proto/gen/record.ts';
import { codeName } from '../witness.ts';
import type { Conversation, Place } from './conversation.ts';

const retryMs = 400;
/** How often a device forgets what it had not kept, as one does that was killed. It keeps what it acknowledges first. */
const forgets = 0.3;

export class InboxCopy {
  /** Seqs that were delivered to this device. */
  readonly seen = new Set<number>();
  needsFullSync = false;
  readonly #name: string;
  readonly #place: Place;
  readonly #conversation: Conversation;
  readonly #hear: (entry: InboxEntry) => void;
  readonly #keys: (counts: KeyCounts) => void;
  #handled = 0;
  #head = 0;
  #ackSent = 0;
  #acked = 0;
  #fetching = false;
  #welcomed = false;

  constructor(given: {
    name: string;
    place: Place;
    conversation: Conversation;
    hear: (entry: InboxEntry) => void;
    keys: (counts: KeyCounts) => void;
  }) {
    this.#name = given.name;
    this.#place = given.place;
    this.#conversation = given.conversation;
    this.#hear = given.hear;
    this.#keys = given.keys;
  }

  get complete(): boolean {
    return this.#handled >= this.#head;
  }

  welcomed({ inboxCursor, inboxHead, needsFullSync }: Welcome): void {
    const { witness, random } = this.#place;
    this.#fetching = false;
    if (!this.#welcomed) {
      // A new device starts where the inbox stood when it came.
      this.#welcomed = true;
      this.#handled = inboxCursor;
      this.#ackSent = inboxCursor;
    }
    if (inboxCursor < this.#acked) witness.wrong(`${this.#name} acknowledged ${this.#acked} and finds ${inboxCursor}`);
    if (inboxCursor > this.#ackSent)
      witness.wrong(`the cursor of ${this.#name} is at ${inboxCursor}, beyond ${this.#ackSent}`);
    this.needsFullSync ||= needsFullSync;
    if (random.chance(forgets)) {
      this.#handled = inboxCursor;
      for (const seq of this.seen) if (seq > this.#ackSent) this.seen.delete(seq);
    }
    this.moved(inboxHead);
  }

  moved(head: number): void {
    this.#head = Math.max(this.#head, head);
    this.#fetch();
  }

  #fetch(): void {
    if (this.#fetching || this.complete || !this.#conversation.live) return;
    this.#fetching = true;
    const value = { after: this.#handled, limit: this.#place.random.pick([0, 1, 3]) };
    this.#conversation.ask({ $case: 'fetchInbox', value }, (answer) => {
      this.#fetching = false;
      this.#page(answer);
    });
  }

  #page(answer: AnswerBody | null): void {
    const { witness, random, schedule } = this.#place;
    if (answer === null) return;
    if (answer.$case === 'rejected') {
      const { code } = answer.value;
      if (code >= Rejection.REJECTION_STALE_STATE)
        witness.wrong(`${this.#name} was refused its inbox: ${codeName(code)}`);
      schedule.after(retryMs, () => this.#fetch());
      return;
    }
    if (answer.$case !== 'inboxPage') return witness.wrong(`${this.#name} got ${answer.$case} for its inbox`);
    const { entries, through, needsFullSync, keys } = answer.value;
    this.needsFullSync ||= needsFullSync;
    for (const entry of entries) {
      this.seen.add(entry.seq);
      this.#hear(entry);
    }
    if (keys !== undefined) this.#keys(keys);
    this.#handled = Math.max(this.#handled, through);
    if (random.chance(0.8)) this.#acknowledge(through);
    this.#fetch();
  }

  #acknowledge(through: number): void {
    this.#ackSent = Math.max(this.#ackSent, through);
    this.#conversation.ask({ $case: 'ackInbox', value: { through, synced: false } }, (answer) => {
      if (answer?.$case === 'done') this.#acked = Math.max(this.#acked, through);
    });
  }
}
