import { describe, expect, it } from 'vitest';
import { Rejection } from '#proto/gen/codes.ts';
import { sessionAddress, userAddress } from '../kernel/address.ts';
import type { Message } from '../kernel/messages.ts';
import { samples } from '../kernel/samples.ts';
import { shardOf } from '../log/shards.ts';
import { defaultHeldLimits } from './held.ts';
import {
  answer,
  kinds,
  move,
  requests,
  sessionOf,
  shard,
  submit,
  to,
  town,
  unavailable,
  user,
  userShard,
} from './testing/switchboard.ts';
import { Town } from './testing/town.ts';

describe('a letter to an actor', () => {
  it('is left to the node itself where the actor is there', () => {
    expect(
      town()
        .node(1)
        .board.forward(to, submit(sessionOf(1), 1), 5),
    ).toBe(false);
    expect(
      town()
        .node(1)
        .board.forward(sessionAddress(sessionOf(1)), answer(1), 5),
    ).toBe(false);
  });

  it('goes to the node that has it, with its weight, and the answer comes back', () => {
    const at = town();
    expect(at.node(2).board.forward(to, submit(sessionOf(2), 1), 5)).toBe(true);
    at.flow();
    expect(at.node(1).told).toEqual([{ to, message: submit(sessionOf(2), 1), bytes: 5 }]);
    expect(at.node(2).board.counts.asked).toBe(1);
    expect(at.node(1).board.forward(sessionAddress(sessionOf(2)), answer(1), 6)).toBe(true);
    at.flow();
    expect(at.node(2).told).toEqual([{ to: sessionAddress(sessionOf(2)), message: answer(1), bytes: 6 }]);
    expect(at.node(2).board.counts.asked).toBe(0);
  });

  it('is held until somebody has it, and handed on in order', () => {
    const at = new Town([1, 2]);
    for (const request of [1, 2, 3]) at.node(2).board.forward(to, submit(sessionOf(2), request), 1);
    expect(at.node(2).board.counts.held).toBe(3);
    at.node(1).board.place([shard], 'here');
    at.flow();
    expect(requests(at.node(1).told)).toEqual([1, 2, 3]);
    expect(at.node(2).board.counts.held).toBe(0);
  });

  it('is handed to the actor here where the shard comes here, in order', () => {
    const at = new Town([1, 2]);
    for (const request of [1, 2]) at.node(2).board.forward(to, submit(sessionOf(2), request), 1);
    at.node(2).board.place([shard], 'here');
    expect(requests(at.node(2).told)).toEqual([1, 2]);
  });

  it('is refused when it was held too long, and not a millisecond before', () => {
    const at = new Town([1, 2]);
    at.node(2).board.forward(to, submit(sessionOf(2), 1), 1);
    at.now = defaultHeldLimits.waitMs - 1;
    at.node(2).board.tick();
    expect(at.node(2).refused).toEqual([]);
    at.now++;
    at.node(2).board.tick();
    expect(at.node(2).refused).toEqual([{ to, message: submit(sessionOf(2), 1), refusal: unavailable }]);
  });

  it.each([
    ['letters', { ...defaultHeldLimits, lettersMax: 2 }],
    ['bytes', { ...defaultHeldLimits, bytesMax: 20 }],
  ])('is refused as BUSY when those held are too many: %s', (_, limits) => {
    const at = new Town([1, 2], limits);
    for (const request of [1, 2, 3]) at.node(2).board.forward(to, submit(sessionOf(2), request), 10);
    expect(at.node(2).board.counts.held).toBe(2);
    const refusal = { code: Rejection.REJECTION_BUSY, retryAfterMs: 500 };
    expect(at.node(2).refused).toEqual([{ to, message: submit(sessionOf(2), 3), refusal }]);
  });

  it('comes back from a node that does not have the actor, and goes on in order to the one that has', () => {
    const at = town();
    for (const request of [1, 2]) at.node(2).board.forward(to, submit(sessionOf(2), request), 1);
    move(at, 1, 3);
    at.arrive(2, 1);
    expect(at.node(1).told).toEqual([]);
    at.flow();
    expect(requests(at.node(3).told)).toEqual([1, 2]);
    expect(at.node(2).board.counts).toMatchObject({ held: 0, asked: 2 });
  });

  // It came back while later ones went straight to the new owner.
  it.each([
    ['the old one says so first', [1, 3]],
    ['the new one says so first', [3, 1]],
  ])('keeps its place before later ones of its sender while the shard moves: %s', (_, [first, second]) => {
    const at = town();
    at.node(2).board.forward(to, submit(sessionOf(2), 1), 1);
    at.arrive(2, 1);
    at.node(1).board.place([shard], 'giving');
    at.node(2).board.forward(to, submit(sessionOf(2), 2), 1);
    at.arrive(2, 1);
    // As the kernel tells anew what waited when its actor stopped.
    expect(at.node(1).board.forward(to, submit(sessionOf(2), 1), 1, true)).toBe(true);
    at.node(2).board.forward(to, submit(sessionOf(2), 3), 1);
    at.node(3).board.place([shard], 'here');
    if (first === 3) {
      at.arrive(3, 2);
      at.node(2).board.forward(to, submit(sessionOf(2), 4), 1);
      at.arrive(2, 1);
      // Whether all has come back is not known before the shard has been given.
      expect(kinds(at.underWay(1, 2))).toEqual([]);
    }
    at.node(1).board.place([shard], 'nobody');
    if (first === 1) {
      at.arrive(1, 2);
      at.node(2).board.forward(to, submit(sessionOf(2), 4), 1);
    }
    at.arrive(second as number, 2);
    at.flow();
    expect(requests(at.node(3).told)).toEqual([1, 2, 3, 4]);
    for (const seat of [1, 2, 3]) expect(at.node(seat).board.counts).toMatchObject({ held: 0, settling: 0 });
  });

  it('keeps its place where the shard comes to its own node, and where it stays after all', () => {
    const at = town();
    for (const request of [1, 2]) at.node(2).board.forward(to, submit(sessionOf(2), request), 1);
    at.node(1).board.place([shard], 'giving');
    at.arrive(2, 1);
    at.node(1).board.place([shard], 'nobody');
    at.node(2).board.place([shard], 'here');
    // While the first ones are on their way back.
    expect(at.node(2).board.forward(to, submit(sessionOf(2), 3), 1)).toBe(true);
    at.flow();
    expect(requests(at.node(2).told)).toEqual([1, 2, 3]);

    const stays = town();
    for (const request of [1, 2]) stays.node(2).board.forward(to, submit(sessionOf(2), request), 1);
    stays.node(1).board.place([shard], 'giving');
    stays.arrive(2, 1);
    stays.node(1).board.place([shard], 'here');
    stays.node(2).board.forward(to, submit(sessionOf(2), 3), 1);
    stays.flow();
    expect(requests(stays.node(1).told)).toEqual([1, 2, 3]);
  });

  it('keeps its place where some came too early for a node that has the shard by now', () => {
    const at = town();
    at.node(1).board.place([shard], 'nobody');
    at.flow();
    at.now = 1;
    at.node(2).board.found(shard, 3, 1);
    for (const request of [1, 2, 3]) at.node(2).board.forward(to, submit(sessionOf(2), request), 1);
    at.arrive(2, 3, 1);
    at.node(3).board.place([shard], 'here');
    at.arrive(2, 3);
    expect(at.node(3).told).toEqual([]);
    at.flow();
    expect(requests(at.node(3).told)).toEqual([1, 2, 3]);
  });

  it('does not wait for a node whose link ended', () => {
    const at = town();
    move(at, 1, 3);
    at.arrive(3, 2);
    at.node(2).board.forward(to, submit(sessionOf(2), 1), 1);
    expect(at.node(2).board.counts).toMatchObject({ held: 1, settling: 1 });
    at.cut(1, 2);
    at.flow();
    expect(requests(at.node(3).told)).toEqual([1]);
  });

  // An actor that is dropped gives back what waited for it at any time.
  it('that comes back when later ones have gone on is refused', () => {
    const at = town();
    at.node(2).board.forward(to, submit(sessionOf(2), 1), 1);
    at.flow();
    move(at, 1, 3);
    at.flow();
    at.node(2).board.forward(to, submit(sessionOf(2), 2), 1);
    at.node(1).board.forward(to, submit(sessionOf(2), 1), 1, true);
    at.flow();
    expect(requests(at.node(3).told)).toEqual([2]);
    expect(requests(at.node(2).refused)).toEqual([1]);
  });

  it('of another node that waited here when its actor moved goes back to where it was asked', () => {
    const at = town();
    at.node(2).board.forward(to, submit(sessionOf(2), 1), 1);
    at.flow();
    at.node(1).board.place([shard], 'giving');
    expect(at.node(1).board.forward(to, submit(sessionOf(2), 1), 1, true)).toBe(true);
    expect(at.node(1).board.counts.held).toBe(1);
    at.node(1).board.place([shard], 'nobody');
    expect(kinds(at.underWay(1, 2))).toEqual(['returned', 'owns']);
    at.flow();
    expect(at.node(1).board.counts.held).toBe(0);
    expect(at.node(2).board.counts).toMatchObject({ held: 1, asked: 0 });
  });

  it('that answers an actor which stops here reaches it', () => {
    const at = town();
    const asker = userAddress(user);
    at.node(2).board.place([shardOf(userAddress('@bob:lux'))], 'here');
    at.flow();
    const ask = { ...samples.readKeys, replyTo: asker } as Extract<Message, { kind: 'readKeys' }>;
    at.node(1).board.forward(userAddress('@bob:lux'), ask, 1);
    at.node(1).board.place([userShard], 'giving');
    at.flow();
    const keys = { ...samples.keysRead, token: ask.token, user: '@bob:lux' } as Message;
    at.node(2).board.forward(asker, keys, 1);
    at.flow();
    expect(at.node(1).told.map(({ message }) => message.kind)).toEqual(['keysRead']);
  });

  // A letter that went to and fro between a node that was giving and one that believed the store waited anew each time.
  it('waits no longer for coming back again and again', () => {
    const at = town();
    at.node(1).board.place([shard], 'nobody');
    at.node(2).board.forward(to, submit(sessionOf(2), 1), 1);
    for (at.now = 1_000; at.now < defaultHeldLimits.waitMs; at.now += 1_000) {
      at.flow();
      at.node(2).board.tick();
      at.node(2).board.found(shard, 1, at.now);
    }
    expect(at.node(2).refused).toEqual([]);
    at.flow();
    at.node(2).board.tick();
    expect(requests(at.node(2).refused)).toEqual([1]);
  });

  it('is not given back twice when it comes back after the link ended', () => {
    const at = town();
    at.node(1).board.place([shard], 'giving');
    at.node(2).board.forward(to, submit(sessionOf(2), 1), 1);
    at.cut(1, 2);
    expect(requests(at.node(2).refused)).toEqual([1]);
    at.link(1, 2);
    at.node(2).board.received(1, { kind: 'returned', to, message: submit(sessionOf(2), 1), bytes: 1 });
    expect(at.node(2).board.counts.held).toBe(0);
  });

  it('that wants no answer is handed on, too', () => {
    const at = new Town([1, 2]);
    at.node(2).board.forward(to, samples.ephemeral, 1);
    expect(at.node(2).board.counts.held).toBe(1);
    at.node(1).board.place([...new Set([shard, userShard])], 'here');
    at.flow();
    expect(at.node(1).told.map(({ message }) => message.kind)).toEqual(['ephemeral']);
  });

  // Two nodes that both believe to have the asker's shard, one of which was fenced and said last what it has: the answer went there, and who had asked waited
  // for ever. Seed 201 of the simulator with two nodes, devices that come and go and processes that are taken over from.
  it('goes back where it was asked from, if it is an answer, wherever the asker is believed to be', () => {
    for (const believed of [3, 'nobody', 'here'] as const) {
      const at = town();
      const asker = userAddress('@bob:lux');
      at.node(2).board.place([shardOf(asker)], 'here');
      at.node(2).board.forward(userAddress(user), { ...samples.readKeys, replyTo: asker } as Message, 1);
      at.flow();
      at.node(1).board.placement.set(shardOf(asker), believed);
      expect(at.node(1).board.counts.owed).toBe(1);
      expect(at.node(1).board.forward(asker, { ...samples.keysRead, token: 5, user } as Message, 1)).toBe(true);
      at.flow();
      expect(at.node(1).board.counts.owed).toBe(0);
      expect(at.node(2).board.counts.asked).toBe(0);
      expect(kinds(at.node(2).told.map(({ message }) => message))).toEqual(['keysRead']);
    }
  });

  // Seed 140 of the simulator with three nodes and slow links between them: it went on as if it had been asked here, and its answer came here.
  it('goes back where it was asked from, if it came while the actor was being given away', () => {
    const at = town();
    const asker = userAddress('@bob:lux');
    at.node(2).board.place([shardOf(asker)], 'here');
    at.flow();
    const asked = { ...samples.readKeys, replyTo: asker } as Message;
    at.node(2).board.forward(userAddress(user), asked, 1);
    at.node(1).board.place([userShard], 'giving');
    at.flow();
    expect(at.node(1).board.counts).toMatchObject({ held: 1, owed: 1 });
    at.node(1).board.place([userShard], 'nobody');
    expect(at.underWay(1, 2).map(({ kind }) => kind)).toContain('returned');
    expect(at.node(1).board.counts).toMatchObject({ held: 0, owed: 0 });
  });

  it('is owed to nobody any more once its asker has moved away from there', () => {
    const at = town();
    const asker = userAddress('@bob:lux');
    at.node(2).board.place([shardOf(asker)], 'here');
    at.flow();
    at.node(2).board.forward(userAddress(user), { ...samples.readKeys, replyTo: asker } as Message, 1);
    at.flow();
    expect(at.node(1).board.counts.owed).toBe(1);
    // What a third node says of it changes nothing.
    at.node(1).board.received(3, { kind: 'owns', shards: [] });
    expect(at.node(1).board.counts.owed).toBe(1);
    at.node(2).board.place([shardOf(asker)], 'nobody');
    at.flow();
    expect(at.node(1).board.counts.owed).toBe(0);
  });

  it('meets nobody, if it is an answer, once its asker has moved away or its link has ended', () => {
    const asker = userAddress('@bob:lux');
    const answer = { ...samples.keysRead, token: 5, user } as Message;
    const moved = town();
    moved.node(1).board.placement.set(shardOf(asker), 2);
    expect(moved.node(1).board.forward(asker, answer, 1)).toBe(true);
    expect(moved.underWay(1, 2)).toEqual([]);
    const at = town();
    at.node(2).board.place([shardOf(asker)], 'here');
    at.node(2).board.forward(userAddress(user), { ...samples.readKeys, replyTo: asker } as Message, 1);
    at.flow();
    at.cut(1, 2);
    expect(at.node(1).board.counts.owed).toBe(0);
    at.link(1, 2);
    at.flow();
    at.node(1).board.forward(asker, answer, 1);
    at.flow();
    expect(at.node(2).told).toEqual([]);
  });
});
