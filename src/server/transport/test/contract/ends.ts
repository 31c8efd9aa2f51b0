// How a connection ends: closed from either side, cut off because it reads too slowly, or silent.
import { expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { Disconnect } from '../../codes.ts';
import type { Connection } from '../../transport.ts';
import { Client, numbered, seqOf } from './client.ts';
import type { Serve } from './server.ts';
import { turn } from './waiting.ts';

export function closeTests(serve: Serve): void {
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

export function backpressureTests(serve: Serve): void {
  it('lets exactly the limit of bytes wait in a turn, and cuts the reader off at one more', async () => {
    const server = await serve({ limits: { backpressureBytesMax: 100_000 } });
    const [fits, atFits] = await server.connect();
    const [over, atOver] = await server.connect();
    for (const connection of [atFits, atOver]) for (let i = 0; i < 10; i++) connection.send(numbered(i, 10_000 - 2));
    expect([atFits.bufferedBytes(), server.transport.waitingBytes()]).toEqual([100_000, 200_000]);
    atOver.send(numbered(10, 4));
    expect((await over.closed).code).toBe(Disconnect.DISCONNECT_SLOW_READER);
    expect(over.frames).toEqual([]);
    expect((await fits.received(10)).length).toBe(10);
    expect(server.transport.waitingBytes()).toBe(0);
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
    // It is closed, and what it has not read is still here.
    expect([server.transport.connections(), server.transport.waitingBytes() > 1024 * 1024]).toEqual([0, true]);
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
    expect(server.transport.waitingBytes()).toBe(0);
  });
}

export function timeTests(serve: Serve): void {
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
