// What crosses: frames from a client as they were sent, and what one turn sends and publishes, in its order.
import { expect, it } from 'vitest';
import { Disconnect } from '../../codes.ts';
import { joinFrames } from '../../frames.ts';
import { numbered, seqOf } from './client.ts';
import type { Serve } from './server.ts';
import { turn } from './waiting.ts';

export function frameTests(serve: Serve): void {
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

export function turnTests(serve: Serve): void {
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
