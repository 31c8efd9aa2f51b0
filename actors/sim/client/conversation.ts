// A device's connection as it sees it: says hello, numbers its requests, gives each answer to whoever asked, comes back when it was cut off.
// Checks that every request gets exactly one answer, or its session ends.
import type { AnswerBody, RequestBody } from '#actors/kernel/messages.ts';
import { ClientFrame, ServerFrame, type Welcome } from '#proto/gen/client.ts';
import { Disconnect, Rejection } from '#proto/gen/codes.ts';
import { encodeMessage } from '#proto/rules/bytes/encode.ts';
import { limits } from '#proto/rules/limits.ts';
import type { DeviceEnd, Link } from '../link.ts';
import type { Random } from '../random.ts';
import type { Schedule } from '../schedule.ts';
import type { Witness } from '../witness.ts';

/** What a device hears without asking. */
export interface Hearer {
  readonly name: string;
  readonly token: string;
  /** Its account is being erased, or is: that nobody knows it any more is no wrong. */
  readonly leaves: boolean;
  welcomed(welcome: Welcome): void;
  pushed(body: AnswerBody): void;
  /** The connection ended, and the device may not come back. */
  loggedOut(): void;
  /** The connection is gone; whatever was asked got null before. */
  cutOff(): void;
}

/** Where a device lives. */
export interface Place {
  readonly schedule: Schedule;
  readonly random: Random;
  readonly witness: Witness;
  /** Does a chain that is read for the first time begin behind the newest CHECKPOINT, where there is one? Default: only where it must. */
  readonly beginsBehind?: () => boolean;
  /** A connection to the node of the moment; null = nobody is there. `isSound` says that the process never stood still. */
  connect(device: DeviceEnd): { readonly link: Link; readonly isSound: () => boolean } | null;
}

/** null = the connection broke before the answer came. */
export type Answered = (answer: AnswerBody | null) => void;

interface Asked {
  readonly request: number;
  readonly what: string;
  readonly at: number;
  readonly answered: Answered;
}

/** No answer takes longer, milliseconds, unless the process stands still: ten seconds of a gather, and the log's tries. */
const answerMsMax = 25_000;
const lookEveryMs = 5_000;

export class Conversation implements DeviceEnd {
  readonly #place: Place;
  readonly #hearer: Hearer;
  #link: Link | null = null;
  #isSound: () => boolean = () => true;
  #since = 0;
  #live = false;
  #stalled = false;
  #requests = 1;
  #wanted = false;
  #looks = false;
  readonly #asked = new Map<number, Asked>();
  readonly #queue: { readonly body: RequestBody; readonly answered: Answered }[] = [];

  constructor(place: Place, hearer: Hearer) {
    this.#place = place;
    this.#hearer = hearer;
  }

  get live(): boolean {
    return this.#live;
  }

  /** Requests without an answer yet. */
  get open(): number {
    return this.#asked.size + this.#queue.length;
  }

  /** Connects, and comes back whenever it is cut off. */
  start(): void {
    this.#wanted = true;
    if (!this.#looks) this.#look();
    this.#connect();
  }

  /** The device is switched off. */
  stop(): void {
    this.#wanted = false;
    this.#link?.break();
  }

  /** The connection breaks, as links do. */
  break(): void {
    this.#link?.break();
  }

  /** The device stops reading for so long. */
  stall(ms: number): void {
    const link = this.#link;
    if (link === null) return;
    this.#stalled = true;
    link.read(false);
    this.#place.schedule.after(ms, () => link.read(true));
  }

  /** Asks; the answer comes later, or null. Not live: null at once. */
  ask(body: RequestBody, answered: Answered): void {
    if (!this.#live) {
      answered(null);
    } else if (this.#asked.size >= limits.requestsMax) {
      this.#queue.push({ body, answered });
    } else {
      this.#send(body, answered);
    }
  }

  /** Says something that has no answer. */
  say(body: RequestBody): void {
    if (this.#live) this.#link?.send(encodeMessage(ClientFrame, { request: 0, body }));
  }

  heard(link: Link, frames: readonly Uint8Array[]): void {
    for (const bytes of frames) {
      if (link !== this.#link) return;
      const { request, body } = ServerFrame.decode(bytes);
      if (request !== 0) this.#answer(request, body);
      else if (body !== undefined) this.#hearer.pushed(body);
    }
  }

  ended(link: Link, code: number, retryAfterMs: number): void {
    if (link !== this.#link) return;
    this.#place.witness.trace(`${this.#hearer.name} is cut off: ${code}`);
    if (code === Disconnect.DISCONNECT_LOGGED_OUT) this.#hearer.loggedOut();
    this.#lose(retryAfterMs + this.#place.random.between(20, 400));
  }

  #connect(): void {
    if (!this.#wanted || this.#link !== null) return;
    const made = this.#place.connect(this);
    if (made === null) {
      this.#place.schedule.after(this.#place.random.between(100, 500), () => this.#connect());
      return;
    }
    this.#link = made.link;
    this.#isSound = made.isSound;
    this.#since = this.#place.schedule.now;
    this.#stalled = false;
    const value = { version: 1, accessToken: this.#hearer.token, client: 'sim', quiet: false };
    this.#send({ $case: 'hello', value }, (answer) => {
      if (answer === null) return;
      if (answer.$case !== 'welcome') {
        this.#place.witness.wrong(`${this.#hearer.name} said hello and heard ${answer.$case}`);
        return;
      }
      this.#live = true;
      this.#hearer.welcomed(answer.value);
    });
  }

  #send(body: RequestBody, answered: Answered): void {
    const request = ++this.#requests;
    this.#asked.set(request, { request, what: body.$case, at: this.#place.schedule.now, answered });
    this.#link?.send(encodeMessage(ClientFrame, { request, body }));
  }

  #answer(request: number, body: AnswerBody | undefined): void {
    const asked = this.#asked.get(request);
    if (asked === undefined || body === undefined) {
      this.#place.witness.wrong(`${this.#hearer.name} got an answer that nobody asked for: ${body?.$case}`);
      return;
    }
    this.#asked.delete(request);
    const next = this.#queue.shift();
    if (next !== undefined) this.#send(next.body, next.answered);
    const isUnknown = body.$case === 'rejected' && body.value.code === Rejection.REJECTION_NOT_LOGGED_IN;
    asked.answered(isUnknown && this.#hearer.leaves ? null : body);
  }

  #lose(backAfterMs: number): void {
    this.#link = null;
    this.#live = false;
    const lost = [...this.#asked.values(), ...this.#queue];
    this.#asked.clear();
    this.#queue.length = 0;
    for (const { answered } of lost) answered(null);
    this.#hearer.cutOff();
    this.#place.schedule.after(backAfterMs, () => this.#connect());
  }

  /** Now and then: is anything owed for too long? Then the connection is given up. */
  #look(): void {
    this.#looks = true;
    this.#place.schedule.after(lookEveryMs, () => this.#look());
    const [oldest] = this.#asked.values();
    const link = this.#link;
    if (oldest === undefined || link === null) return;
    const { now } = this.#place.schedule;
    if (now - oldest.at <= answerMsMax || now - this.#since <= answerMsMax) return;
    if (this.#isSound() && !link.isLost && !this.#stalled) {
      this.#place.witness.wrong(`${this.#hearer.name} got no answer to ${oldest.what} for ${now - oldest.at} ms`);
    }
    link.leave();
    this.#lose(100);
  }
}
