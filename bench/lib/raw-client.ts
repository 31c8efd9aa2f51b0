// The protocol as a program speaks it that wants numbers and no comfort: a wire, request numbers, answers by promise, pushed frames to a hook. No
// resume, no retries, no store. `frame` sees every frame before it is decoded, so that load can be counted without decoding.
import { ClientFrame, ServerFrame } from '#proto/gen/client.ts';
import { Rejection } from '#proto/gen/codes.ts';
import type { ControlHead } from '#proto/gen/record.ts';
import { framedBytes, splitFrames, writeFrame } from '#proto/rules/bytes/frames.ts';
import type { BenchLogin, Identity } from './identity.ts';
import { Wire } from './wire.ts';

/** What can be asked. */
export type Body = NonNullable<ClientFrame['body']>;
/** What can come. */
export type Answer = NonNullable<ServerFrame['body']>;
/** The content of one kind of answer. */
export type AnswerOf<K extends Answer['$case']> = { [A in Answer as A['$case']]: A['value'] }[K];

type Refusal = Pick<AnswerOf<'rejected'>, 'code' | 'retryAfterMs' | 'control'>;

/** A request was rejected. */
export class Rejected extends Error {
  readonly code: Rejection;
  readonly retryAfterMs: number;
  /** With STALE_STATE: where the chain stands. */
  readonly control: ControlHead | undefined;
  constructor(asked: string, { code, retryAfterMs, control }: Refusal) {
    super(`${asked} was rejected: ${nameOf(code)} (${retryAfterMs} ms)`);
    this.code = code;
    this.retryAfterMs = retryAfterMs;
    // What was decoded lies in a buffer that is used again.
    this.control = control && { number: control.number, hash: Uint8Array.from(control.hash) };
  }
}

interface Waiting {
  readonly asked: string;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

export class RawClient {
  readonly wire: Wire;
  readonly #waiting = new Map<number, Waiting>();
  #lastRequest = 0;
  /** Sees each frame first (a view, valid during the call); true = it is dealt with. */
  frame: ((bytes: Uint8Array) => boolean) | null = null;
  /** Pushed frames, decoded. */
  pushed: ((body: Answer) => void) | null = null;

  constructor(port: number) {
    this.wire = new Wire({ port }, (payload) => {
      for (const bytes of splitFrames(payload)) if (this.frame === null || !this.frame(bytes)) this.#frame(bytes);
    });
    void this.wire.closed.then((code) => this.#gone(new Error(`the server closed the connection: ${code}`)));
  }

  /** Connects and says hello. */
  static async open(port: number, { accessToken }: Pick<BenchLogin, 'accessToken'>): Promise<RawClient> {
    const client = new RawClient(port);
    await client.wire.opened;
    const hello = { version: 1, accessToken, client: 'bench', quiet: false };
    await client.ask({ $case: 'hello', value: hello }, 'welcome');
    return client;
  }

  /** Sends a request and resolves with its answer, which must be of this case. Rejects with Rejected, or when the connection ends. */
  ask<K extends Answer['$case']>(body: Body, wanted: K): Promise<AnswerOf<K>> {
    this.#lastRequest += 1;
    const request = this.#lastRequest;
    const answer = new Promise<Answer>((resolve, reject) => {
      this.#waiting.set(request, { asked: body.$case, resolve, reject });
    });
    this.wire.send(framed(ClientFrame.encode({ request, body }).finish()));
    return answer.then<AnswerOf<K>>((got) => {
      if (got.$case === wanted) return got.value as AnswerOf<K>;
      if (got.$case === 'rejected') throw new Rejected(body.$case, got.value);
      throw new Error(`${body.$case} was answered by ${got.$case}`);
    });
  }

  /** Sends a message that holds one request with this number, made elsewhere; resolves when it was not rejected. */
  async answered(request: number, message: Uint8Array): Promise<void> {
    const answer = await new Promise<Answer>((resolve, reject) => {
      this.#waiting.set(request, { asked: 'made elsewhere', resolve, reject });
      this.wire.send(message);
    });
    if (answer.$case === 'rejected') throw new Rejected('made elsewhere', answer.value);
  }

  /** Uploads keys and publishes the first manifest: afterwards this device may write. */
  async enrol({ deviceJson, masterJson, selfSigningJson, userSigningJson, manifest }: Identity): Promise<void> {
    await this.ask({ $case: 'uploadKeys', value: { deviceJson, oneTimeKeys: [], fallbackKeys: [] } }, 'keyCounts');
    await this.ask({ $case: 'uploadCrossSigning', value: { masterJson, selfSigningJson, userSigningJson } }, 'done');
    await this.ask({ $case: 'publishManifest', value: { manifest } }, 'done');
  }

  #frame(bytes: Uint8Array): void {
    const { request, body } = ServerFrame.decode(bytes);
    if (body === undefined) return;
    if (body.$case === 'closing') return this.#gone(new Error(`the server is closing: ${body.value.code}`));
    const waiting = this.#waiting.get(request);
    if (waiting === undefined) return this.pushed?.(body);
    this.#waiting.delete(request);
    waiting.resolve(body);
  }

  #gone(error: Error): void {
    for (const { asked, reject } of this.#waiting.values()) reject(new Error(`${asked}: ${error.message}`));
    this.#waiting.clear();
  }
}

function nameOf(code: Rejection): string {
  return Object.entries(Rejection).find(([, number]) => number === code)?.[0] ?? `code ${code}`;
}

/** One frame with its length before it. */
export function framed(frame: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(framedBytes(frame.length));
  writeFrame(bytes, 0, frame);
  return bytes;
}
