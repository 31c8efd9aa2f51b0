// Links over real sockets on loopback: how they come, what they carry, and how they end and come again.
import { Socket } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Packet } from '#actors/cluster/packets.ts';
import type { LinksOptions } from './links.ts';
import { answering, framed, identity, Speaker, TestNode, until } from './testing/nodes.ts';
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

/** Two nodes with a link. */
async function pair(options: Partial<LinksOptions> = {}): Promise<[TestNode, TestNode]> {
  const [older, younger] = [await start(1, options), await start(2, options)];
  younger.links.want([older.place]);
  older.links.want([younger.place]);
  await until('they are linked', () => older.seats.length + younger.seats.length === 2);
  return [older, younger];
}

const owns = (...shards: number[]): Packet => ({ kind: 'owns', shards });

describe('a link', () => {
  it('comes up at both ends, before any packet, and carries packets in order both ways', async () => {
    const [older, younger] = await pair();
    for (let n = 0; n < 50; n++) {
      older.links.send(2, owns(n));
      younger.links.send(1, owns(n, n));
    }
    await until('all came', () => older.received.length + younger.received.length === 100);
    expect(younger.happened.slice(0, 2)).toEqual(['up 1', 'owns of 1']);
    expect(younger.received).toEqual(Array.from({ length: 50 }, (_, n) => owns(n)));
    expect(older.received).toEqual(Array.from({ length: 50 }, (_, n) => owns(n, n)));
  });

  it('writes what was sent in one turn at once, however many packets', async () => {
    const [older, younger] = await pair();
    const write = vi.spyOn(Socket.prototype, 'write');
    ends.push(() => write.mockRestore());
    for (let turn = 1; turn <= 3; turn++) {
      for (let n = 0; n < 50; n++) older.links.send(2, owns(n));
      await until('all came', () => younger.received.length === 50 * turn);
      const toYounger = write.mock.calls.filter((_, n) => (write.mock.contexts[n] as Socket).localPort === older.port);
      // A sign of life is a write, too: a length of nothing.
      expect(toYounger.filter(([bytes]) => (bytes as Buffer).length > 4)).toHaveLength(turn);
    }
  });

  it('is dialled by the younger process only', async () => {
    let dialled = 0;
    const { server, port } = await answering(() => dialled++);
    ends.push(() => server.close());
    const older = await start(1);
    older.links.want([{ ...identity(2), address: `127.0.0.1:${port}` }]);
    const younger = await start(3);
    younger.links.want([{ ...identity(2), address: `127.0.0.1:${port}` }]);
    await until('the younger one dialled', () => dialled > 0);
    expect(dialled).toBe(1);
  });

  it('takes messages that come in pieces of any size', async () => {
    const older = await start(1);
    const speaker = await Speaker.dial(older.port);
    await speaker.shake('dialler', identity(2));
    const bytes = Buffer.concat([
      framed(encodePacket(owns(1, 2))),
      framed(new Uint8Array()),
      framed(encodePacket(owns(3))),
    ]);
    for (const byte of bytes) {
      speaker.socket.write(Buffer.from([byte]));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await until('both came', () => older.received.length === 2);
    expect(older.received).toEqual([owns(1, 2), owns(3)]);
  });

  it('says that it ended, once, after the last packet; what is sent then is dropped', async () => {
    const [older, younger] = await pair();
    younger.links.send(1, owns(5));
    await until('it came', () => older.received.length === 1);
    await younger.links.close();
    await until('it ended', () => older.seats.length === 0);
    older.links.send(2, owns(6));
    expect(older.happened).toEqual(['up 2', 'owns of 2', 'down 2']);
    expect(younger.happened).toEqual(['up 1', 'down 1']);
  });

  it('takes the place of an older one of the same process, which ends first', async () => {
    const older = await start(1);
    const first = await Speaker.dial(older.port);
    await first.shake('dialler', identity(2));
    await until('the first is up', () => older.seats.length === 1);
    const second = await Speaker.dial(older.port);
    await second.shake('dialler', identity(2));
    await first.closed();
    expect(older.happened).toEqual(['up 2', 'down 2', 'up 2']);
    expect(older.seats).toEqual([2]);
  });

  it('comes again after it broke', async () => {
    const [older, younger] = await pair();
    for (let n = 1; n <= 2; n++) {
      // A process that hangs up, as one that was paused does.
      await older.links.close();
      await until('it ended', () => younger.happened.filter((what) => what === 'down 1').length === n);
      const again = new TestNode(1, { port: older.port });
      nodes.push(again);
      await again.listen();
      await until('it is there again', () => younger.seats.length === 1);
      await again.links.close();
    }
  });

  // The dial that made the link was no longer the one that counted, so nobody dialled.
  it('comes again also where its place was given up and wanted again meanwhile', async () => {
    const [older, younger] = await pair();
    younger.links.want([]);
    younger.links.want([older.place]);
    const speaker = await Speaker.dial(older.port);
    await speaker.shake('dialler', younger.self);
    await until('it broke and came again', () => younger.happened.join().startsWith('up 1,down 1,up 1'));
  });
});

// It took all shards from those that did not know its secret, since nobody answered it.
it('a node with another secret is alive and strange, for whoever dials it, and neither of the two takes the other for gone', async () => {
  const older = await start(1);
  const younger = await start(2, { secret: Buffer.from('another') });
  younger.links.want([older.place]);
  older.links.want([younger.place]);
  await until('both know', () => older.unproven.includes(2) && younger.unproven.includes(1));
  expect([older.seats, younger.seats]).toEqual([[], []]);
  // Who dials may say any number: the older one has only its word.
  expect([younger.links.isStrange(1), older.links.isStrange(2)]).toEqual([true, false]);
  expect([younger.links.isGone(1), older.links.isGone(2)]).toEqual([false, false]);
  await older.links.close();
  await until('it is gone, no more strange', () => younger.links.isGone(1) && !younger.links.isStrange(1));
});

describe('a node that can not be reached', () => {
  it('is dialled again after longer and longer', async () => {
    const at: number[] = [];
    const { server, port } = await answering((speaker) => {
      at.push(performance.now());
      speaker.socket.destroy();
    });
    ends.push(() => server.close());
    const younger = await start(2);
    younger.links.want([{ ...identity(1), address: `127.0.0.1:${port}` }]);
    await until('it was dialled four times', () => at.length === 4);
    // Timers fire a millisecond early now and then.
    for (const [n, least] of [95, 190, 380].entries()) expect((at[n + 1] ?? 0) - (at[n] ?? 0)).toBeGreaterThan(least);
    expect(younger.links.isGone(1)).toBe(false);
  });

  it('is dialled no more when it is not wanted any more', async () => {
    let dialled = 0;
    const { server, port } = await answering((speaker) => {
      dialled++;
      speaker.socket.destroy();
    });
    ends.push(() => server.close());
    const younger = await start(2);
    younger.links.want([{ ...identity(1), address: `127.0.0.1:${port}` }]);
    await until('it was dialled', () => dialled === 1);
    younger.links.want([]);
    const other = await start(1);
    younger.links.want([{ ...other.place, seat: 0 }]);
    await until('others are dialled', () => younger.links.isGone(0));
    expect(dialled).toBe(1);
  });

  it('is gone where its port refuses, and not any more once it is linked', async () => {
    const older = new TestNode(1);
    nodes.push(older);
    const { server, port } = await answering(() => {});
    await new Promise((resolve) => server.close(resolve));
    const younger = await start(2);
    younger.links.want([{ ...identity(1), address: `127.0.0.1:${port}` }]);
    await until('it is gone', () => younger.links.isGone(1));
    const late = new TestNode(1, { port });
    nodes.push(late);
    await late.listen();
    await until('it is linked', () => younger.seats.length === 1);
    expect(younger.links.isGone(1)).toBe(false);
  });

  it('is gone where another process answers at its address', async () => {
    const next = await start(3);
    const younger = await start(4);
    younger.links.want([{ ...identity(1), address: next.place.address }]);
    await until('it is gone', () => younger.links.isGone(1));
    expect([younger.seats, next.seats]).toEqual([[], []]);
    // Whatever the other process took from that connection comes before the link that is wanted.
    younger.links.want([next.place]);
    await until('they are linked', () => next.seats.length + younger.seats.length === 2);
    expect([younger.happened, next.happened]).toEqual([['up 3'], ['up 4']]);
  });

  // Whoever dialled an address that had passed to a node it was linked to proved itself before it saw who answers: the link they had ended, again at
  // each attempt, and the other end had one for a moment that nobody wanted.
  it('costs no link with the process that answers in its place', async () => {
    const [older, younger] = await pair();
    younger.links.want([older.place, { ...identity(0), address: older.place.address }]);
    await until('it is gone', () => younger.links.isGone(0));
    younger.links.send(1, owns(8));
    await until('it came', () => older.received.length === 1);
    expect([older.happened, younger.happened]).toEqual([['up 2', 'owns of 2'], ['up 1']]);
  });

  it('is gone for the older one, too, when the younger one is killed', async () => {
    const [older, younger] = await pair();
    await younger.links.close();
    await until('it is gone', () => older.links.isGone(2));
  });

  // Whoever writes to Redis can say anything: a port that is none threw out of a timer, and took the process along.
  it.each(['', 'nowhere', 'host:', ':1', 'host:0', 'host:65536', 'host:99999', 'a b:1'])(
    'at no address is no trouble for others: %j',
    async (address) => {
      const [older, younger] = [await start(1), await start(3)];
      younger.links.want([{ ...identity(0), address }, { ...identity(2), address }, older.place]);
      await until('the other one is linked', () => younger.seats.length === 1);
    },
  );
});

describe('closing', () => {
  it('does not wait for connections that say nothing', async () => {
    const node = await start(1);
    const speaker = await Speaker.dial(node.port);
    await node.links.close();
    await speaker.closed();
  });

  it('sends what was sent before', async () => {
    const [older, younger] = await pair();
    younger.links.send(1, owns(7));
    await younger.links.close();
    await until('it came', () => older.received.length === 1);
  });

  it('fails to open a port that is taken, and says so', async () => {
    const node = await start(1);
    await expect(new TestNode(2, { port: node.port }).listen()).rejects.toMatchObject({ code: 'LISTEN_FAILED' });
  });
});
