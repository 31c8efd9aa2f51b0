// The suite that every transport passes, over a factory: real sockets, real clients (`ws`, `fetch`), port 0, no sleeps.
// Each test awaits an event with a deadline; time-outs of the edge itself are driven through `now`.
import { type AddressInfo, createConnection, createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { Disconnect } from './codes.ts';
import { joinFrames, splitFrames } from './frames.ts';
import type { HttpHandler } from './http.ts';
import { completeLimits, type TransportLimits } from './limits.ts';
import type { Connection, Transport, TransportOptions } from './transport.ts';

type Create = (options: TransportOptions) => Transport;
const deadlineMs = 20_000;

/** One frame: `seq` in four bytes, then filling. */
export function numbered(seq: number, length = 4): Uint8Array {
  const frame = new Uint8Array(length);
  new DataView(frame.buffer).setUint32(0, seq);
  return frame;
}
export const seqOf = (frame: Uint8Array) => new DataView(frame.buffer, frame.byteOffset).getUint32(0);

/** A `ws` client that keeps the frames of each message. */
export class Client {
  readonly messages: Uint8Array[][] = [];
  readonly closed: Promise<{ code: number; reason: string }>;
  readonly socket: WebSocket;
  readonly #opened: Promise<void>;
  #count = 0;
  readonly #wakers = new Set<() => void>();

  constructor(url: string, options: { protocol?: string; headers?: Record<string, string>; ca?: Buffer } = {}) {
    const { protocol, ...rest } = options;
    this.socket = new WebSocket(url, protocol === undefined ? [] : [protocol], rest);
    this.#opened = new Promise((resolve, reject) => {
      this.socket.once('open', resolve);
      this.socket.once('error', reject);
    });
    this.#opened.catch(() => {});
    this.socket.on('error', () => {});
    this.socket.on('message', (data: Buffer) => {
      this.messages.push(splitFrames(data, completeLimits()) as Uint8Array[]);
      this.#count += this.messages.at(-1)?.length ?? 0;
      for (const wake of this.#wakers) wake();
    });
    this.closed = new Promise((resolve) => {
      this.socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() }));
    });
  }

  async open(): Promise<this> {
    await this.#opened;
    return this;
  }

  get frames(): Uint8Array[] {
    return this.messages.flat();
  }

  send(...frames: Uint8Array[]): void {
    this.socket.send(joinFrames(frames));
  }

  /** Resolves when this many frames came. */
  async received(count: number): Promise<Uint8Array[]> {
    await until(() => this.#count >= count, this.#wakers, `${count} frames`);
    return this.frames;
  }
}

/** Waits until `holds` is true, asked whenever a waker is called; fails loudly at the deadline. */
async function until(holds: () => boolean, wakers: Set<() => void>, what: string): Promise<void> {
  if (holds()) return;
  let wake = () => {};
  try {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`nothing came within ${deadlineMs} ms: ${what}`)), deadlineMs);
      wake = () => {
        if (!holds()) return;
        clearTimeout(timer);
        resolve();
      };
      wakers.add(wake);
    });
  } finally {
    wakers.delete(wake);
  }
}

/** A running transport with its handler's calls recorded. */
export class Server {
  readonly opened: Connection[] = [];
  readonly received: [number, Uint8Array[]][] = [];
  readonly closes: [number, number][] = [];
  readonly faults: unknown[] = [];
  readonly clock = { ms: 1_000_000 };
  readonly transport: Transport;
  onFrames: (connection: Connection, frames: Uint8Array[]) => void = () => {};
  port = 0;
  readonly #wakers = new Set<() => void>();
  #connecting: Promise<unknown> = Promise.resolve();

  constructor(create: Create, options: Partial<TransportOptions> = {}) {
    this.transport = create({
      host: '127.0.0.1',
      port: 0,
      now: () => this.clock.ms,
      random: () => 0,
      onFault: (cause) => this.faults.push(cause),
      handler: {
        onOpen: (connection) => {
          this.opened.push(connection);
          this.#woken();
        },
        onFrames: (connection, frames) => {
          this.received.push([connection.id, frames]);
          this.onFrames(connection, frames);
          this.#woken();
        },
        onClose: (connection, code) => {
          this.closes.push([connection.id, code]);
          this.#woken();
        },
      },
      ...options,
    });
  }

  async listen(): Promise<this> {
    this.port = await this.transport.listen();
    return this;
  }

  get url(): string {
    return `ws://127.0.0.1:${this.port}/ws`;
  }

