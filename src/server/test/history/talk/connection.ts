// One connection of one device to one node: requests with a deadline, and an end that says how long to wait. What does not answer in time is cut off,
// as a person's device would do, so that a node that is paused is left.
import type { Answer, AnswerOf, Body } from '#bench/lib/raw-client.ts';
import { RawClient } from '#bench/lib/raw-client.ts';
import { ServerFrame, type Welcome } from '#proto/gen/client.ts';
import type { Frames, RoomFrame } from './frames.ts';

/** A node of a cluster as a device knows it. */
export interface NodeAddress {
  readonly name: string;
  readonly port: number;
}

export interface Patience {
  /** A request without an answer for so long ends the connection, milliseconds. */
  readonly answerMs: number;
  /** After so long without a word the node is asked whether it is there, milliseconds. */
  readonly quietMs: number;
}

/** How a connection ended. */
export interface End {
  /** WebSocket close code; 1006 = without a word. */
  readonly code: number;
  /** What the server asked for; 0 = nothing. */
  readonly retryAfterMs: number;
}

/** The node refused the connection or did not take it in time. */
export class Refused extends Error {
  readonly end: End;
  constructor(message: string, end: End) {
    super(message);
    this.end = end;
  }
}

export interface Hearing {
  readonly records: (frame: RoomFrame) => void;
  /** Any other pushed frame. */
  readonly pushed: (body: Answer) => void;
}

export class Connection {
  readonly #client: RawClient;
  readonly #patience: Patience;
  /** Resolves when it is over. */
  readonly ended: Promise<End>;
  #retryAfterMs = 0;
  #heardMs = 0;
  #watch: NodeJS.Timeout | undefined;
  /** Settled when it stands still no more; null = it does not. */
  #stalled: PromiseWithResolvers<void> | null = null;

  private constructor({ port }: NodeAddress, parts: { patience: Patience; frames: Frames; hearing: Hearing }) {
    const { patience, frames, hearing } = parts;
    this.#patience = patience;
    this.#client = new RawClient(port);
    this.#client.frame = (bytes) => {
      this.#heardMs = performance.now();
      const frame = frames.pushed(bytes);
      if (frame !== null) hearing.records(frame);
      else if (isClosing(bytes)) this.#closing(bytes);
      return frame !== null;
    };
    this.#client.pushed = hearing.pushed;
    this.ended = this.#client.wire.closed.then((code) => {
      clearInterval(this.#watch);
      this.#stalled?.reject(new Error(`closed with ${code} while it stood still`));
      return { code, retryAfterMs: this.#retryAfterMs };
    });
  }

  /** Connects and says hello. Rejects with Refused. */
  static async open(
    node: NodeAddress,
    accessToken: string,
    parts: { patience: Patience; frames: Frames; hearing: Hearing },
  ): Promise<{ connection: Connection; welcome: Welcome }> {
    const connection = new Connection(node, parts);
    const late = setTimeout(() => connection.cut(), parts.patience.answerMs);
    try {
      await connection.#client.wire.opened;
      const hello = { version: 1, accessToken, client: 'history', quiet: true };
      const welcome = await connection.ask({ $case: 'hello', value: hello }, 'welcome');
      connection.#watchOver();
      return { connection, welcome };
    } catch (error) {
      connection.cut();
      const text = String(error);
      const seconds = Number(/retry-after: (\d+)/i.exec(text)?.[1] ?? 0);
      const { code, retryAfterMs } = await connection.ended;
      throw new Refused(text, { code, retryAfterMs: retryAfterMs || seconds * 1_000 });
    } finally {
      clearTimeout(late);
    }
  }

  /** Rejects with Rejected, or with another error when the connection ends first. */
  async ask<K extends Answer['$case']>(body: Body, wanted: K): Promise<AnswerOf<K>> {
    if (this.#stalled !== null) await this.#stalled.promise;
    const late = setTimeout(() => this.#late(), this.#patience.answerMs);
    try {
      return await this.#client.ask(body, wanted);
    } finally {
      clearTimeout(late);
    }
  }

  /** Stands still, as a program that hangs: it reads nothing, says nothing and counts no time. */
  stall(): void {
    if (this.#stalled !== null) return;
    this.#stalled = Promise.withResolvers();
    this.#stalled.promise.catch(() => {});
    this.#client.wire.pause();
  }

  /** Goes on where it stood: with what came meanwhile, or with the news that it is over. */
  unstall(): void {
    this.#heardMs = performance.now();
    this.#client.wire.resume();
    this.#stalled?.resolve();
    this.#stalled = null;
  }

  /** Ends it without a word, as a bad network would. */
  cut(): void {
    this.#client.wire.cut();
  }

  /** Of what waits for an answer while it stands still, `#watchOver` hears afterwards. */
  #late(): void {
    if (this.#stalled === null) this.cut();
  }

  #watchOver(): void {
    const { quietMs } = this.#patience;
    this.#watch = setInterval(() => {
      if (this.#stalled !== null || performance.now() - this.#heardMs < quietMs) return;
      // Moves no cursor: any answer will do, none within its time cuts the connection.
      this.ask({ $case: 'ackInbox', value: { through: 0, synced: false } }, 'done').catch(() => {});
    }, quietMs);
  }

  #closing(bytes: Uint8Array): void {
    const { body } = ServerFrame.decode(bytes);
    if (body?.$case === 'closing') this.#retryAfterMs = body.value.retryAfterMs;
  }
}

/** Field 37 and no request number before it. */
function isClosing(bytes: Uint8Array): boolean {
  return bytes[0] === 0xaa && bytes[1] === 0x02;
}
