// The connection state machine: one WebSocket at a time, hello first, requests with answers, jittered back-off, resume by whoever listens.
// It guarantees: each request settles exactly once (answer, rejection, time-out or loss of the connection); pushed frames come in order; a
// connection on which an answer stays out is given up, since a server answers everything.
// It does not repeat requests: `requests.ts` and the callers know what is idempotent.
import { ClientFrame, ServerFrame, type Welcome } from '#proto/gen/client.ts';
import { Disconnect } from '#proto/gen/codes.ts';
import { joinFrames, splitFrames } from '#proto/rules/bytes/frames.ts';
import { limits } from '#proto/rules/limits.ts';
import { Emitter } from '../emitter.ts';
import { ClientError, disconnectName, loggedOutSentence, mayReturn, rejectionName } from '../errors.ts';

/** A request or push body. */
export type ClientBody = NonNullable<ClientFrame['body']>;
/** An answer or pushed body. */
export type ServerBody = NonNullable<ServerFrame['body']>;
/** The answer body of a given case. */
export type AnswerOf<Case extends ServerBody['$case']> = Extract<ServerBody, { $case: Case }>['value'];

/** The part of the standard WebSocket that is used; browsers and Node 24 have it. */
export interface Socket {
  binaryType: string;
  readonly bufferedAmount: number;
  onopen: ((event: unknown) => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number; reason: string }) => void) | null;
  onerror: ((event: unknown) => void) | null;
  send(data: Uint8Array): void;
  close(code?: number, reason?: string): void;
}

/** What the connection needs. */
export interface ConnectionOptions {
  /** `ws://host:port/ws` or `wss://…`. */
  readonly url: string;
  /** A fresh access token; asked before every hello. Throws LOGIN_NEEDED when there is none any more. */
  readonly accessToken: (expired: boolean) => Promise<string>;
  /** Program and version, at most 64 characters. */
  readonly client: string;
  /** Makes a socket; default: the global WebSocket. */
  readonly openSocket?: (url: string) => Socket;
  /** Uniform in [0, 1); default Math.random. */
  readonly random?: () => number;
  /** How long a request may wait, in milliseconds; default 20,000. */
  readonly requestTimeoutMs?: number;
  /** Longest pause between two tries, in milliseconds; default 30,000. */
  readonly backoffMaxMs?: number;
}

/** `offline` waits before the next try; `ended` tries no more. */
export type ConnectionState = 'idle' | 'connecting' | 'greeting' | 'live' | 'offline' | 'ended';

/** What a connection tells. */
export interface ConnectionEvents {
  state: ConnectionState;
  /** A session begins: resume now. */
  welcome: Welcome;
  /** A pushed frame. */
  pushed: ServerBody;
  /** Nothing came for two heartbeats: ask something, a dead connection shows by the answer that stays out. */
  silent: undefined;
  /** There was no access token to be had: the login's server, the local store, or a bug. It is tried again. */
  failed: unknown;
  /** The session was ended for good. */
  ended: ClientError;
}

interface Waiting {
  readonly expect: ServerBody['$case'];
  readonly resolve: (value: never) => void;
  readonly reject: (error: ClientError) => void;
  readonly timer: ReturnType<typeof setTimeout>;
}

const backoffMinMs = 250;
const requestsMax = 64;
const greetingMs = 15_000;
// A session that lived so long counts as a good one: the next try comes soon.
const steadyMs = 10_000;

/** A lasting connection to the user's provider. */
export class Connection extends Emitter<ConnectionEvents> {
  #options: ConnectionOptions;
  #socket: Socket | undefined;
  #state: ConnectionState = 'idle';
  #waiting = new Map<number, Waiting>();
  #queue: { frame: Uint8Array; number: number }[] = [];
  #unsent: Uint8Array[] = [];
  #nextRequest = 1;
  #failures = 0;
  #retryTimer: ReturnType<typeof setTimeout> | undefined;
  #greetingTimer: ReturnType<typeof setTimeout> | undefined;
  #steadyTimer: ReturnType<typeof setTimeout> | undefined;
  #silenceTimer: ReturnType<typeof setInterval> | undefined;
  #heard = false;
  #tokenExpired = false;
  #over: ClientError | undefined;

  constructor(options: ConnectionOptions) {
    super();
    this.#options = options;
  }

  /** Where it stands. */
  get state(): ConnectionState {
    return this.#state;
  }

