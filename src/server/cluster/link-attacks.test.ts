// What strangers and broken peers try on a link, over real sockets. Each of these tests fails without the defence that it names.
import { connect, createServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { helloOf, type NodeIdentity } from './handshake.ts';
import { linkLimits } from './link.ts';
import type { LinksOptions } from './links.ts';
import { answering, framed, identity, Speaker, secret, TestNode, until } from './testing/nodes.ts';
import { encodePacket } from './wire.ts';

const nodes: TestNode[] = [];
const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const node of nodes.splice(0)) await node.links.close();
  for (const end of ends.splice(0)) end();
});

async function start(seat: number, options: Partial<LinksOptions> = {}): Promise<TestNode> {
  const node = await new TestNode(seat, options).listen();
  nodes.push(node);
  return node;
}

/** A peer of node 1 that has shown who it is. */
async function friend(node: TestNode, seat = 2): Promise<Speaker> {
  const speaker = await Speaker.dial(node.port);
  await speaker.shake('dialler', identity(seat));
  await until('it is up', () => node.seats.includes(seat));
  return speaker;
}

const packet = encodePacket({ kind: 'owns', shards: [1] });

describe('a stranger', () => {
  it.each<[string, NodeIdentity, Uint8Array]>([
    ['with a wrong secret', identity(2), Buffer.from('a guess')],
    ['with no secret', identity(2), new Uint8Array()],
    ['of another provider that has the same secret', identity(2, { provider: 'else.example' }), secret],
    ['that says it is this process', identity(1), secret],
  ])('is hung up on: %s', async (_, self, key) => {
    const node = await start(1);
    const speaker = await Speaker.dial(node.port);
    await speaker.shake('dialler', self, key);
    await speaker.closed();
    // It has heard the hello, which says nothing secret, and nothing more.
    expect(speaker.heard).toHaveLength(1);
    expect(node.happened).toEqual([]);
  });

  // Each held a socket and its buffers for ten seconds, as many as came.
  it('is one of so many at most: one more, and the oldest is hung up on; nodes that are linked are none', async () => {
    const node = await start(1, { limits: { strangersMax: 3 } });
    const linked = await friend(node);
    const strangers: Speaker[] = [];
    for (let n = 0; n < 3; n++) {
      const stranger = await Speaker.dial(node.port);
      // It was answered, so it counts.
      await stranger.hear(0);
      strangers.push(stranger);
    }
    expect(strangers.map(({ isClosed }) => isClosed)).toEqual([false, false, false]);
    const fourth = await Speaker.dial(node.port);
    await strangers[0]?.closed();
    await fourth.hear(0);
    expect([...strangers, fourth, linked].map(({ isClosed }) => isClosed)).toEqual([true, false, false, false, false]);
    // Whoever knows the secret comes in all the same.
    await friend(node, 3);
    expect(node.seats).toEqual([2, 3]);
    for (const each of [...strangers, fourth, linked]) each.socket.destroy();
  });

  it('that answers where a node should is hung up on, too', async () => {
    let asked: Speaker | null = null;
    const { server, port } = await answering((speaker) => {
      asked ??= speaker;
      void speaker.shake('answerer', identity(1), Buffer.from('a guess')).catch(() => {});
    });
    ends.push(() => server.close());
    const node = await start(2);
    node.links.want([{ ...identity(1), address: `127.0.0.1:${port}` }]);
    await until('it is hung up on', () => asked?.isClosed === true);
    expect(node.happened).toEqual([]);
  });

  it('can not show a proof again that it has seen: nonces', async () => {
    const [older, younger] = [await start(1), await start(2)];
    const said: Buffer[] = [];
    // Between the two, where it can read along.
    const between = createServer((socket) => {
      const onward = connect(older.port, '127.0.0.1');
      socket.on('data', (chunk: Buffer) => {
        said.push(chunk);
        onward.write(chunk);
      });
      onward.pipe(socket);
      for (const each of [socket, onward]) each.on('error', () => {});
    });
    await new Promise<void>((resolve) => between.listen(0, '127.0.0.1', resolve));
    ends.push(() => between.close());
    const { port } = between.address() as { port: number };
    younger.links.want([{ ...older.place, address: `127.0.0.1:${port}` }]);
    await until('they are linked', () => older.seats.length === 1);
    await younger.links.close();
    await until('the link is gone', () => older.seats.length === 0);
    const speaker = await Speaker.dial(older.port);
    speaker.socket.write(Buffer.concat(said));
    await speaker.closed();
    expect(older.happened).toEqual(['up 2', 'down 2']);
  });

  it('can not reflect the proof of the dialler: each side has its own', async () => {
    let asked: Speaker | null = null;
    const { server, port } = await answering(async (speaker) => {
      asked ??= speaker;
      // The same hello, but for the seat that is to be looked like.
      const theirs = await speaker.hear(0);
      speaker.say(helloOf(identity(1), theirs.subarray(-32)));
      speaker.say(await speaker.hear(1));
    });
    ends.push(() => server.close());
    const node = await start(2);
    node.links.want([{ ...identity(1), address: `127.0.0.1:${port}` }]);
    await until('it is hung up on', () => asked?.isClosed === true);
    expect(node.happened).toEqual([]);
  });

  it('can not answer with the hello and proof of the dialler itself', async () => {
    let asked: Speaker | null = null;
    const { server, port } = await answering((speaker) => {
      asked ??= speaker;
      speaker.socket.on('data', (chunk: Buffer) => void speaker.socket.write(chunk));
    });
    ends.push(() => server.close());
    const node = await start(2);
    node.links.want([{ ...identity(1), address: `127.0.0.1:${port}` }]);
    await until('it is hung up on', () => asked?.isClosed === true);
    expect(node.happened).toEqual([]);
  });

  it('gets no packet in before the proof, and gets none out', async () => {
    const node = await start(1);
    const speaker = await Speaker.dial(node.port);
    speaker.say(helloOf(identity(2), Buffer.alloc(32)));
    speaker.say(packet);
    node.links.send(2, { kind: 'owns', shards: [1] });
    await speaker.closed();
    expect([node.happened, speaker.heard.length]).toEqual([[], 1]);
  });

  it('may send little before the proof: n and n + 1', async () => {
    const node = await start(1, { limits: { silenceMs: 60_000, handshakeMs: 60_000 } });
    const most = linkLimits.strangerBytesMax;
    const small = await Speaker.dial(node.port);
    const large = await Speaker.dial(node.port);
    // Only heads: whoever announces more than is allowed is not waited for.
    const head = (bytes: number) => {
      const announced = Buffer.alloc(4);
      announced.writeUInt32BE(bytes);
      return announced;
    };
    small.socket.write(head(most));
    large.socket.write(head(most + 1));
    await large.closed();
    expect(small.isClosed).toBe(false);
    small.socket.write(Buffer.alloc(most));
    await small.closed();
  });

  it('is hung up on when it says nothing', async () => {
    const node = await start(1, { limits: { silenceMs: 60, beatMs: 20 } });
    const speaker = await Speaker.dial(node.port);
    await speaker.closed();
    expect(node.happened).toEqual([]);
  });

  it('is hung up on when it takes too long, though it is never silent', async () => {
    const node = await start(1, { limits: { handshakeMs: 100, beatMs: 20 } });
    const speaker = await Speaker.dial(node.port);
    speaker.socket.write(Buffer.from([0, 0, 16, 0]));
    const drip = setInterval(() => speaker.socket.write(Buffer.from([1])), 10);
    ends.push(() => clearInterval(drip));
    await speaker.closed();
  });

  it('that accepts and is silent does not hold up the dialler', async () => {
    let dialled = 0;
    const { server, port } = await answering(() => dialled++);
    ends.push(() => server.close());
    const node = await start(2, { limits: { silenceMs: 50, beatMs: 20 } });
    node.links.want([{ ...identity(1), address: `127.0.0.1:${port}` }]);
    await until('it is tried again', () => dialled > 1);
  });

  it('does no harm with garbage of any length', async () => {
    const node = await start(1);
    // A generator of Lehmer, so that a failure comes again.
    let state = 7;
    const garbage = (length: number) => {
      const bytes = Buffer.alloc(length);
      for (let at = 0; at < length; at++) {
        state = (state * 48_271) % 0x7fffffff;
        bytes[at] = state & 255;
      }
      return bytes;
    };
    const hello = framed(helloOf(identity(2), Buffer.alloc(32)));
    for (let length = 0; length <= 96; length++) {
      for (const begin of [
        Buffer.alloc(0),
        framed(garbage(length)),
        hello,
        Buffer.concat([hello, framed(garbage(length))]),
      ]) {
        const speaker = await Speaker.dial(node.port);
        speaker.socket.end(Buffer.concat([begin, garbage(length)]));
      }
    }
    for (let length = 0; length < hello.length; length++) {
      const speaker = await Speaker.dial(node.port);
      speaker.socket.end(hello.subarray(0, length));
    }
    expect(node.happened).toEqual([]);
    await friend(node);
  });
});