  get http(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Connects and returns both ends; one at a time, so that they belong together. */
  connect(): Promise<[Client, Connection]> {
    const connected = this.#connecting.then(async (): Promise<[Client, Connection]> => {
      const before = this.opened.length;
      const client = await new Client(this.url, { protocol: 'luxchat.1' }).open();
      await this.until(() => this.opened.length > before, 'an open connection');
      return [client, this.opened[before] as Connection];
    });
    this.#connecting = connected;
    return connected;
  }

  until(holds: () => boolean, what: string): Promise<void> {
    return until(holds, this.#wakers, what);
  }

  #woken(): void {
    for (const wake of this.#wakers) wake();
  }
}

/** A port that was free just now. Sockets of a listener on port 0 are not made to be taken over after a drain, those of a named port are. */
function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}

/** An HTTP request whose bytes a test writes itself. */
class RawRequest {
  readonly socket: Socket;
  readonly closed: Promise<void>;
  #text = '';
  readonly #wakers = new Set<() => void>();

  constructor(port: number, ...lines: string[]) {
    this.socket = createConnection(port, '127.0.0.1');
    this.socket.on('data', (data) => {
      this.#text += data.toString('latin1');
      for (const wake of this.#wakers) wake();
    });
    this.socket.on('error', () => {});
    this.closed = new Promise((resolve) => this.socket.once('close', () => resolve()));
    this.socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  }

  /** The status that came. */
  async status(): Promise<number> {
    await until(() => this.#text.includes('\r\n\r\n'), this.#wakers, 'an HTTP answer');
    return Number(this.#text.slice(9, 12));
  }

  /** Resolves when the answer holds this text. */
  async holds(text: string): Promise<void> {
    await until(() => this.#text.includes(text), this.#wakers, text);
  }
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Declares the suite for one adapter. */
export function transportContract(name: string, create: Create): void {
  describe(`transport over ${name}`, () => {
    const running: Server[] = [];
    const serve = async (options: Partial<TransportOptions> = {}) => {
      const server = await new Server(create, options).listen();
      running.push(server);
      return server;
    };
    const withLimits = (limits: Partial<TransportLimits>) => serve({ limits });
    afterEach(async () => {
      await Promise.all(running.splice(0).map((server) => server.transport.drain(0)));
    });

    frameTests(serve);
    turnTests(serve);
    closeTests(serve);
    backpressureTests(serve);
    admissionTests(serve, withLimits);
    sourceTests(serve);
    timeTests(serve);
    drainTests(create, serve);
    httpTests(serve);
    listenTests(create, serve);
  });
}

type Serve = (options?: Partial<TransportOptions>) => Promise<Server>;

function frameTests(serve: Serve): void {
  it('hands over the frames of each message in order, as copies that may be kept', async () => {
    const server = await serve();
    const [client, connection] = await server.connect();
    client.send(numbered(1), numbered(2, 300));
    client.send(numbered(3, 65_536));
    await server.until(() => server.received.length === 2, 'two messages');
    expect(server.received).toEqual([
      [connection.id, [numbered(1), numbered(2, 300)]],
      [connection.id, [numbered(3, 65_536)]],
    ]);
    expect(connection.source).toBe('127.0.0.1');
  });

  it('joins fragments, accepts a message of 1 MiB and closes at one byte more', async () => {
    const server = await serve();
    const filled = [
      ...Array.from({ length: 15 }, (_, i) => numbered(i, 65_536)),
      numbered(15, 1024 * 1024 - 15 * 65_539 - 3),
    ];
    const [client] = await server.connect();
    const message = joinFrames(filled);
    client.socket.send(message.subarray(0, 700_000), { fin: false });
    client.socket.send(message.subarray(700_000));
    await server.until(() => server.received.length === 1, 'the full message');
    expect(server.received[0]?.[1]).toEqual(filled);
    client.send(...filled.slice(0, 15), numbered(15, (filled[15]?.length ?? 0) + 1));
    expect((await client.closed).code).toBe(Disconnect.DISCONNECT_FRAME_TOO_LARGE);
    expect(server.received.length).toBe(1);
  });

  it('tells the handler FRAME_TOO_LARGE even where the message is so large that the connection is cut', async () => {
    const server = await serve();
    const [client, connection] = await server.connect();
    client.socket.send(new Uint8Array(3 * 1024 * 1024));
    await client.closed;
    await server.until(() => server.closes.length === 1, 'the close');
    expect(server.closes).toEqual([[connection.id, Disconnect.DISCONNECT_FRAME_TOO_LARGE]]);
  });

  it('closes with a code of its own on an oversized frame, a malformed one and text, and harms no one else', async () => {
    const server = await serve();
    const [bystander] = await server.connect();
    const attacks: [Uint8Array | string, number][] = [
      [joinFrames([numbered(1, 65_537)]), Disconnect.DISCONNECT_FRAME_TOO_LARGE],
      [Uint8Array.of(5, 1), Disconnect.DISCONNECT_MALFORMED_FRAME],
      [Uint8Array.of(0), Disconnect.DISCONNECT_MALFORMED_FRAME],
      [Uint8Array.of(), Disconnect.DISCONNECT_MALFORMED_FRAME],
      [Uint8Array.of(1, 7, 3, 1), Disconnect.DISCONNECT_MALFORMED_FRAME],
      ['hello', Disconnect.DISCONNECT_TEXT_NOT_ALLOWED],
    ];
    for (const [attack, code] of attacks) {
      const [client] = await server.connect();
      client.socket.send(attack);
      expect((await client.closed).code).toBe(code);
    }
    expect(server.received).toEqual([]);
    bystander.send(numbered(9));
    await server.until(() => server.received.length === 1, 'the bystander');
    expect(server.closes.map(([, code]) => code)).toEqual(attacks.map(([, code]) => code));
  });

  it('closes the one connection whose handler threw, with INTERNAL', async () => {
    const server = await serve();
    server.onFrames = () => {
      throw new Error('a bug');
    };
    const [client] = await server.connect();
    client.send(numbered(1));
    expect((await client.closed).code).toBe(Disconnect.DISCONNECT_INTERNAL);
    expect(server.faults).toMatchObject([{ message: 'a bug' }]);
  });
}

function turnTests(serve: Serve): void {
  it('publishes to subscribers only, in order, one message for all of a turn', async () => {
    const server = await serve();
    const [a, atA] = await server.connect();
    const [b, atB] = await server.connect();
    const [c, atC] = await server.connect();
    atA.subscribe('room');
    atB.subscribe('room');
    for (let seq = 1; seq <= 16; seq++) server.transport.publish('room', numbered(seq));
    await turn();
    server.transport.publish('room', numbered(17));
    await turn();
    atC.send(numbered(99));
    for (const client of [a, b])
      expect((await client.received(17)).map(seqOf)).toEqual(Array.from({ length: 17 }, (_, i) => i + 1));
    expect(a.messages[0]?.length).toBe(16);
    expect((await c.received(1)).map(seqOf)).toEqual([99]);
    expect(server.transport.counters.publishes).toBe(2);
  });

  it('puts what a turn sends to a connection behind what it published, each in its order', async () => {
    const server = await serve();
    const [client, connection] = await server.connect();
    connection.subscribe('room');
    connection.send(numbered(10));
    server.transport.publish('room', numbered(1));
    connection.sendMany([numbered(11), numbered(12)]);
    server.transport.publish('room', numbered(2));
    expect((await client.received(5)).map(seqOf)).toEqual([1, 2, 10, 11, 12]);
  });

  it('changes a subscription at exactly that point of the order', async () => {
    const server = await serve();
    const [client, connection] = await server.connect();
    server.transport.publish('room', numbered(1));
    connection.subscribe('room');
    server.transport.publish('room', numbered(2));
    connection.unsubscribe('room');
    server.transport.publish('room', numbered(3));
    await turn();
    connection.send(numbered(9));
    expect((await client.received(2)).map(seqOf)).toEqual([2, 9]);
  });

  it('carries frames of every size up to 64 KiB by send and publish, batches beyond 1 MiB in several messages', async () => {
    const server = await serve({ limits: { backpressureBytesMax: 8 * 1024 * 1024 } });
    const [client, connection] = await server.connect();
    connection.subscribe('room');
    const sizes = [4, 127, 128, 15_990, 15_997, 16_384, 65_536];
    for (const size of sizes) server.transport.publish('room', numbered(size, size));
    for (let i = 0; i < 40; i++) connection.send(numbered(i, 65_536));
    const frames = await client.received(sizes.length + 40);
    expect(frames.map((frame) => frame.length)).toEqual([...sizes, ...new Array(40).fill(65_536)]);
    expect(Math.max(...client.messages.map((frames) => joinFrames(frames).length))).toBeLessThanOrEqual(1024 * 1024);
    expect(() => connection.send(new Uint8Array(65_537))).toThrow(RangeError);
    expect(() => server.transport.publish('room', new Uint8Array(0))).toThrow(RangeError);
  });

  it('keeps the order of a topic over thousands of turns, topics and sends', async () => {
    const server = await serve();
    const pairs = await Promise.all([server.connect(), server.connect(), server.connect()]);
    const topics = Array.from({ length: 50 }, (_, i) => `room${i}`);
    for (const [, connection] of pairs) for (const topic of topics) connection.subscribe(topic);
    const perTopic = 200;
    for (let seq = 0; seq < perTopic; seq++) {
      for (const [i, topic] of topics.entries())
        server.transport.publish(topic, numbered(i * 1000 + seq, 4 + ((seq * 7) % 60)));
      for (const [, connection] of pairs) connection.send(numbered(900_000 + seq));
      if (seq % 3 === 0) await turn();
    }
    for (const [client] of pairs) {
      const seqs = (await client.received(perTopic * 51)).map(seqOf);
      for (const i of topics.keys())
        expect(seqs.filter((seq) => Math.floor(seq / 1000) === i)).toEqual(
          Array.from({ length: perTopic }, (_, seq) => i * 1000 + seq),
        );
      expect(seqs.filter((seq) => seq >= 900_000)).toEqual(Array.from({ length: perTopic }, (_, seq) => 900_000 + seq));
    }
  });
}

function closeTests(serve: Serve): void {
  it('sends what is queued before it closes, and says when to come back where the code allows it', async () => {
    const server = await serve();
    const [client, connection] = await server.connect();
    connection.subscribe('room');
    server.transport.publish('room', numbered(1));
    connection.send(numbered(2));
    connection.close(Disconnect.DISCONNECT_BUSY, 'later');
    expect(await client.closed).toEqual({ code: 4003, reason: 'retryAfter=500 later' });
    expect(client.frames.map(seqOf)).toEqual([1, 2]);
    expect(server.closes).toEqual([[connection.id, 4003]]);
  });

  it('is deaf after the close: nothing is sent, nothing throws, onClose came once', async () => {
    const server = await serve();
    const [client, connection] = await server.connect();
    client.send(numbered(1));
    connection.close(Disconnect.DISCONNECT_LOGGED_OUT, 'bye');
    connection.close(Disconnect.DISCONNECT_BUSY, '');
    connection.send(numbered(1));
    connection.subscribe('room');
    connection.unsubscribe('room');
    server.transport.publish('room', numbered(1));
    expect(connection.bufferedBytes()).toBe(0);
    expect(await client.closed).toEqual({ code: 4506, reason: 'bye' });
    expect([server.closes, server.received, client.frames]).toEqual([[[connection.id, 4506]], [], []]);
    expect(server.transport.connections()).toBe(0);
  });

  it('reports how the client left, with its code or without a word', async () => {
    const server = await serve();
    const [polite] = await server.connect();
    const [rude] = await server.connect();
    polite.socket.close(1000);
    await server.until(() => server.closes.length === 1, 'the polite one');
    rude.socket.terminate();
    await server.until(() => server.closes.length === 2, 'the rude one');
    expect(server.closes).toEqual([
      [1, 1000],
      [2, 1006],
    ]);
  });

  it('may close a connection from within its own frames, others included', async () => {
    const server = await serve();
    const [first, atFirst] = await server.connect();
    const [second, atSecond] = await server.connect();
    server.onFrames = () => {
      atSecond.close(Disconnect.DISCONNECT_REPLACED, '');
      atFirst.close(Disconnect.DISCONNECT_REPLACED, '');
    };
    first.send(numbered(1));
    expect([(await first.closed).code, (await second.closed).code]).toEqual([4500, 4500]);
  });
}

function backpressureTests(serve: Serve): void {
  it('lets exactly the limit of bytes wait in a turn, and cuts the reader off at one more', async () => {
    const server = await serve({ limits: { backpressureBytesMax: 100_000 } });
    const [fits, atFits] = await server.connect();
    const [over, atOver] = await server.connect();
    for (const connection of [atFits, atOver]) for (let i = 0; i < 10; i++) connection.send(numbered(i, 10_000 - 2));
    expect(atFits.bufferedBytes()).toBe(100_000);
    atOver.send(numbered(10, 4));
    expect((await over.closed).code).toBe(Disconnect.DISCONNECT_SLOW_READER);
    expect(over.frames).toEqual([]);
    expect((await fits.received(10)).length).toBe(10);
  });

  it('cuts off a client that reads nothing, while nine others see every frame, and shows it no frame after a hole', async () => {
    const server = await serve();
    const pairs = await Promise.all(Array.from({ length: 10 }, () => server.connect()));
    for (const [, connection] of pairs) connection.subscribe('room');
    const [slow, atSlow] = pairs[0] as [Client, Connection];
    const quick = pairs.slice(1).map(([client]) => client);
    slow.socket.pause();
    let seq = 0;
    while (server.closes.length === 0) {
      for (let i = 0; i < 8; i++) server.transport.publish('room', numbered(++seq, 16 * 1024 + (seq % 5) * 1000));
      for (const client of quick) await client.received(seq);
      expect(seq).toBeLessThan(4000);
      expect(atSlow.bufferedBytes()).toBeLessThan(1024 * 1024 + 8 * 65_536);
    }
    server.transport.publish('room', numbered(++seq));
    for (const client of quick)
      expect((await client.received(seq)).map(seqOf)).toEqual(Array.from({ length: seq }, (_, i) => i + 1));
    expect(server.closes).toEqual([[atSlow.id, Disconnect.DISCONNECT_SLOW_READER]]);
    // It wakes up in time: it reads a prefix without a hole, then the code that says resume.
    slow.socket.resume();
    expect(await slow.closed).toEqual({ code: Disconnect.DISCONNECT_SLOW_READER, reason: 'retryAfter=500' });
    const seen = slow.frames.map(seqOf);
    expect(seen).toEqual(Array.from({ length: seen.length }, (_, i) => i + 1));
    expect(seen.length).toBeLessThan(seq);
  });

  it('frees a cut-off client that never reads again after lingerMs', async () => {
    const server = await serve();
    const [slow, atSlow] = await server.connect();
    slow.socket.pause();
    while (server.closes.length === 0) {
      for (let i = 0; i < 8; i++) atSlow.send(numbered(i, 65_536));
      await turn();
    }
    // The kernel tells this client only when it writes: it pings until its pings are refused.
    const cut = new Promise<void>((resolve) => {
      const tick = setInterval(() => {
        server.clock.ms += 500;
        if (slow.socket.readyState === WebSocket.OPEN) return slow.socket.ping();
        clearInterval(tick);
        resolve();
      }, 10);
    });
    await cut;
    await slow.closed;
  });
}

function admissionTests(serve: Serve, withLimits: (limits: Partial<TransportLimits>) => Promise<Server>): void {
  const statusOf = (server: Server, options: ConstructorParameters<typeof Client>[1] = {}) =>
    new Promise<{ status: number; retryAfter: string | undefined }>((resolve, reject) => {
      const client = new Client(server.url, options);
      client.socket.on('unexpected-response', (_request, response) => {
        response.resume();
        resolve({ status: response.statusCode ?? 0, retryAfter: response.headers['retry-after'] });
      });
      client.open().then(() => resolve({ status: 101, retryAfter: undefined }), reject);
    });

  it('checks the Origin that browsers send', async () => {
    const server = await serve({ allowedOrigins: ['https://app.example'] });
    expect((await statusOf(server)).status).toBe(101);
    expect((await statusOf(server, { headers: { origin: 'https://app.example' } })).status).toBe(101);
    expect((await statusOf(server, { headers: { origin: server.http } })).status).toBe(101);
    expect(await statusOf(server, { headers: { origin: 'https://evil.example' } })).toEqual({
      status: 403,
      retryAfter: undefined,
    });
  });

  it('speaks luxchat.1, named or unnamed, and nothing else', async () => {
    const server = await serve();
    const named = await new Client(server.url, { protocol: 'luxchat.1' }).open();
    const unnamed = await new Client(server.url).open();
    expect([named.socket.protocol, unnamed.socket.protocol]).toEqual(['luxchat.1', '']);
    expect((await statusOf(server, { protocol: 'other.1' })).status).toBe(400);
  });

  it('has room for connectionsMax and answers the next 503 with Retry-After', async () => {
    const server = await withLimits({ connectionsMax: 2 });
    const [first] = await server.connect();
    await server.connect();
    expect(await statusOf(server)).toEqual({ status: 503, retryAfter: '1' });
    first.socket.close();
    await server.until(() => server.closes.length === 1, 'room');
    expect((await statusOf(server)).status).toBe(101);
  });

  it('answers 503 to a source over its burst, and the bucket refills', async () => {
    const server = await withLimits({ sourceUpgradesBurst: 3, sourceUpgradesPerSecond: 1 });
    for (let i = 0; i < 3; i++) expect((await statusOf(server)).status).toBe(101);
    expect((await statusOf(server)).status).toBe(503);
    server.clock.ms += 1000;
    expect((await statusOf(server)).status).toBe(101);
    expect(server.transport.counters).toMatchObject({ upgrades: 4, upgradesRefused: 1 });
  });

  it('takes the source from a trusted proxy only', async () => {
    const headers = { 'x-forwarded-for': '203.0.113.9' };
    const trusting = await serve({ trustedProxies: ['127.0.0.0/8'] });
    const wary = await serve();
    await new Client(trusting.url, { headers }).open();
    await new Client(wary.url, { headers }).open();
    expect([trusting.opened[0]?.source, wary.opened[0]?.source]).toEqual(['203.0.113.9', '127.0.0.1']);
  });
}

function sourceTests(serve: Serve): void {
  const upgrade = ['GET /ws HTTP/1.1', 'host: x', 'connection: upgrade', 'upgrade: websocket'];
  const webSocket = [...upgrade, 'sec-websocket-version: 13', 'sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA=='];
  const nobody: HttpHandler = ({ source }) => ({ status: 200, body: `source=${source};` });

  it('counts all lines of X-Forwarded-For: what a client wrote stands in front of what its proxy added', async () => {
    const server = await serve({ trustedProxies: ['127.0.0.0/8'], http: nobody });
    const forwarded = ['x-forwarded-for: 198.51.100.1', 'X-Forwarded-For: 198.51.100.2, 203.0.113.9'];
    await new RawRequest(server.port, 'GET / HTTP/1.1', 'host: x', ...forwarded).holds('source=203.0.113.9;');
    expect(await new RawRequest(server.port, ...webSocket, ...forwarded).status()).toBe(101);
    await server.until(() => server.opened.length === 1, 'the upgrade');
    expect(server.opened[0]?.source).toBe('203.0.113.9');
  });

  it('serves others while one source has all the places that it may have', async () => {
    const limits = { httpRequestsPerSourceMax: 2, httpRequestsMax: 3 };
    const server = await serve({ trustedProxies: ['127.0.0.0/8'], http: nobody, limits });
    const post = (source: string, length: number) =>
      new RawRequest(
        server.port,
        'POST / HTTP/1.1',
        'host: x',
        `x-forwarded-for: ${source}`,
        `content-length: ${length}`,
      );
    const asked = async (requests: number) => {
      while (server.transport.counters.httpRequests < requests) await turn();
    };
    const hoarding = [post('203.0.113.9', 5), post('203.0.113.9', 5)];
    await asked(2);
    expect(await post('203.0.113.9', 0).status()).toBe(503);
    expect(await post('203.0.113.10', 0).status()).toBe(200);
    const third = post('203.0.113.10', 5);
    await asked(5);
    expect(await post('203.0.113.11', 0).status()).toBe(503);
    hoarding[0]?.socket.write('whole');
    expect(await hoarding[0]?.status()).toBe(200);
    expect(await post('203.0.113.9', 0).status()).toBe(200);
    for (const { socket } of [...hoarding, third]) socket.destroy();
  });

  it('gives a body httpBodyMs: then 408, the connection closes and the place is free', async () => {
    let handled = 0;
    const http: HttpHandler = () => {
      handled += 1;
      return { status: 200 };
    };
    const server = await serve({ http, limits: { httpRequestsMax: 1 } });
    const slow = new RawRequest(server.port, 'POST / HTTP/1.1', 'host: x', 'content-length: 5');
    while (server.transport.counters.httpRequests < 1) await turn();
    slow.socket.write('four');
    server.clock.ms += 10_000;
    expect(await slow.status()).toBe(408);
    slow.socket.write('!');
    await slow.closed;
    expect((await fetch(server.http)).status).toBe(200);
    expect(handled).toBe(1);
  });

  it('refuses who comes past the proxies where only they may connect', async () => {
    const behind = await serve({ trustedProxies: ['127.0.0.0/8'], proxiesOnly: true, http: nobody });
    const past = await serve({ trustedProxies: ['192.0.2.7'], proxiesOnly: true, http: nobody });
    const forwarded = 'x-forwarded-for: 192.0.2.7';
    for (const [server, http, socket] of [
      [behind, 200, 101],
      [past, 403, 403],
    ] as const) {
      expect(await new RawRequest(server.port, 'GET / HTTP/1.1', 'host: x', forwarded).status()).toBe(http);
      expect(await new RawRequest(server.port, ...webSocket, forwarded).status()).toBe(socket);
    }
    expect(past.opened).toEqual([]);
  });
}

function timeTests(serve: Serve): void {
  it('closes a connection that sends no first frame, and leaves one that did', async () => {
    const server = await serve();
    const [silent] = await server.connect();
    const [speaking] = await server.connect();
    speaking.send(numbered(1));
    await server.until(() => server.received.length === 1, 'the first frame');
    server.clock.ms += 10_000;
    expect(await silent.closed).toEqual({
      code: Disconnect.DISCONNECT_HELLO_TIMEOUT,
      reason: 'retryAfter=500 no first frame',
    });
    expect(server.transport.connections()).toBe(1);
  });

  it('pings, keeps who answers, and closes who left two pings unanswered', async () => {
    const server = await serve();
    const living = await new Client(server.url).open();
    living.send(numbered(1));
    const dead = new Client(server.url);
    // Answers nothing by itself.
    (dead.socket as unknown as { _autoPong: boolean })._autoPong = false;
    await dead.open();
    dead.send(numbered(1));
    await server.until(() => server.received.length === 2, 'both');
    for (let i = 0; i < 3; i++) {
      const pings = [
        new Promise((resolve) => living.socket.once('ping', resolve)),
        Promise.race([new Promise((resolve) => dead.socket.once('ping', resolve)), dead.closed]),
      ];
      server.clock.ms += 30_000;
      await Promise.all(pings);
    }
    expect((await dead.closed).code).toBe(Disconnect.DISCONNECT_HEARTBEAT_MISSED);
    expect(server.transport.connections()).toBe(1);
  });
}

function drainTests(create: Create, serve: Serve): void {
  it('drains: accepts nobody, closes all with GOING_AWAY and a jittered time, lets an answer finish, frees the port', async () => {
    let release: () => void = () => {};
    let asked: () => void = () => {};
    const arrived = new Promise<void>((resolve) => {
      asked = resolve;
    });
    let random = 0;
    const server = await new Server(create, {
      port: await freePort(),
      random: () => {
        random = (random + 0.3) % 1;
        return random;
      },
      http: () => {
        asked();
        return new Promise((resolve) => {
          release = () => resolve({ status: 200, body: 'done' });
        });
      },
    }).listen();
    const clients = (await Promise.all(Array.from({ length: 20 }, () => server.connect()))).map(([client]) => client);
    const answered = fetch(`${server.http}/slow`).then((response) => response.text());
    await arrived;
    const drained = server.transport.drain(400);
    const closes = await Promise.all(clients.map((client) => client.closed));
    release();
    expect(await answered).toBe('done');
    await drained;
    expect(new Set(closes.map(({ code }) => code))).toEqual(new Set([Disconnect.DISCONNECT_GOING_AWAY]));
    expect(new Set(closes.map(({ reason }) => reason)).size).toBeGreaterThan(3);
    await expect(new Client(server.url).open()).rejects.toThrow();
    const next = await serve({ port: server.port });
    expect(next.port).toBe(server.port);
  });
}

const echo: HttpHandler = (request) => ({
  status: 200,
  headers: { 'content-type': 'application/json', 'set-cookie': ['a=1', 'b=2'] },
  body: JSON.stringify({
    ...request,
    headers: request.headers['x-test'],
    query: [...request.query],
    body: Buffer.from(request.body).toString(),
  }),
});

function httpTests(serve: Serve): void {
  it('shows the handler a request and sends its answer, synchronous or not, with security headers', async () => {
    const server = await serve({ http: async (request) => echo(request) });
    const response = await fetch(`${server.http}/auth/login?a=1&b=%20x`, {
      method: 'POST',
      body: 'grüezi',
      headers: { 'X-Test': 'yes' },
    });
    expect(await response.json()).toEqual({
      method: 'POST',
      path: '/auth/login',
      query: [
        ['a', '1'],
        ['b', ' x'],
      ],
      headers: 'yes',
      body: 'grüezi',
      source: '127.0.0.1',
    });
    expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'application/json',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    });
    expect((await fetch(`${server.http}/elsewhere`)).headers.get('cache-control')).toBeNull();
  });

  it('lets the handler set its own policy, answers HEAD without a body, 204 without a length, 404 by default', async () => {
    const server = await serve({
      http: (request) =>
        request.path === '/none'
          ? { status: 204 }
          : { status: 200, headers: { 'Content-Security-Policy': 'x' }, body: 'four' },
    });
    const head = await fetch(server.http, { method: 'HEAD' });
    expect([
      head.headers.get('content-security-policy'),
      head.headers.get('content-length'),
      await head.text(),
    ]).toEqual(['x', '4', '']);
    const none = await fetch(`${server.http}/none`);
    expect([none.status, none.headers.get('content-length')]).toEqual([204, null]);
    const bare = await serve();
    expect((await fetch(bare.http)).status).toBe(404);
    expect((await fetch(`${bare.http}/ws`)).status).toBe(426);
  });

  it('accepts a body of 64 KiB, declared or chunked, and answers 413 at one byte more', async () => {
    const server = await serve({ http: (request) => ({ status: 200, body: String(request.body.length) }) });
    const chunked = (bytes: number) =>
      ({ body: new Blob([new Uint8Array(bytes)]).stream(), duplex: 'half' }) as RequestInit;
    const post = async (init: RequestInit) => {
      const response = await fetch(server.http, { method: 'POST', ...init });
      return [response.status, await response.text()];
    };
    expect(await post({ body: new Uint8Array(65_536) })).toEqual([200, '65536']);
    expect(await post(chunked(65_536))).toEqual([200, '65536']);
    expect((await post({ body: new Uint8Array(65_537) }))[0]).toBe(413);
    expect((await post(chunked(65_537)))[0]).toBe(413);
  });

  it('answers 500 with a code when the handler throws, rejects or returns what cannot be sent, and leaks nothing', async () => {
    const secret = 'the password is tree';
    const handlers: Record<string, HttpHandler> = {
      '/throws': () => {
        throw new Error(secret);
      },
      '/rejects': () => Promise.reject(new Error(secret)),
      '/splits': () => ({ status: 200, headers: { 'x-a': 'a\r\nset-cookie: b' } }),
      '/status': () => ({ status: 99, body: secret }),
    };
    const server = await serve({ http: (request) => (handlers[request.path] as HttpHandler)(request) });
    for (const path of Object.keys(handlers)) {
      const response = await fetch(server.http + path);
      expect([response.status, await response.text()]).toEqual([500, '{"code":"INTERNAL"}']);
    }
    expect(server.faults.length).toBe(4);
  });

  it('survives clients that go away before the answer', async () => {
    const releases: (() => void)[] = [];
    let arrived: () => void = () => {};
    const server = await serve({
      http: () => {
        arrived();
        return new Promise((resolve) => releases.push(() => resolve({ status: 200, body: 'late' })));
      },
    });
    const came = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    const socket = createConnection(server.port, '127.0.0.1', () =>
      socket.write('GET /late HTTP/1.1\r\nhost: x\r\n\r\n'),
    );
    await came;
    const gone = new Promise((resolve) => socket.once('close', resolve));
    socket.destroy();
    await gone;
    await turn();
    for (const release of releases) release();
    const after = fetch(server.http);
    await new Promise<void>((resolve) => {
      arrived = resolve;
    });
    for (const release of releases) release();
    expect(await (await after).text()).toBe('late');
    expect(server.faults).toEqual([]);
  });

  it('answers at most httpRequestsMax at once, the next gets 503', async () => {
    const releases: (() => void)[] = [];
    const server = await serve({
      limits: { httpRequestsMax: 1 },
      http: () => new Promise((resolve) => releases.push(() => resolve({ status: 200 }))),
    });
    const first = fetch(server.http);
    while (releases.length === 0) await turn();
    const second = await fetch(server.http);
    expect([second.status, second.headers.get('retry-after')]).toEqual([503, '1']);
    for (const release of releases) release();
    expect((await first).status).toBe(200);
  });
}

function listenTests(create: Create, serve: Serve): void {
  it('refuses a port that is taken', async () => {
    const server = await serve();
    await expect(new Server(create, { port: server.port }).listen()).rejects.toMatchObject({ code: 'LISTEN_FAILED' });
  });

  it('refuses TLS files that cannot be used', () => {
    expect(() =>
      create({
        host: '127.0.0.1',
        port: 0,
        tls: { certFile: '/nonexistent.pem', keyFile: '/nonexistent.pem' },
        handler: noHandler,
      }),
    ).toThrow(expect.objectContaining({ code: 'TLS_FAILED' }));
  });
}

const noHandler = { onOpen: () => {}, onFrames: () => {}, onClose: () => {} };
