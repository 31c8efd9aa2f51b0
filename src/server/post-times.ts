// How long devices wait for the answer to what they post, from the frame to the queued answer, and how many were accepted. It reads the first bytes of a
// frame only: a device that writes its fields in another order is served like any other and not timed. Nothing here decides anything.
import { Histogram } from './telemetry/histogram.ts';

// Field and wire type as protobuf writes them; a test compares them with the codec.
const requestTag = 0x08;
const submitTag = 0x32;
const acceptedTag = 0x3a;
const rejectedTag = 0x12;

/** As many as a device may have under way; more are not timed. */
const underWayMax = 64;

export class PostTimes {
  readonly accepted = new Histogram();
  rejected = 0;
  readonly #now: () => number;
  /** When they came, by session and request. Sessions that post nothing just now are not here. */
  readonly #underWay = new Map<number, Map<number, number>>();

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Sessions that wait for an answer. */
  get waiting(): number {
    return this.#underWay.size;
  }

  /** Frames of one session came. */
  received(session: number, frames: readonly Uint8Array[]): void {
    for (const frame of frames) {
      const request = numberBefore(frame, submitTag);
      if (request !== 0) this.#began(session, request);
    }
  }

  /** A frame for a session was queued. */
  pushed(session: number, frame: Uint8Array): void {
    const requests = this.#underWay.get(session);
    if (requests === undefined) return;
    const request = numberBefore(frame, acceptedTag) || -numberBefore(frame, rejectedTag);
    const began = requests.get(Math.abs(request));
    if (began === undefined) return;
    requests.delete(Math.abs(request));
    if (requests.size === 0) this.#underWay.delete(session);
    if (request > 0) this.accepted.note(this.#now() - began);
    else this.rejected++;
  }

  /** The session is gone. */
  closed(session: number): void {
    this.#underWay.delete(session);
  }

  #began(session: number, request: number): void {
    let requests = this.#underWay.get(session);
    if (requests === undefined) {
      requests = new Map();
      this.#underWay.set(session, requests);
    }
    if (requests.size < underWayMax && !requests.has(request)) requests.set(request, this.#now());
  }
}

/** The number of a frame that begins with one and goes on with this field; else 0. */
function numberBefore(frame: Uint8Array, tag: number): number {
  if (frame[0] !== requestTag) return 0;
  let number = 0;
  for (let at = 1; at <= 5; at++) {
    const byte = frame[at];
    if (byte === undefined) return 0;
    number += (byte & 127) * 2 ** (7 * (at - 1));
    if (byte < 128) return frame[at + 1] === tag ? number : 0;
  }
  return 0;
}
