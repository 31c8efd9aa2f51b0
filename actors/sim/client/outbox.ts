// What a device still has to say, room by room, in order. An event keeps its bytes until it is answered for good; whatever is in doubt is sent
// again as it is, and only what was refused is made anew, under a fresh send id.
import type { AnswerBody } from '#actors/kernel/messages.ts';
import type { Rejected, Submit } from '#proto/gen/client.ts';
import { Rejection } from '#proto/gen/codes.ts';
import { ControlBody, ControlEntry, type Event, EventHeader, EventKind } from '#proto/gen/record.ts';
import { codeName, short } from '../witness.ts';
import type { Conversation, Place } from './conversation.ts';

/** What became of an item. */
export type Outcome = 'accepted' | 'refused' | 'exists';

/** Something to be said in a room. */
export interface Saying {
  readonly label: string;
  readonly room: string;
  /** Builds the event by what is known now; null = it makes no sense any more. */
  readonly make: (sendId: number) => Submit | null;
  readonly done: (outcome: Outcome, code: Rejection | 0) => void;
}

/** What an outbox asks of its device. */
export interface OutboxHost {
  readonly name: string;
  /** Reads the chain of a room anew, then goes on. */
  refresh(room: string, then: () => void): void;
}

interface Item extends Saying {
  made: Submit | null;
  sentAt: number;
  underWay: boolean;
  tries: number;
}

/** Fresh ids that one saying gets because the room moved on. */
const triesMax = 12;
const retryMs = 400;
/** Refusals that say for sure that the event is not, and will not be, in the log. */
const forSure: ReadonlySet<Rejection> = new Set<Rejection>([
  Rejection.REJECTION_STALE_STATE,
  Rejection.REJECTION_NOT_MEMBER,
  Rejection.REJECTION_FORBIDDEN,
  Rejection.REJECTION_INVALID_CONTROL,
  Rejection.REJECTION_BAD_EVENT,
]);

export class Outbox {
  readonly #place: Place;
  readonly #conversation: Conversation;
  readonly #host: OutboxHost;
  /** Events of a room that may be under way at once. */
  readonly #ahead: number;
  readonly #rooms = new Map<string, Item[]>();
  readonly #sendIds = new Map<string, number>();

  constructor(given: { place: Place; conversation: Conversation; host: OutboxHost; ahead: number }) {
    this.#place = given.place;
    this.#conversation = given.conversation;
    this.#host = given.host;
    this.#ahead = given.ahead;
  }

  /** Labels that are not answered yet. */
  get waiting(): string[] {
    return [...this.#rooms.values()].flatMap((items) => items.map(({ label, tries }) => `${label} (${tries} tries)`));
  }

  say(saying: Saying): void {
    const items = this.#rooms.get(saying.room) ?? [];
    this.#rooms.set(saying.room, items);
    items.push({ ...saying, made: null, sentAt: 0, underWay: false, tries: 0 });
    this.#pump(saying.room);
  }

  /** The connection is there again: what was under way is in doubt, and is said again. */
  resume(): void {
    for (const room of this.#rooms.keys()) this.#pump(room);
  }

  #pump(room: string): void {
    const items = this.#rooms.get(room) ?? [];
    if (!this.#conversation.live) return;
    for (const item of items.slice(0, this.#ahead)) {
      if (item.underWay) continue;
      if (item.made === null && !this.#make(item)) return this.#pump(room);
      this.#send(item);
    }
  }

  #make(item: Item): boolean {
    const sendId = (this.#sendIds.get(item.room) ?? 0) + 1;
    const made = item.tries > triesMax ? null : item.make(sendId);
    if (made === null) {
      this.#remove(item);
      item.done('refused', 0);
      return false;
    }
    this.#sendIds.set(item.room, sendId);
    item.made = made;
    item.tries++;
    item.sentAt = 0;
    return true;
  }

  #send(item: Item): void {
    const submit = item.made!;
    item.underWay = true;
    if (item.sentAt === 0) item.sentAt = this.#place.schedule.now;
    this.#conversation.ask({ $case: 'submit', value: submit }, (answer) => {
      item.underWay = false;
      if (answer !== null) this.#answered(item, submit, answer);
    });
  }

  #answered(item: Item, submit: Submit, answer: AnswerBody): void {
    const { witness, schedule } = this.#place;
    if (answer.$case === 'accepted') {
      const { seq, acceptedMs, hash } = answer.value;
      const { room, label, sentAt } = item;
      const { member, device, sendId } = headerOf(submit);
      witness.trace(`${this.#host.name} hears that ${label} is accepted at ${seq} of ${room}`);
      const ack = { room, label, seq, hash: short(hash), sentAt, ackedAt: schedule.now };
      witness.acked(ack, `${room} ${member}/${device}/${sendId}`, acceptedMs);
      this.#remove(item);
      item.done('accepted', 0);
      this.#pump(item.room);
      return;
    }
    if (answer.$case !== 'rejected') {
      witness.wrong(`${this.#host.name} submitted and heard ${answer.$case}`);
      return;
    }
    this.#rejected(item, submit, answer.value);
  }

