import { describe, expect, it } from 'vitest';
import { roomAddress } from '../kernel/address.ts';
import { samples } from '../kernel/samples.ts';
import { shardCount } from '../log/shards.ts';
import { Hearing } from './hearing.ts';
import { defaultHeldLimits, Held } from './held.ts';
import { Listeners } from './listeners.ts';
import { chosenFor } from './rendezvous.ts';
import { firstSession, seatOf, seatsMax, sessionsPerSeat } from './seats.ts';
import { GivingBack, Settling } from './settling.ts';

describe('a seat', () => {
  it('is told by the numbers of its sessions, up to the last one', () => {
    for (const seat of [0, 1, 7, seatsMax - 1]) {
      expect(seatOf(firstSession(seat))).toBe(seat);
      expect(seatOf(firstSession(seat) + sessionsPerSeat - 1)).toBe(seat);
    }
    expect(firstSession(seatsMax)).toBe(Number.MAX_SAFE_INTEGER + 1);
  });
});

describe('rendezvous', () => {
  const shards = Array.from({ length: shardCount }, (_, shard) => shard);
  const place = (nodes: readonly string[]) => shards.map((shard) => chosenFor(shard, nodes));

  it('decides the same whatever the order of the nodes, and nothing where there are none', () => {
    expect(place(['a', 'b', 'c'])).toEqual(place(['c', 'a', 'b']));
    expect(chosenFor(3, [])).toBeNull();
  });

  it('moves the shards of a node that goes, and no others', () => {
    const [before, after] = [place(['a', 'b', 'c']), place(['a', 'c'])];
    for (const shard of shards) if (before[shard] !== 'b') expect(after[shard]).toBe(before[shard]);
    expect(before.filter((node) => node === 'b').length).toBeGreaterThan(8);
  });

  it('gives each of three nodes a share', () => {
    for (const node of ['n1', 'n2', 'n3']) {
      const share = place(['n1', 'n2', 'n3']).filter((each) => each === node).length;
      expect(share).toBeGreaterThan(12);
      expect(share).toBeLessThan(32);
    }
  });
});

describe('listeners', () => {
  it('drop a node that has none left, unless it was sent another join meanwhile', () => {
    const listeners = new Listeners();
    listeners.joined('!r', 2, 1);
    listeners.joined('!r', 2, 4);
    listeners.left('!r', 2, 3);
    expect([...listeners.of('!r')]).toEqual([2]);
    listeners.left('!r', 2, 4);
    expect(listeners.size).toBe(0);
    listeners.left('!r', 2, 9);
    expect(listeners.size).toBe(0);
  });

  it('forget a node whose link ended, and audiences that moved', () => {
    const listeners = new Listeners();
    listeners.joined('!r', 2, 1);
    listeners.joined('!r', 3, 1);
    listeners.joined('!s', 2, 2);
    listeners.drop(2);
    expect([...listeners.of('!r')]).toEqual([3]);
    listeners.forget((key) => key === '!r');
    expect(listeners.size).toBe(0);
  });
});

describe('hearing', () => {
  it('knows whom to tell when nobody is left, once', () => {
    const hearing = new Hearing();
    hearing.joined('!r', 2);
    expect(hearing.emptied('!r')).toBe(2);
    expect(hearing.emptied('!r')).toBeUndefined();
  });

  it('loses what came over a link', () => {
    const hearing = new Hearing();
    hearing.joined('!r', 2);
    hearing.joined('!s', 3);
    expect([...hearing.lost((_, seat) => seat === 2)]).toEqual([['!r', 2]]);
    expect(hearing.size).toBe(1);
  });
});

describe('held letters', () => {
  const letter = (bytes: number) => ({ to: roomAddress('!r:lux'), message: samples.submit, bytes });

  it('are bounded in number and bytes', () => {
    const held = new Held({ ...defaultHeldLimits, lettersMax: 2, bytesMax: 100 });
    expect(held.keep(1, letter(60), 0)).toBe(true);
    expect(held.keep(1, letter(41), 0)).toBe(false);
    expect(held.keep(2, letter(40), 0)).toBe(true);
    expect(held.keep(2, letter(0), 0)).toBe(false);
    held.take(1);
    expect(held.keep(2, letter(0), 0)).toBe(true);
  });

  it('that were on their way before go first, in order among themselves', () => {
    const held = new Held({ ...defaultHeldLimits, waitMs: 100 });
    for (const [bytes, isOlder] of [
      [3, false],
      [1, true],
      [4, false],
      [2, true],
    ] as const) {
      held.keep(1, letter(bytes), bytes, isOlder);
    }
    expect(held.overdue(101).map(({ bytes }) => bytes)).toEqual([1]);
    held.keep(1, letter(2.5), 50, true);
    expect(held.take(1).map(({ letter }) => letter.bytes)).toEqual([2, 2.5, 3, 4]);
    expect(held.size).toBe(0);
  });

  it('come out in order, or when they have waited long enough', () => {
    const held = new Held({ ...defaultHeldLimits, waitMs: 100 });
    for (const [n, at] of [0, 50, 60].entries()) held.keep(n === 1 ? 5 : 4, letter(n), at);
    expect(held.overdue(99)).toEqual([]);
    expect(held.overdue(100).map(({ bytes }) => bytes)).toEqual([0]);
    expect(held.take(4).map(({ letter }) => letter.bytes)).toEqual([2]);
    expect(held.overdue(1_000).map(({ bytes }) => bytes)).toEqual([1]);
    expect(held.size).toBe(0);
  });
});

describe('a shard that settles', () => {
  it('waits for the node that it left, whichever it leaves meanwhile, and for no answer of another', () => {
    const settling = new Settling();
    expect(settling.begin(1, 2)).toBe(true);
    expect(settling.begin(1, 3)).toBe(false);
    expect(settling.end(1, 3)).toBe(false);
    expect(settling.has(1)).toBe(true);
    expect(settling.end(1, 2)).toBe(true);
    expect(settling.end(1, 2)).toBe(false);
    expect(settling.size).toBe(0);
  });

  it('waits no longer than the link', () => {
    const settling = new Settling();
    for (const [shard, seat] of [
      [1, 2],
      [4, 2],
      [5, 3],
    ] as const) {
      settling.begin(shard, seat);
    }
    expect(settling.drop(2)).toEqual([1, 4]);
    expect(settling.size).toBe(1);
  });

  it('is answered when its actors have stopped, each who asked once', () => {
    const givingBack = new GivingBack();
    givingBack.asked(2, 1);
    givingBack.asked(3, 1);
    givingBack.asked(2, 4);
    givingBack.drop(3);
    expect(givingBack.take((shard) => shard === 1)).toEqual([{ seat: 2, shard: 1 }]);
    expect(givingBack.take((shard) => shard === 1)).toEqual([]);
    expect(givingBack.size).toBe(1);
  });

  it('gives back all that comes until the sender has asked, or its link ended', () => {
    const givingBack = new GivingBack();
    givingBack.begin(2, 1);
    givingBack.begin(3, 1);
    expect([givingBack.has(2, 1), givingBack.has(2, 4), givingBack.has(3, 1)]).toEqual([true, false, true]);
    givingBack.asked(2, 1);
    givingBack.begin(2, 1);
    givingBack.drop(3);
    expect([givingBack.has(2, 1), givingBack.has(3, 1)]).toEqual([false, false]);
    givingBack.take(() => true);
    expect(givingBack.size).toBe(0);
  });
});
