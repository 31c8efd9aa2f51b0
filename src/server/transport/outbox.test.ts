import { describe, expect, it } from 'vitest';
import { splitFrames } from './frames.ts';
import { completeLimits } from './limits.ts';
import { Outbox, type Pending } from './outbox.ts';

interface Named extends Pending {
  name: string;
}

function outbox(options: { accepts?: () => boolean } = {}) {
  const limits = completeLimits();
  const log: [string, number[]][] = [];
  const decode = (message: Uint8Array) => (splitFrames(message, limits) as Uint8Array[]).map((frame) => frame[0] ?? 0);
  const box = new Outbox<Named>(
    {
      copiesBytes: true,
      publishBytes: (topic, message) => log.push([topic, decode(message)]),
      sendBytes: (connection, message) => {
        if (options.accepts?.() === false) return false;
        log.push([connection.name, decode(message())]);
        return true;
      },
      endTurn: () => log.push(['end', []]),
    },
    limits,
  );
  const connection = (name: string): Named => ({ name, pending: null, pendingBytes: 0 });
  return { box, log, connection };
}

const one = (value: number, length = 1) => new Uint8Array(length).fill(value);

describe('outbox', () => {
  it('joins what a turn publishes to a topic and sends to a connection, publishes first', async () => {
    const { box, log, connection } = outbox();
    const a = connection('a');
    box.send(a, one(1));
    box.publish('t', one(2));
    box.publish('u', one(3));
    box.send(a, one(4));
    box.publish('t', one(5));
    await new Promise(setImmediate);
    expect(log).toEqual([
      ['t', [2, 5]],
      ['u', [3]],
      ['a', [1, 4]],
      ['end', []],
    ]);
    expect(a).toMatchObject({ pending: null, pendingBytes: 0 });
  });

  it('splits a topic at 16,000 bytes and at 1,024 frames, in order', () => {
    const { box, log } = outbox();
    box.publish('t', one(1, 8000 - 2));
    box.publish('t', one(2, 8000 - 2));
    box.flush();
    box.publish('t', one(1, 8000 - 2));
    box.publish('t', one(2, 8000 - 1));
    box.flush();
    expect(log.map(([, frames]) => frames)).toEqual([[1, 2], [], [1], [2], []]);
    log.length = 0;
    for (let i = 0; i < 1025; i++) box.publish('t', one(i & 127));
    box.flush();
    expect(log.map(([, frames]) => frames.length)).toEqual([1024, 1, 0]);
  });

  it('splits sends at the message limit of 1 MiB', () => {
    const { box, log, connection } = outbox();
    const a = connection('a');
    for (let i = 0; i < 16; i++) box.send(a, one(i, 65_536));
    box.flush();
    expect(log.map(([, frames]) => frames.length)).toEqual([15, 1, 0]);
  });

  it('keeps sends that the socket layer does not take yet, and asks again next turn', async () => {
    let open = false;
    const { box, log, connection } = outbox({ accepts: () => open });
    const a = connection('a');
    box.send(a, one(1));
    box.flush();
    expect(a.pendingBytes).toBe(2);
    box.send(a, one(2));
    open = true;
    await new Promise(setImmediate);
    expect(log).toEqual([
      ['end', []],
      ['a', [1, 2]],
      ['end', []],
    ]);
    expect(a.pendingBytes).toBe(0);
  });

  it('refuses frames that are empty or over 64 KiB', () => {
    const { box } = outbox();
    box.publish('t', one(1, 65_536));
    expect(() => box.publish('t', one(1, 65_537))).toThrow(RangeError);
    expect(() => box.publish('t', one(1, 0))).toThrow(RangeError);
  });
});
