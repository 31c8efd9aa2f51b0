// Calls between two threads over a port of messages, both ways at once. What is passed is copied as the platform does it (structured clone).
// Guarantees: each call is answered once, or rejects when the other side ends; an error keeps its code. Does not: keep calls in order beyond what the port does.
import type { Disconnect, Rejection } from '#proto/gen/codes.ts';
import { ClientError, type ClientErrorCode } from '../../errors.ts';

/** One end, as worker_threads and browsers both have it. */
export interface Port {
  post(message: unknown): void;
  listen(listener: (message: unknown) => void): void;
}

/** Serves a call of the other side. */
export type Serve = (name: string, args: readonly never[]) => unknown;

interface PackedError {
  readonly code?: ClientErrorCode;
  readonly message: string;
  readonly more?: { readonly rejection?: Rejection; readonly disconnect?: Disconnect; readonly retryAfterMs: number };
}

type Message =
  | { readonly call: number; readonly name: string; readonly args: readonly never[] }
  | { readonly answer: number; readonly value?: unknown; readonly error?: PackedError };

/** The calls of one side. */
export class Calls {
  readonly #port: Port;
  readonly #waiting = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>();
  #last = 0;
  #ended: Error | undefined;

  constructor(port: Port, serve: Serve) {
    this.#port = port;
    port.listen((message) => {
      const said = message as Message;
      if ('call' in said) void this.#serve(said, serve);
      else this.#answered(said);
    });
  }

  /** Asks the other side. Rejects with what it threw: a ClientError as it was, anything else as an Error of its text. */
  call<Value>(name: string, ...args: readonly unknown[]): Promise<Value> {
    if (this.#ended) return Promise.reject(this.#ended);
    const call = ++this.#last;
    return new Promise((resolve, reject) => {
      this.#waiting.set(call, { resolve, reject });
      this.#port.post({ call, name, args });
    });
  }

  /** The other side is gone. */
  end(error: Error): void {
    this.#ended = error;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }

  async #serve({ call, name, args }: Extract<Message, { call: number }>, serve: Serve): Promise<void> {
    try {
      this.#port.post({ answer: call, value: await serve(name, args) });
    } catch (error) {
      this.#port.post({ answer: call, error: packed(error) });
    }
  }

  #answered({ answer, value, error }: Extract<Message, { answer: number }>): void {
    const waiting = this.#waiting.get(answer);
    this.#waiting.delete(answer);
    if (error) waiting?.reject(unpacked(error));
    else waiting?.resolve(value as never);
  }
}

/** Calls the method of this name. Throws where there is none: an answer of nothing would pass for one. */
export function calledOn(target: object, name: string, args: readonly unknown[]): unknown {
  const method = (target as Record<string, unknown>)[name];
  if (typeof method !== 'function') throw new Error(`there is nothing to call as ${name}`);
  return method.apply(target, args);
}

function packed(error: unknown): PackedError {
  if (!(error instanceof ClientError)) return { message: String(error instanceof Error ? error.stack : error) };
  const { code, message, rejection, disconnect, retryAfterMs } = error;
  const more = {
    ...(rejection === undefined ? {} : { rejection }),
    ...(disconnect === undefined ? {} : { disconnect }),
  };
  return { code, message, more: { ...more, retryAfterMs } };
}

function unpacked({ code, message, more }: PackedError): Error {
  return code === undefined ? new Error(message) : new ClientError(code, message, more);
}
