// What the devices of a run lived through, as far as promises rest on it, and whatever was found wrong. It knows no actor and no store.
import { Rejection } from '#proto/gen/codes.ts';
import { toHex } from '#proto/rules/bytes/base.ts';

/** One accepted event, as its sender was told. */
export interface Ack {
  readonly room: string;
  readonly label: string;
  readonly seq: number;
  readonly hash: string;
  /** When it was first sent and when the answer came, virtual milliseconds. */
  readonly sentAt: number;
  readonly ackedAt: number;
}

/** A device message that was reported as stored. */
export interface Delivered {
  readonly sender: string;
  readonly senderDevice: number;
  readonly user: string;
  readonly device: number;
  readonly id: string;
}

/** More are counted, not kept. */
const violationsKept = 20;

export class Witness {
  readonly violations: string[] = [];
  readonly acks: Ack[] = [];
  /** `room label`s that were refused for good under some send id, and never sent under another. */
  readonly refused: {
    readonly room: string;
    readonly member: number;
    readonly device: number;
    readonly sendId: number;
  }[] = [];
  readonly delivered: Delivered[] = [];
  /** Receipts that were answered: newest version by `room user`. */
  readonly receipts = new Map<string, number>();
  readonly #answers = new Map<string, string>();
  readonly #claimed = new Set<string>();
  readonly #accepted = new Map<string, number>();
  readonly #trace: ((line: string) => void) | null;
  #violations = 0;

  constructor(trace: ((line: string) => void) | null) {
    this.#trace = trace;
  }

  /** Is anybody reading the trace? */
  get traces(): boolean {
    return this.#trace !== null;
  }

  trace(line: string): void {
    this.#trace?.(line);
  }

  /** A promise was broken. */
  wrong(what: string): void {
    this.#trace?.(`WRONG: ${what}`);
    if (this.#violations++ < violationsKept) this.violations.push(what);
  }

  /** An event was accepted. The same event must get the same answer, however often it is asked. */
  acked(ack: Ack, event: string, acceptedMs: number): void {
    const answer = `${ack.seq} ${acceptedMs} ${ack.hash}`;
    const before = this.#answers.get(event);
    if (before !== undefined && before !== answer) this.wrong(`one event got two answers: ${before} and ${answer}`);
    this.#answers.set(event, answer);
    this.acks.push(ack);
    this.#accepted.set(ack.room, Math.max(ack.seq, this.#accepted.get(ack.room) ?? 0));
  }

  /** The highest seq of each room that any device was told of so far: whoever asks now must hear of no head below it. */
  owed(): ReadonlyMap<string, number> {
    return new Map(this.#accepted);
  }

  /** A one-time key was handed out. */
  claimed(user: string, device: number, keyId: string): void {
    const key = `${user} ${device} ${keyId}`;
    if (this.#claimed.has(key) && !isFallback(keyId)) this.wrong(`one-time key ${key} was handed out twice`);
    this.#claimed.add(key);
  }
}

/** Ids of fallback keys in this world; those may be handed out again and again. */
export function isFallback(keyId: string): boolean {
  return keyId.includes(':F');
}

/** A hash, short enough to read. */
export function short(hash: Uint8Array): string {
  return toHex(hash).slice(0, 16);
}

/** The name of a code, for messages. */
export function codeName(code: Rejection): string {
  return (
    Object.entries(Rejection)
      .find(([, number]) => number === code)?.[0]
      .slice('REJECTION_'.length) ?? `${code}`
  );
}
