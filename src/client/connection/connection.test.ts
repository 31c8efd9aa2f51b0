import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ClientFrame, ServerFrame } from '#proto/gen/client.ts';
import { Disconnect, Rejection } from '#proto/gen/codes.ts';
import { joinFrames, splitFrames } from '#proto/rules/bytes/frames.ts';
import { ClientError } from '../errors.ts';
import { type ClientBody, Connection, type ConnectionOptions, type ServerBody, type Socket } from './connection.ts';

class FakeSocket implements Socket {
  binaryType = '';
  bufferedAmount = 0;
  onopen: Socket['onopen'] = null;
  onmessage: Socket['onmessage'] = null;
  onclose: Socket['onclose'] = null;
  onerror: Socket['onerror'] = null;
  readonly frames: ClientFrame[] = [];
  readonly messages: Uint8Array[] = [];
  send(data: Uint8Array): void {
    this.messages.push(data);
    for (const frame of splitFrames(data)) this.frames.push(ClientFrame.decode(frame));
  }
  close(): void {}
  say(...frames: { request: number; body: ServerBody }[]): void {
    for (const message of joinFrames(frames.map((frame) => ServerFrame.encode(frame).finish()))) {
      this.onmessage?.({ data: message.buffer.slice(message.byteOffset, message.byteOffset + message.length) });
    }
  }
}

const welcome = {
  request: 1,
  body: { $case: 'welcome', value: ServerFrame.decode(new Uint8Array([0x1a, 0])).body?.value } as ServerBody,
};
const ask: ClientBody = { $case: 'listDevices', value: {} };
const settled = () => vi.advanceTimersByTimeAsync(0);

function setUp(more: Partial<ConnectionOptions> = {}) {
  const sockets: FakeSocket[] = [];
  const tokens: boolean[] = [];
  const connection = new Connection({
    url: 'ws://test/ws',
    client: 'test',
    random: () => 0.5,
    accessToken: async (expired) => {
      tokens.push(expired);
      return 'token';
    },
    openSocket: () => {
      const socket = new FakeSocket();
      sockets.push(socket);
      return socket;
    },
    ...more,
  });
  return { connection, sockets, tokens };
}

async function live(more: Partial<ConnectionOptions> = {}) {
  const world = setUp(more);
  world.connection.start();
  await settled();
  const socket = world.sockets[0] as FakeSocket;
  socket.onopen?.({});
  await settled();
  socket.say(welcome);
  return { ...world, socket };
}

