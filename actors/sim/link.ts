// One connection between a device and a node: frames in order each way, until it breaks; then what was on its way is gone, and both ends learn of
// it later, each for itself. A device that does not read fills the outbox, and is cut off beyond its bound.
import { ServerFrame } from '#proto/gen/client.ts';
import { Disconnect } from '#proto/gen/codes.ts';
import type { Random } from './random.ts';
import type { Schedule } from './schedule.ts';

/** The node's end. */
export interface NodeEnd {
  received(link: Link, frames: readonly Uint8Array[]): void;
  closed(link: Link): void;
}

/** The device's end. `code` 0 = it broke without a word. */
export interface DeviceEnd {
  heard(link: Link, frames: readonly Uint8Array[]): void;
  ended(link: Link, code: number, retryAfterMs: number): void;
}

export interface LinkOptions {
  readonly id: number;
  readonly schedule: Schedule;
  readonly random: Random;
  readonly delayMs: number;
  readonly node: NodeEnd;
  readonly device: DeviceEnd;
}

/** Bytes that may wait for a device. */
const outboxBytesMax = 96 * 1024;
/** How long an end may take to learn that the connection is gone, milliseconds. */
const learnsWithinMs = 3_000;

interface Batch {
  readonly frames: Uint8Array[];
  readonly sentAt: number;
}

export class Link {
  readonly id: number;
  readonly #options: LinkOptions;
  #lost = false;
  #nodeOpen = true;
  #deviceOpen = true;
  #reading = true;
  #bytes = 0;
  #up: Batch | null = null;
  #upArrives = 0;
  #down: Batch | null = null;
  #downArrives = 0;
  readonly #unread: (readonly Uint8Array[])[] = [];

  constructor(options: LinkOptions) {
    this.#options = options;
    this.id = options.id;
  }

  /** It broke; one end or both may not know yet. */
  get isLost(): boolean {
    return this.#lost;
  }

  /** From the device. */
  send(frame: Uint8Array): void {
    const { schedule, node } = this.#options;
    if (this.#lost || !this.#deviceOpen) return;
    if (this.#up !== null && this.#up.sentAt === schedule.now) {
      this.#up.frames.push(frame);
      return;
    }
    const batch: Batch = { frames: [frame], sentAt: schedule.now };
    this.#up = batch;
    this.#upArrives = Math.max(this.#upArrives, schedule.now + this.#delay());
    schedule.at(this.#upArrives, () => {
      if (this.#up === batch) this.#up = null;
      if (!this.#lost && this.#nodeOpen) node.received(this, batch.frames);
    });
  }

  /** From the node. */
  push(frame: Uint8Array): void {
    if (!this.#nodeOpen) return;
    this.#bytes += frame.length;
    if (this.#bytes > outboxBytesMax) {
      this.close(Disconnect.DISCONNECT_SLOW_READER, 100);
      return;
    }
    this.#transmit(frame);
  }

  /** The node ends it: a last frame, then nothing more. */
  close(code: Disconnect, retryAfterMs: number): void {
    if (!this.#nodeOpen) return;
    const { schedule, device } = this.#options;
    this.#transmit(
      ServerFrame.encode({ request: 0, body: { $case: 'closing', value: { code, retryAfterMs } } }).finish(),
    );
    this.#nodeOpen = false;
    schedule.after(0, () => this.#options.node.closed(this));
    schedule.at(this.#downArrives + 1, () => {
      if (this.#lost || !this.#deviceOpen) return;
      this.#deviceOpen = false;
      device.ended(this, code, retryAfterMs);
    });
  }

  /** The device ends it. */
  leave(): void {
    if (!this.#deviceOpen) return;
    this.#deviceOpen = false;
    this.#nodeLearns(this.#delay());
  }

  /** It breaks. */
  break(): void {
    if (this.#lost) return;
    const { schedule, random, device } = this.#options;
    this.#lost = true;
    this.#nodeLearns(random.delay(learnsWithinMs / 3, learnsWithinMs));
    schedule.after(random.delay(learnsWithinMs / 3, learnsWithinMs), () => {
      if (!this.#deviceOpen) return;
      this.#deviceOpen = false;
      device.ended(this, 0, 0);
    });
  }

  /** The process at the node's end died. */
  nodeDied(): void {
    this.#nodeOpen = false;
    this.break();
  }

  /** The device stops reading, or goes on. */
  read(reading: boolean): void {
    this.#reading = reading;
    if (!reading) return;
    for (const frames of this.#unread.splice(0)) this.#hear(frames);
  }

  #nodeLearns(delayMs: number): void {
    this.#options.schedule.after(delayMs, () => {
      if (!this.#nodeOpen) return;
      this.#nodeOpen = false;
      this.#options.node.closed(this);
    });
  }

  #transmit(frame: Uint8Array): void {
    const { schedule } = this.#options;
    if (this.#down !== null && this.#down.sentAt === schedule.now) {
      this.#down.frames.push(frame);
      return;
    }
    const batch: Batch = { frames: [frame], sentAt: schedule.now };
    this.#down = batch;
    this.#downArrives = Math.max(this.#downArrives, schedule.now + this.#delay());
    schedule.at(this.#downArrives, () => {
      if (this.#down === batch) this.#down = null;
      if (this.#lost || !this.#deviceOpen) return;
      if (this.#reading) this.#hear(batch.frames);
      else this.#unread.push(batch.frames);
    });
  }

  #hear(frames: readonly Uint8Array[]): void {
    for (const { length } of frames) this.#bytes -= length;
    if (this.#deviceOpen) this.#options.device.heard(this, frames);
  }

  #delay(): number {
    const { random, delayMs } = this.#options;
    return 1 + random.delay(delayMs, 20 * delayMs);
  }
}