  #rejected(item: Item, submit: Submit, { code, retryAfterMs, control }: Rejected): void {
    const { witness } = this.#place;
    witness.trace(`${this.#host.name} hears ${codeName(code)} to ${item.label} in ${item.room}`);
    const event = submit.event!;
    if (code === Rejection.REJECTION_STALE_STATE && (control?.number ?? 0) < numberOf(event)) {
      witness.wrong(`${item.label} is stale in ${item.room}, and the head told is the one that it stands on`);
    }
    if (forSure.has(code)) {
      const { member, device, sendId } = headerOf(submit);
      witness.refused.push({ room: item.room, member, device, sendId });
    }
    switch (code) {
      case Rejection.REJECTION_BUSY:
      case Rejection.REJECTION_UNAVAILABLE:
      case Rejection.REJECTION_RATE_LIMITED:
      case Rejection.REJECTION_LIMIT_REACHED:
      case Rejection.REJECTION_STALE_MANIFEST:
      case Rejection.REJECTION_NOT_LOGGED_IN:
        this.#place.schedule.after(Math.max(retryAfterMs, retryMs), () => this.#pump(item.room));
        return;
      case Rejection.REJECTION_STALE_STATE:
      case Rejection.REJECTION_TOO_OLD:
        item.made = null;
        this.#host.refresh(item.room, () => this.#pump(item.room));
        return;
      case Rejection.REJECTION_ROOM_EXISTS:
        this.#remove(item);
        item.done('exists', code);
        break;
      case Rejection.REJECTION_BAD_EVENT:
      case Rejection.REJECTION_BAD_REQUEST:
      case Rejection.REJECTION_BAD_SIGNATURE:
      case Rejection.REJECTION_ID_REUSED:
      case Rejection.REJECTION_TOO_LARGE:
        witness.wrong(`${this.#host.name} was refused ${item.label} in ${item.room}: ${codeName(code)}`);
        this.#remove(item);
        item.done('refused', code);
        break;
      default:
        this.#remove(item);
        item.done('refused', code);
    }
    this.#pump(item.room);
  }

  #remove(item: Item): void {
    const items = this.#rooms.get(item.room) ?? [];
    const at = items.indexOf(item);
    if (at >= 0) items.splice(at, 1);
  }
}

/** Number of the control entry in an event; 0 = it holds none. */
function numberOf({ header, body }: Event): number {
  if (EventHeader.decode(header).kind !== EventKind.EVENT_KIND_CONTROL) return 0;
  return ControlBody.decode(ControlEntry.decode(body).signed).number;
}

function headerOf(submit: Submit): EventHeader {
  return EventHeader.decode(submit.event!.header);
}