describe('connection', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('says hello first and is live after the welcome', async () => {
    const { connection, socket } = await live();
    expect(socket.frames[0]?.body).toMatchObject({ $case: 'hello', value: { version: 1, accessToken: 'token' } });
    expect(connection.state).toBe('live');
  });

  it('settles each request once, with its own answer', async () => {
    const { connection, socket } = await live();
    const first = connection.request(ask, 'deviceList');
    const second = connection.request(ask, 'done');
    await settled();
    const [a, b] = socket.frames.slice(1).map((frame) => frame.request);
    socket.say(
      { request: b as number, body: { $case: 'done', value: {} } },
      { request: a as number, body: { $case: 'deviceList', value: { devices: [], manifest: undefined } } },
    );
    expect(await first).toMatchObject({ devices: [] });
    expect(await second).toBeDefined();
    socket.say({ request: a as number, body: { $case: 'done', value: {} } });
  });

  it('stays closed where the login fails after that', async () => {
    const login = Promise.withResolvers<string>();
    const { connection, sockets } = setUp({ accessToken: () => login.promise });
    const failures: unknown[] = [];
    connection.on('failed', (error) => failures.push(error));
    connection.start();
    connection.close();
    login.reject(new ClientError('OFFLINE', 'Nobody answers.'));
    await vi.advanceTimersByTimeAsync(120_000);
    expect([connection.state, sockets.length, failures]).toEqual(['ended', 0, []]);
  });

  it('sends the frames of one turn as one message', async () => {
    const { connection, socket } = await live();
    for (let n = 0; n < 5; n++) connection.request(ask, 'done').catch(() => {});
    await settled();
    expect(socket.messages).toHaveLength(2);
    connection.close();
  });

  it('rejects with the code of the server', async () => {
    const { connection, socket } = await live();
    const asked = connection.request(ask, 'done');
    await settled();
    const body: ServerBody = {
      $case: 'rejected',
      value: { code: Rejection.REJECTION_BUSY, retryAfterMs: 70, control: undefined, manifest: undefined },
    };
    socket.say({ request: socket.frames[1]?.request as number, body });
    await expect(asked).rejects.toMatchObject({
      code: 'REJECTED',
      rejection: Rejection.REJECTION_BUSY,
      retryAfterMs: 70,
    });
  });

  it('lets 64 requests wait and holds the 65th back until one is answered', async () => {
    const { connection, socket } = await live();
    for (let n = 0; n < 65; n++) connection.request(ask, 'done').catch(() => {});
    await settled();
    expect(socket.frames).toHaveLength(1 + 64);
    socket.say({ request: socket.frames[1]?.request as number, body: { $case: 'done', value: {} } });
    await settled();
    expect(socket.frames).toHaveLength(1 + 65);
    connection.close();
  });

  it('times a request out, and gives the connection up, since a server answers everything', async () => {
    const { connection } = await live();
    const slow = connection.request(ask, 'done');
    const outcome = expect(slow).rejects.toMatchObject({ code: 'TIMEOUT' });
    await vi.advanceTimersByTimeAsync(20_000);
    await outcome;
    expect(connection.state).toBe('offline');
  });

  it('says when nothing came for two heartbeats', async () => {
    const { connection } = await live();
    let silent = 0;
    connection.on('silent', () => silent++);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(silent).toBe(0);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(silent).toBe(1);
    connection.close();
  });

  it('sends nothing that is larger than a frame', async () => {
    const { connection, socket } = await live();
    const large: ClientBody = { $case: 'uploadSignatures', value: { signaturesJson: new Uint8Array(65_536) } };
    await expect(connection.request(large, 'done')).rejects.toMatchObject({ code: 'BAD_ARGUMENT' });
    expect(socket.frames).toHaveLength(1);
  });

  it('fails all that waits when the connection is lost', async () => {
    const { connection, socket } = await live();
    const lost = connection.request(ask, 'done');
    socket.onclose?.({ code: 1006, reason: '' });
    await expect(lost).rejects.toMatchObject({ code: 'DISCONNECTED' });
    await expect(connection.request(ask, 'done')).rejects.toMatchObject({ code: 'OFFLINE' });
  });

  it('comes back with jittered, growing pauses and never before retryAfter', async () => {
    const { connection, sockets, socket } = await live();
    socket.onclose?.({ code: Disconnect.DISCONNECT_SLOW_READER, reason: 'retryAfter=900' });
    expect(connection.state).toBe('offline');
    await vi.advanceTimersByTimeAsync(899);
    expect(sockets).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(2);
    expect(sockets).toHaveLength(2);
    for (const pause of [250, 500, 1000]) {
      sockets.at(-1)?.onclose?.({ code: 1006, reason: '' });
      const before = sockets.length;
      await vi.advanceTimersByTimeAsync(pause - 1);
      expect(sockets).toHaveLength(before);
      await vi.advanceTimersByTimeAsync(2);
      expect(sockets).toHaveLength(before + 1);
    }
  });

  it('asks for a fresh token when the old one ran out', async () => {
    const { socket, tokens } = await live();
    socket.onclose?.({ code: Disconnect.DISCONNECT_TOKEN_EXPIRED, reason: '' });
    await vi.advanceTimersByTimeAsync(300);
    expect(tokens).toEqual([false, true]);
  });

  it('comes back from a server that goes away, and ends where there is no login any more', async () => {
    let gone = false;
    const accessToken = async () => {
      if (gone) throw new ClientError('LOGIN_NEEDED', 'The refresh token ran out.');
      return 'token';
    };
    const { connection, socket, sockets } = await live({ accessToken });
    const request = connection.request(ask, 'deviceList').catch((error) => error);
    socket.onclose?.({ code: Disconnect.DISCONNECT_GOING_AWAY, reason: '' });
    expect(await request).toMatchObject({ code: 'DISCONNECTED', disconnect: Disconnect.DISCONNECT_GOING_AWAY });
    await expect(connection.request(ask, 'deviceList')).rejects.toMatchObject({ code: 'OFFLINE' });
    await vi.advanceTimersByTimeAsync(300);
    expect(sockets).toHaveLength(2);
    const ended = connection.once('ended');
    gone = true;
    sockets[1]?.onclose?.({ code: Disconnect.DISCONNECT_TOKEN_EXPIRED, reason: '' });
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await ended).toMatchObject({ code: 'LOGIN_NEEDED' });
    await expect(connection.request(ask, 'deviceList')).rejects.toMatchObject({ code: 'LOGIN_NEEDED' });
  });

  it('ends for good at codes from 4500 on, and tries no more', async () => {
    const { connection, sockets, socket } = await live();
    const ended = connection.once('ended');
    socket.onclose?.({ code: Disconnect.DISCONNECT_LOGGED_OUT, reason: '' });
    expect(await ended).toMatchObject({ code: 'LOGIN_NEEDED', disconnect: Disconnect.DISCONNECT_LOGGED_OUT });
    await expect(connection.request(ask, 'deviceList')).rejects.toMatchObject({ code: 'LOGIN_NEEDED' });
    await vi.advanceTimersByTimeAsync(120_000);
    expect(sockets).toHaveLength(1);
    expect(connection.state).toBe('ended');
  });

  it('drops the connection when the server talks nonsense, and tries again', async () => {
    const { connection, socket } = await live();
    socket.onmessage?.({ data: Uint8Array.of(0x80).buffer });
    expect(connection.state).toBe('offline');
  });

  it('does not wait for ever for a socket that never opens', async () => {
    const { connection, sockets } = setUp();
    connection.start();
    await vi.advanceTimersByTimeAsync(15_400);
    expect(sockets.length).toBeGreaterThan(1);
    connection.close();
  });
});
