// A raw client for hostile tests: it holds a real token and speaks frames, keeps no rule and can send any bytes. Every wait has a deadline.
import { WebSocket } from 'ws';
import type { LoggedIn } from '#client/connection/login.ts';
import { standInLogin } from '#client/node/stand-in-walk.ts';
import { ClientFrame, ServerFrame } from '#proto/gen/client.ts';
import { joinFrames, splitFrames } from '#proto/rules/bytes/frames.ts';
import { eventually, type ProviderProcess } from './harness.ts';

/** Body of a request, of an answer. */
export type Asking = NonNullable<ClientFrame['body']>;
export type Answering = NonNullable<ServerFrame['body']>;

const deadlineMs = 20_000;

/** The tokens of a new device, without any SDK around them. */
export function rawLogin(provider: ProviderProcess, user: string, deviceName = 'raw'): Promise<LoggedIn> {
  const person = { user, password: 'moien-moien', deviceName, askCode: () => provider.code(user) };
  return standInLogin({ server: provider.url }, person);
}

/** One frame as bytes. */
export function frameOf(request: number, body: ClientFrame['body']): Uint8Array {
  return ClientFrame.encode({ request, body }).finish();
}

/** The hello of a token. */
export function helloOf(accessToken: string, version = 1): Asking {
  return { $case: 'hello', value: { version, accessToken, client: 'hostile', quiet: true } };
}

/** An open WebSocket. */
export class RawSocket {
  readonly socket: WebSocket;
  /** Everything that came, in order. */
  readonly heard: ServerFrame[] = [];
  /** Takes pushed frames instead of `heard`, where set. */
  pushed: ((body: Answering) => void) | undefined;
  /** Resolves with the close code; 1006 where the socket broke without one. */
  readonly ended: Promise<number>;
  #request = 1;
  #last = 0;

  private constructor(url: string, headers: Record<string, string>) {
    this.socket = new WebSocket(url, 'luxchat.1', { headers, maxPayload: 0 });
    this.socket.on('error', () => {});
    this.socket.on('message', (data: Buffer) => {
      for (const bytes of splitFrames(new Uint8Array(data))) this.#hear(ServerFrame.decode(bytes.slice()));
    });
    this.ended = new Promise((resolve) => {
      this.socket.on('close', (code) => {
        this.#last = code;
        resolve(code);
      });
    });
  }

  /** Opens a socket. Rejects with the HTTP status where the upgrade is refused. */
  static async open(provider: { readonly port: number }, headers: Record<string, string> = {}): Promise<RawSocket> {
    const raw = new RawSocket(`ws://127.0.0.1:${provider.port}/ws`, headers);
    await new Promise<void>((resolve, reject) => {
      raw.socket.once('open', () => resolve());
      raw.socket.once('unexpected-response', (_, { statusCode }) => reject(new Error(`status ${statusCode}`)));
      raw.socket.once('error', reject);
    });
    return raw;
  }

  /** Opens a socket and says hello. Rejects where that is not answered by a welcome. */
  static async greet(provider: { readonly port: number }, accessToken: string): Promise<RawSocket> {
    const raw = await RawSocket.open(provider);
    const answer = await raw.ask(helloOf(accessToken));
    if (answer.$case !== 'welcome') throw new Error(`no welcome but ${answer.$case}`);
    return raw;
  }

  /** One WebSocket message with these bytes, whatever they are. */
  bytes(message: Uint8Array | string): void {
    this.socket.send(message);
  }

  /** Frames, in as few messages as they fit. */
  frames(...frames: Uint8Array[]): void {
    for (const message of joinFrames(frames)) this.socket.send(message);
  }

  /** A request under a fresh number, and its answer. */
  ask(body: Asking): Promise<Answering> {
    const request = this.#request++;
    this.frames(frameOf(request, body));
    return this.answer(request);
  }

  /** Requests in one go, and their answers. */
  askAll(bodies: readonly Asking[]): Promise<Answering[]> {
    const asked = bodies.map((body) => ({ request: this.#request++, body }));
    this.frames(...asked.map(({ request, body }) => frameOf(request, body)));
    return Promise.all(asked.map(({ request }) => this.answer(request)));
  }

  /** The answer to a request number. Rejects when the socket ends before. */
  async answer(request: number): Promise<Answering> {
    const find = () => this.heard.find((frame) => frame.request === request)?.body;
    await eventually(`an answer to request ${request}`, () => find() !== undefined || this.#last !== 0, deadlineMs);
    const body = find();
    if (body === undefined) throw new Error(`closed with ${this.#last}`);
    return body;
  }

  close(): void {
    this.socket.terminate();
  }

  #hear(frame: ServerFrame): void {
    if (frame.request === 0 && frame.body && this.pushed) this.pushed(frame.body);
    else this.heard.push(frame);
  }
}

/** The rejection's code, or 0 for any other answer. */
export function codeOf(answer: Answering): number {
  return answer.$case === 'rejected' ? answer.value.code : 0;
}

/** A number that the provider shows to its night shift. */
export async function gauge(provider: ProviderProcess, name: string): Promise<number> {
  const [, ops] = /metrics: (\S+)\/health/g.exec(provider.output.split('running at').at(-1) ?? '') ?? [];
  const text = await (await fetch(`${ops}/metrics`)).text();
  return Number(new RegExp(`^luxchat_${name} (\\S+)`, 'm').exec(text)?.[1]);
}
