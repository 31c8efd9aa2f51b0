// What waits for one actor: a control lane that is served first and never refused, and a work lane bounded by messages and bytes.
// Guarantees: first in first out within a lane; what `offer` accepts is taken once. It does not answer what it refuses: see bounce.ts.
import type { MailboxLimits } from './limits.ts';
import type { Message } from './messages.ts';

interface Envelope {
  readonly message: Message;
  readonly bytes: number;
  next: Envelope | null;
}

/** One actor's mailbox. Empty it holds no memory beyond its fields. */
export class Mailbox {
  readonly #limits: MailboxLimits;
  #head: Envelope | null = null;
  #tail: Envelope | null = null;
  #controlHead: Envelope | null = null;
  #controlTail: Envelope | null = null;
  #messages = 0;
  #bytes = 0;
  #controls = 0;

  constructor(limits: MailboxLimits) {
    this.#limits = limits;
  }

  /** Messages waiting in the work lane. */
  get messages(): number {
    return this.#messages;
  }

  /** Bytes waiting in the work lane. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Messages waiting in the control lane. */
  get controls(): number {
    return this.#controls;
  }

  /** Nothing waits in either lane. */
  get empty(): boolean {
    return this.#head === null && this.#controlHead === null;
  }

  /** Something waits in the control lane. */
  get controlWaiting(): boolean {
    return this.#controlHead !== null;
  }

  /** Puts work at the end; false = full by messages or by bytes, and the mailbox is as before. */
  offer(message: Message, bytes: number): boolean {
    if (this.#messages >= this.#limits.messagesMax || this.#bytes + bytes > this.#limits.bytesMax) return false;
    const envelope: Envelope = { message, bytes, next: null };
    if (this.#tail === null) this.#head = envelope;
    else this.#tail.next = envelope;
    this.#tail = envelope;
    this.#messages++;
    this.#bytes += bytes;
    return true;
  }

  /** Puts a message at the end of the control lane. */
  offerControl(message: Message): void {
    const envelope: Envelope = { message, bytes: 0, next: null };
    if (this.#controlTail === null) this.#controlHead = envelope;
    else this.#controlTail.next = envelope;
    this.#controlTail = envelope;
    this.#controls++;
  }

  /** The next message: control first. `null` = none. */
  take(): Message | null {
    return this.takeControl() ?? this.#takeWork();
  }

  /** The next control message alone, for an actor that is stopping: its work waits for the next incarnation. */
  takeControl(): Message | null {
    const envelope = this.#controlHead;
    if (envelope === null) return null;
    this.#controlHead = envelope.next;
    if (envelope.next === null) this.#controlTail = null;
    // An old dead envelope that points to a young one would keep the young one alive through several collections.
    envelope.next = null;
    this.#controls--;
    return envelope.message;
  }

  /** Empties the control lane, in order. */
  drainControl(): Message[] {
    const drained: Message[] = [];
    for (let message = this.takeControl(); message !== null; message = this.takeControl()) drained.push(message);
    return drained;
  }

  /** Empties the work lane, in order. */
  drainWork(): Message[] {
    const drained: Message[] = [];
    for (let message = this.#takeWork(); message !== null; message = this.#takeWork()) drained.push(message);
    return drained;
  }

  /** Takes a timer that has fired, but was cancelled or started again before its message was handled, out of the control lane. */
  forgetTimer(name: string): void {
    if (this.#controlHead === null) return;
    for (const message of this.drainControl()) {
      if (message.kind !== 'timer' || message.name !== name) this.offerControl(message);
    }
  }

  #takeWork(): Message | null {
    const envelope = this.#head;
    if (envelope === null) return null;
    this.#head = envelope.next;
    if (envelope.next === null) this.#tail = null;
    envelope.next = null;
    this.#messages--;
    this.#bytes -= envelope.bytes;
    return envelope.message;
  }
}