  /** Starts connecting, and goes on trying until `close` or an end for good. */
  start(): void {
    if (this.#state === 'idle' || this.#state === 'ended') void this.#connect();
  }

  /** Tries at once instead of waiting for the back-off: for "the network is back". */
  nudge(): void {
    if (this.#state !== 'offline') return;
    clearTimeout(this.#retryTimer);
    void this.#connect();
  }

  /** Gives the present connection up and tries again, as when the network went away. */
  cut(): void {
    if (this.#state === 'live' || this.#state === 'greeting') this.#closed(1006, '');
  }

  /** Ends the connection and every waiting request with CLOSED. */
  close(): void {
    clearTimeout(this.#retryTimer);
    this.#over ??= new ClientError('CLOSED', 'The client was closed.');
    this.#drop(this.#over);
    this.#enter('ended');
  }

  /**
   * Sends a request and waits for its answer.
   * Rejects with OFFLINE or BAD_ARGUMENT (nothing was sent), REJECTED, TIMEOUT, DISCONNECTED or CLOSED (it may have been done), PROTOCOL; once it
   * ended for good, with what ended it.
   */
  request<Case extends ServerBody['$case']>(body: ClientBody, expect: Case): Promise<AnswerOf<Case>> {
    if (this.#state !== 'live')
      return Promise.reject(this.#over ?? new ClientError('OFFLINE', 'There is no connection.'));
    const number = this.#nextRequest++;
    const frame = ClientFrame.encode({ request: number, body }).finish();
    // The server would end the session for good.
    if (frame.length > limits.frameBytesMax)
      return Promise.reject(new ClientError('BAD_ARGUMENT', `${body.$case} has ${frame.length} bytes: too many.`));
    return new Promise((resolve, reject) => {
      const ms = this.#options.requestTimeoutMs ?? 20_000;
      const timer = setTimeout(() => {
        this.#settle(number)?.reject(new ClientError('TIMEOUT', `No answer to ${body.$case} within ${ms} ms.`));
        this.#closed(1006, '');
      }, ms);
      this.#waiting.set(number, { expect, resolve, reject, timer });
      if (this.#waiting.size > requestsMax) this.#queue.push({ frame, number });
      else this.#send(frame);
    });
  }

  /** Sends what has no answer (typing, presence). Dropped when there is no connection. */
  tell(body: ClientBody): void {
    if (this.#state === 'live') this.#send(ClientFrame.encode({ request: 0, body }).finish());
  }

  async #connect(): Promise<void> {
    this.#over = undefined;
    this.#enter('connecting');
    let token: string;
    try {
      token = await this.#options.accessToken(this.#tokenExpired);
      this.#tokenExpired = false;
    } catch (error) {
      if (this.#state !== 'connecting') return;
      if (error instanceof ClientError && error.code === 'LOGIN_NEEDED') return this.#end(error);
      this.emit('failed', error);
      return this.#retry(error instanceof ClientError ? error.retryAfterMs : 0);
    }
    if (this.#state !== 'connecting') return;
    this.#open(token);
  }

  #open(token: string): void {
    const open = this.#options.openSocket ?? ((url: string) => new WebSocket(url, 'luxchat.1') as unknown as Socket);
    let socket: Socket;
    try {
      socket = open(this.#options.url);
    } catch (cause) {
      this.#end(new ClientError('BAD_ARGUMENT', `${this.#options.url} is not the address of a server.`, { cause }));
      return;
    }
    this.#socket = socket;
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => this.#greet(socket, token);
    socket.onmessage = (event) => {
      if (socket === this.#socket) this.#receive(new Uint8Array(event.data as ArrayBuffer));
    };
    socket.onerror = () => {};
    socket.onclose = (event) => {
      if (socket === this.#socket) this.#closed(event.code, event.reason);
    };
    // A network that swallows packets answers nothing at all: only a clock ends that.
    this.#greetingTimer = setTimeout(() => socket === this.#socket && this.#closed(1006, ''), greetingMs);
  }

  #greet(socket: Socket, accessToken: string): void {
    if (socket !== this.#socket) return;
    this.#enter('greeting');
    const body: ClientBody = {
      $case: 'hello',
      value: { version: 1, accessToken, client: this.#options.client, quiet: false },
    };
    this.#send(ClientFrame.encode({ request: this.#nextRequest++, body }).finish());
  }

  #receive(message: Uint8Array): void {
    this.#heard = true;
    const socket = this.#socket;
    let frames: ServerFrame[];
    try {
      frames = splitFrames(message).map((bytes) => ServerFrame.decode(bytes));
    } catch (cause) {
      // Whoever answers nonsense once is asked again on a fresh connection, later.
      this.#closed(1002, '', cause);
      return;
    }
    // A listener may have closed the connection.
    for (const frame of frames) if (socket === this.#socket) this.#frame(frame);
  }

  #frame({ request, body }: ServerFrame): void {
    if (!body) return;
    if (body.$case === 'welcome') {
      this.#welcomed(body.value);
      return;
    }
    if (request === 0) {
      this.emit('pushed', body);
      return;
    }
    const waiting = this.#settle(request);
    if (!waiting) return;
    if (body.$case === waiting.expect) waiting.resolve(body.value as never);
    else if (body.$case === 'rejected') {
      const { code, retryAfterMs } = body.value;
      waiting.reject(
        new ClientError('REJECTED', `The server refused: ${rejectionName(code)}.`, {
          rejection: code,
          retryAfterMs,
          cause: body.value,
        }),
      );
    } else waiting.reject(new ClientError('PROTOCOL', `Expected ${waiting.expect}, got ${body.$case}.`));
  }

  #welcomed(welcome: Welcome): void {
    clearTimeout(this.#greetingTimer);
    this.#steadyTimer = setTimeout(() => {
      this.#failures = 0;
    }, steadyMs);
    this.#silenceTimer = setInterval(
      () => {
        if (!this.#heard) this.emit('silent', undefined);
        this.#heard = false;
      },
      2000 * (welcome.heartbeatSeconds || 30),
    );
    this.#enter('live');
    this.emit('welcome', welcome);
  }

  #settle(number: number): Waiting | undefined {
    const waiting = this.#waiting.get(number);
    if (!waiting) return undefined;
    clearTimeout(waiting.timer);
    this.#waiting.delete(number);
    for (let next = this.#queue.shift(); next; next = this.#queue.shift()) {
      if (!this.#waiting.has(next.number)) continue;
      this.#send(next.frame);
      break;
    }
    return waiting;
  }

  #send(frame: Uint8Array): void {
    // Frames of one turn leave as one message: the socket is the cost, not the encoding.
    if (this.#unsent.push(frame) > 1) return;
    queueMicrotask(() => {
      const frames = this.#unsent;
      this.#unsent = [];
      const open = this.#state === 'live' || this.#state === 'greeting';
      if (open) for (const message of joinFrames(frames)) this.#socket?.send(message);
    });
  }

  #closed(code: number, reason: string, cause?: unknown): void {
    const error = lossOf(code, cause);
    this.#drop(error);
    if (this.#state === 'ended') return;
    if (code === Disconnect.DISCONNECT_TOKEN_EXPIRED) this.#tokenExpired = true;
    if (!mayReturn(code)) this.#end(error);
    else this.#retry(Number(/retryAfter=(\d{1,7})/.exec(reason)?.[1] ?? 0));
  }

  #drop(error: ClientError): void {
    clearTimeout(this.#greetingTimer);
    clearTimeout(this.#steadyTimer);
    clearInterval(this.#silenceTimer);
    const socket = this.#socket;
    this.#socket = undefined;
    this.#queue = [];
    this.#unsent = [];
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const one of waiting) {
      clearTimeout(one.timer);
      one.reject(error);
    }
    // Late events of this socket concern nobody; its handlers look whether it is still the one.
    socket?.close(1000);
  }

  #retry(afterMs: number): void {
    this.#enter('offline');
    const ceiling = Math.min(this.#options.backoffMaxMs ?? 30_000, backoffMinMs * 2 ** Math.min(this.#failures++, 12));
    // Full jitter: two thousand clients that lost one node must not come back in step.
    const random = this.#options.random ?? Math.random;
    this.#retryTimer = setTimeout(() => void this.#connect(), Math.max(afterMs, random() * ceiling));
  }

  #end(error: ClientError): void {
    this.#over = error;
    this.#enter('ended');
    this.emit('ended', error);
  }

  #enter(state: ConnectionState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.emit('state', state);
  }
}

/** What the loss of a connection is to those who waited: DISCONNECTED, or LOGIN_NEEDED where the device was logged out. */
function lossOf(closeCode: number, cause: unknown): ClientError {
  if (closeCode < 4000 || closeCode > 4999)
    return new ClientError('DISCONNECTED', 'The connection was lost.', { cause });
  const disconnect = closeCode as Disconnect;
  if (disconnect === Disconnect.DISCONNECT_LOGGED_OUT)
    return new ClientError('LOGIN_NEEDED', loggedOutSentence, { disconnect, cause });
  return new ClientError('DISCONNECTED', `The server ended the session: ${disconnectName(disconnect)}.`, {
    disconnect,
    cause,
  });
}