describe('a peer', () => {
  it('may send messages of so many bytes and no more', async () => {
    const node = await start(1, { limits: { messageBytesMax: 100 } });
    const good = await friend(node);
    good.say(new Uint8Array(100).fill(255));
    await until('it was looked at', () => node.links.ignored === 1);
    expect(node.seats).toEqual([2]);
    good.say(new Uint8Array(101));
    await good.closed();
    expect([node.happened, node.links.ignored]).toEqual([['up 2', 'down 2'], 1]);
  });

  it('that sends what is no packet is not heard, and stays', async () => {
    const node = await start(1);
    const speaker = await friend(node);
    for (let length = 1; length <= 64; length++) speaker.say(new Uint8Array(length).fill(255));
    speaker.say(packet);
    await until('the packet came', () => node.received.length === 1);
    expect([node.links.ignored, node.seats]).toEqual([64, [2]]);
  });

  it('that does not read is hung up on when too much waits for it: n and n + 1', async () => {
    const limits = { waitingBytesMax: 4 + packet.length };
    const node = await start(1, { limits });
    await friend(node);
    node.links.send(2, { kind: 'owns', shards: [1] });
    expect([node.seats, node.links.waitingBytes]).toEqual([[2], limits.waitingBytesMax]);
    // Within the same turn, so that nothing has left.
    node.links.send(2, { kind: 'owns', shards: [] });
    expect([node.happened, node.links.waitingBytes]).toEqual([['up 2', 'down 2'], 0]);
  });

  it('that reads nothing for long does not make the memory of the other grow', async () => {
    const node = await start(1, { limits: { waitingBytesMax: 256 * 1024, silenceMs: 60_000 } });
    const speaker = await friend(node);
    speaker.socket.pause();
    const frame = new Uint8Array(60 * 1024).fill(1);
    let sent = 0;
    while (node.seats.length === 1) {
      node.links.send(2, { kind: 'deliver', audience: { room: '!r' }, frame, mark: undefined, shed: false });
      await new Promise((resolve) => setImmediate(resolve));
      // What a system's own buffers may take.
      sent += frame.length;
      expect(sent).toBeLessThan(64 * 1024 * 1024);
    }
    expect(node.happened).toEqual(['up 2', 'down 2']);
  });

  it('that is silent is hung up on, and one that only shows that it lives is not', async () => {
    const node = await start(1, { limits: { silenceMs: 100, beatMs: 20 } });
    const lively = await friend(node, 3);
    const beat = setInterval(() => lively.say(new Uint8Array()), 20);
    ends.push(() => clearInterval(beat));
    const silent = await friend(node, 2);
    await silent.closed();
    expect(node.seats).toEqual([3]);
    // It heard signs of life itself.
    expect(lively.heard.slice(2).every((message) => message.length === 0)).toBe(true);
    expect(lively.heard.length).toBeGreaterThan(2);
  });
});
