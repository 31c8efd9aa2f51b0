import { describe, expect, it } from 'vitest';
import { Disconnect, Rejection } from '#proto/gen/codes.ts';
import { type Address, roomAddress, sessionAddress, userAddress } from '../kernel/address.ts';
import type { Message } from '../kernel/messages.ts';
import { samples } from '../kernel/samples.ts';
import { shardOf } from '../log/shards.ts';
import { defaultHeldLimits } from './held.ts';
import { firstSession } from './seats.ts';
import { Town } from './testing/town.ts';

const room = '!r:lux';
const to = roomAddress(room);
const shard = shardOf(to);
const user = '@ann:lux';
const userShard = shardOf(userAddress(user));
/** A session of the node with that seat. */
const sessionOf = (seat: number) => firstSession(seat) + 7;

/** The `request`-th request of a session. */
function submit(session: number, request: number): Message {
  return { ...samples.submit, from: { ...samples.submit.from, session, request } };
}
function answer(request: number): Message {
  return { ...samples.answer, request };
}
const kinds = (things: readonly { readonly kind: string }[]) => things.map(({ kind }) => kind);
const requests = (letters: readonly { readonly message: Message }[]) =>
  letters.map(({ message }) => ('from' in message ? message.from.request : message.kind));
const unavailable = { code: Rejection.REJECTION_UNAVAILABLE, retryAfterMs: 500 };
const unheardRoom = (seat: number) => [
  sessionAddress(sessionOf(seat)),
  { kind: 'unheard', rooms: [room], watched: [], own: false },
];

/** Nodes 1 to 3; the room is at 1, and the user, too. A session of node 2 is logged in there. */
function town(limits = defaultHeldLimits): Town {
  const made = new Town([1, 2, 3], limits);
  made.node(1).board.place([...new Set([shard, userShard])], 'here');
  made.flow();
  made.node(2).audiences.enter(sessionOf(2), user, 1);
  return made;
}

/** The room makes the session of node 2 live. */
function join(at: Town, seat = 1): void {
  at.node(seat).board.perform({ kind: 'join', session: sessionOf(2), audience: { room } }, to);
}

/** The shard goes from one node to another, as keepers do it. */
function move(at: Town, from: number, into: number): void {
  at.node(from).board.place([shard], 'giving');
  at.node(from).board.place([shard], 'nobody');
  at.node(into).board.place([shard], 'here');
}

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

  it('that wants no answer is handed on, too, and an answer to nobody is dropped', () => {
    const at = new Town([1, 2]);
    at.node(2).board.forward(to, samples.ephemeral, 1);
    at.node(2).board.forward(userAddress(user), samples.deposited, 1);
    expect(at.node(2).board.counts.held).toBe(2);
    at.node(1).board.place([...new Set([shard, userShard])], 'here');
    at.flow();
    expect(at.node(1).told.map(({ message }) => message.kind)).toEqual(['ephemeral']);
  });

  // Seed 36 of the simulator with three nodes: both shards moved at once. The answer was ready before it was heard where its asker is, and was dropped.
  it('waits where nobody knows its place yet, if it is an answer', () => {
    const at = town();
    const asker = userAddress('@bob:lux');
    at.node(2).board.place([shardOf(asker)], 'here');
    const asked = { ...samples.readKeys, replyTo: asker } as Message;
    at.node(2).board.forward(userAddress(user), asked, 1);
    at.arrive(2, 1, at.underWay(2, 1).length);
    at.node(1).board.placement.set(shardOf(asker), 'nobody');
    at.node(1).board.forward(asker, { ...samples.keysRead, token: 5, user } as Message, 1);
    at.flow();
    expect(at.node(2).board.counts.asked).toBe(1);
    at.node(1).board.found(shardOf(asker), 2, Number.POSITIVE_INFINITY);
    at.flow();
    expect(at.node(2).board.counts.asked).toBe(0);
    expect(kinds(at.node(2).told.map(({ message }) => message))).toEqual(['keysRead']);
  });

  it('is not waited for where nobody knows who asked', () => {
    const at = town();
    const unknown = userAddress('@gone:lux');
    expect(at.node(2).board.placement.of(shardOf(unknown))).toBe('nobody');
    at.node(2).board.forward(to, { ...samples.readKeys, replyTo: unknown } as Message, 1);
    expect(at.node(2).board.counts.asked).toBe(0);
  });
});

describe('an answer', () => {
  it('counts once, and only from whom it was asked', () => {
    const at = town();
    at.node(2).board.forward(to, submit(sessionOf(2), 1), 1);
    at.flow();
    const packet = { kind: 'tell', to: sessionAddress(sessionOf(2)), message: answer(1), bytes: 1 } as const;
    at.node(2).board.received(3, packet);
    expect(at.node(2).told).toEqual([]);
    for (let n = 0; n < 2; n++) at.node(2).board.received(1, packet);
    expect(at.node(2).told).toHaveLength(1);
  });

  it('of a link that ended is refused, in the order of asking, and what comes late meets nobody', () => {
    const at = town();
    for (const request of [1, 2]) at.node(2).board.forward(to, submit(sessionOf(2), request), 1);
    at.cut(1, 2);
    expect(at.node(2).refused.map(({ refusal }) => refusal)).toEqual([unavailable, unavailable]);
    expect(requests(at.node(2).refused)).toEqual([1, 2]);
    const packet = { kind: 'tell', to: sessionAddress(sessionOf(2)), message: answer(1), bytes: 1 } as const;
    at.node(2).board.received(1, packet);
    at.link(1, 2);
    at.node(2).board.received(1, packet);
    expect(at.node(2).told).toEqual([]);
  });

  it('for an actor that has moved away meanwhile meets nobody', () => {
    const at = town();
    const asker = userAddress('@bob:lux');
    at.node(2).board.place([shardOf(asker)], 'here');
    at.node(2).board.forward(to, { ...samples.readKeys, replyTo: asker } as Message, 1);
    expect(at.node(2).board.counts.asked).toBe(1);
    at.node(2).board.place([shardOf(asker)], 'giving');
    at.node(2).board.place([shardOf(asker)], 'nobody');
    expect(at.node(2).board.counts.asked).toBe(0);
  });

  it('that ends a session needs no question', () => {
    const at = town();
    const code = Disconnect.DISCONNECT_LOGGED_OUT;
    at.node(1).board.perform({ kind: 'disconnect', session: sessionOf(2), code, retryAfterMs: 0 }, to);
    at.flow();
    expect(kinds(at.node(2).performed)).toEqual(['disconnect']);
  });
});

describe('an audience', () => {
  it('is delivered to once a node that has hearers', () => {
    const at = town();
    join(at);
    at.flow();
    const deliver = { kind: 'deliver', audience: { room }, frame: new Uint8Array([1]) } as const;
    expect(at.node(1).board.perform(deliver, to)).toBe(false);
    at.flow();
    expect(kinds(at.node(2).performed)).toEqual(['join', 'deliver']);
    expect(at.node(2).performed[1]).toEqual({ ...deliver, shed: false });
    expect(at.node(3).performed).toEqual([]);
  });

  it('is left when its last session is gone, and by a session that is gone already', () => {
    const at = town();
    join(at);
    at.flow();
    at.node(2).audiences.close(sessionOf(2));
    expect(at.underWay(2, 1)).toEqual([{ kind: 'left', audience: { room }, joins: 1 }]);
    at.flow();
    expect(at.node(1).board.counts.listeners).toBe(0);
    join(at);
    at.flow();
    expect(at.node(1).board.counts.listeners).toBe(0);
    expect(at.node(2).board.counts.heard).toBe(0);
  });

  it('stays where a join and a leave cross', () => {
    const at = town();
    join(at);
    at.flow();
    at.node(2).audiences.part(sessionOf(2), { room });
    join(at);
    at.flow();
    expect(at.node(1).board.counts.listeners).toBe(1);
    expect(at.node(2).audiences.hears(room)).toBe(true);
  });

  // Only the owner's own were counted, so a watch that had been sent to the wrong node made every later `left` look newer than it was.
  it('stays where they cross after a watch that went to the wrong node', () => {
    const at = town();
    at.node(1).board.perform({ kind: 'watch', session: sessionOf(2), room: '!elsewhere:lux' }, userAddress(user));
    const far = shardOf(roomAddress('!elsewhere:lux'));
    at.node(2).board.placement.set(far, 'nobody');
    at.node(1).board.placement.set(far, 2);
    at.node(1).board.perform({ kind: 'watch', session: sessionOf(3), room: '!elsewhere:lux' }, userAddress(user));
    join(at);
    at.flow();
    at.node(2).audiences.part(sessionOf(2), { room });
    join(at);
    at.flow();
    expect(at.node(1).board.counts.listeners).toBe(1);
  });

  it('of a node whose link ended is heard no more, and its sessions hear so', () => {
    const at = town();
    join(at);
    at.flow();
    at.cut(1, 2);
    expect(at.node(2).unheard).toEqual([unheardRoom(2)]);
    expect(at.node(2).board.counts.heard).toBe(0);
    expect(at.node(1).board.counts.listeners).toBe(0);
  });

  it('that moved is heard no more, by sessions of all nodes, and its old node forgets them', () => {
    const at = town();
    join(at);
    at.node(1).audiences.enter(sessionOf(1), user, 1);
    at.node(1).audiences.join(sessionOf(1), { room });
    at.flow();
    move(at, 1, 3);
    at.flow();
    expect(at.node(1).unheard).toEqual([unheardRoom(1)]);
    expect(at.node(2).unheard).toEqual([unheardRoom(2)]);
    expect(at.node(1).board.counts.listeners).toBe(0);
    expect(at.node(2).board.counts.heard).toBe(0);
  });

  it('goes on while its actors stop', () => {
    const at = town();
    join(at);
    at.flow();
    at.node(1).board.place([shard], 'giving');
    at.node(1).board.perform({ kind: 'deliver', audience: { room }, frame: new Uint8Array([1]) }, to);
    at.flow();
    expect(kinds(at.node(2).performed)).toEqual(['join', 'deliver']);
    expect(at.node(2).unheard).toEqual([]);
  });

  // Its node forgot who heard it elsewhere, and they never knew: nobody who has a shard says that it was lost.
  it('that was to move and stays is asked for anew by those elsewhere', () => {
    const at = town();
    join(at);
    at.flow();
    at.node(1).board.place([shard], 'giving');
    at.node(1).board.place([shard], 'here');
    at.flow();
    expect(at.node(2).unheard).toEqual([unheardRoom(2)]);
    expect(at.node(2).board.placement.of(shard)).toBe(1);
  });

  // The word of the new owner may be faster than the last words of the old one.
  it('is asked for anew by a session whose join comes from where it was before', () => {
    const at = town();
    join(at);
    move(at, 1, 3);
    at.arrive(3, 2);
    at.flow();
    expect(at.node(2).unheard).toEqual([unheardRoom(2)]);
    expect(at.node(2).board.counts.heard).toBe(0);
    expect(at.node(2).audiences.hears(room)).toBe(false);
    join(at, 3);
    at.flow();
    expect(at.node(3).board.counts.listeners).toBe(1);
  });

  it('of a user is told that its sessions must greet it anew', () => {
    const at = town();
    at.node(1).board.perform({ kind: 'join', session: sessionOf(2), audience: { user } }, userAddress(user));
    at.node(1).board.place([userShard], 'giving');
    at.node(1).board.place([userShard], 'nobody');
    at.node(3).board.place([userShard], 'here');
    at.arrive(3, 2);
    at.flow();
    const own = { kind: 'unheard', rooms: [], watched: [], own: true };
    expect(at.node(2).unheard).toEqual([[sessionAddress(sessionOf(2)), own]]);
  });
});

describe('a watch', () => {
  const watched = [sessionAddress(sessionOf(2)), { kind: 'unheard', rooms: [], watched: [room], own: false }];
  const watch = { kind: 'watch', session: sessionOf(2), room } as const;

  it('goes from the node of the user to that of the room, and from there to that of the session', () => {
    const at = town();
    expect(at.node(3).board.perform(watch, userAddress(user))).toBe(true);
    at.flow();
    expect(at.node(1).performed).toEqual([]);
    expect(at.node(2).performed).toEqual([watch]);
    expect(at.node(1).board.counts.listeners).toBe(1);
  });

  it('stays at the node where all three are, and ends at the room where the session is there', () => {
    const at = town();
    expect(at.node(1).board.perform({ ...watch, session: sessionOf(1) }, userAddress(user))).toBe(false);
    expect(at.node(3).board.perform({ ...watch, session: sessionOf(1) }, userAddress(user))).toBe(true);
    at.flow();
    expect(at.node(1).performed).toEqual([{ ...watch, session: sessionOf(1) }]);
    expect(at.node(1).board.counts.listeners).toBe(0);
  });

  // It was dropped, and a device that lives on marks heard nothing of the room until its next list.
  it('of a room that nobody has is asked for by the session itself', () => {
    const at = new Town([1, 2]);
    at.node(1).board.perform(watch, userAddress(user));
    at.node(2).board.perform(watch, userAddress(user));
    at.flow();
    expect(at.node(2).unheard).toEqual([watched, watched]);
  });

  // It was dropped where the room's node had no link to the session's, and the session stayed deaf.
  it('of a session to whose node the room has no link goes back, and is asked for by the session itself', () => {
    const at = town();
    at.cut(1, 2);
    at.flow();
    const before = at.node(2).unheard.length;
    at.node(3).board.perform(watch, userAddress(user));
    at.flow();
    expect(at.node(2).unheard.slice(before)).toEqual([watched]);
    expect(at.node(1).board.counts.listeners).toBe(0);
  });

  it('of a room that has moved on is asked for by the session itself', () => {
    const at = town();
    at.node(3).board.perform(watch, userAddress(user));
    at.node(1).board.place([shard], 'giving');
    at.node(1).board.place([shard], 'nobody');
    at.flow();
    expect(at.node(2).unheard).toEqual([watched]);
    expect(at.node(2).board.counts.heard).toBe(0);
  });
});

describe('what concerns a user on all nodes', () => {
  it('reaches the sessions of nodes that hear the user', () => {
    const at = town();
    at.node(1).board.perform({ kind: 'join', session: sessionOf(2), audience: { user } }, userAddress(user));
    at.flow();
    at.node(1).board.tellSessions({ kind: 'tellSessions', user, device: 1, message: samples.mayEnter });
    at.node(1).board.tellSessions({ kind: 'tellSessions', user, device: 2, message: samples.mayEnter });
    const code = Disconnect.DISCONNECT_LOGGED_OUT;
    const gone = { kind: 'disconnectDevice', user, device: 1, code } as const;
    at.node(1).board.perform(gone, userAddress(user));
    at.flow();
    expect(at.node(2).told).toEqual([{ to: sessionAddress(sessionOf(2)), message: samples.mayEnter, bytes: 0 }]);
    expect(at.node(2).performed.at(-1)).toEqual(gone);
    expect(at.node(3).performed).toEqual([]);
  });

  it('takes a room from its sessions wherever they hear it', () => {
    const at = town();
    join(at);
    at.flow();
    at.node(1).board.perform({ kind: 'evict', user, room }, to);
    at.flow();
    expect(at.node(2).told.map(({ message }) => message)).toEqual([{ kind: 'evicted', room }]);
    expect(at.node(2).audiences.hears(room)).toBe(false);
    expect(at.node(1).board.counts.listeners).toBe(0);
  });

  it('a revoked device is confirmed to every node, whoever ordered it', () => {
    const at = town();
    at.node(1).board.perform({ kind: 'revokeDevice', user, device: 2 }, userAddress(user));
    at.flow();
    for (const seat of [2, 3]) expect(at.node(seat).revoked).toEqual([{ user, device: 2 }]);
  });
});

describe('a summary', () => {
  const token = firstSession(2) + 5;
  const asked = { kind: 'summarise', token, user } as const;

  it('is asked of the node of the room and comes to the node of the list, once', () => {
    const at = town();
    at.node(2).board.forward(to, asked, 1);
    at.flow();
    expect(at.node(1).summarised).toEqual([{ asked: room, user, token }]);
    const effect = { kind: 'summarised', user, token, summary: null } as const;
    for (let n = 0; n < 2; n++) expect(at.node(1).board.perform(effect, to)).toBe(true);
    at.flow();
    expect(at.node(2).summarised).toEqual([{ room, token, summary: null }]);
  });

  it('is refused when the link ends', () => {
    const at = town();
    at.node(2).board.forward(to, asked, 1);
    at.cut(1, 2);
    expect(at.node(2).refused).toEqual([{ to, message: asked, refusal: unavailable }]);
  });
});

describe('who has what', () => {
  it('is said first on every link, and after each change', () => {
    const at = town();
    at.cut(1, 2);
    at.link(1, 2);
    expect(at.underWay(1, 2)).toEqual([
      { kind: 'owns', shards: [...new Set([shard, userShard])].sort((a, b) => a - b) },
    ]);
  });

  it('is what this node has by the store, whatever others say', () => {
    const at = town();
    at.node(3).board.place([shard], 'here');
    at.flow();
    expect(at.node(1).board.placement.of(shard)).toBe('here');
    expect(at.node(2).board.placement.of(shard)).toBe(3);
  });

  it('is nobody where the node said that it has it no more, or its link ended', () => {
    const at = town();
    at.node(1).board.place([shard], 'nobody');
    at.flow();
    expect(at.node(2).board.placement.of(shard)).toBe('nobody');
    expect(at.node(2).board.placement.of(userShard)).toBe(1);
    at.cut(1, 2);
    expect(at.node(2).board.placement.of(userShard)).toBe('nobody');
  });

  it('is found in the store only where nobody says otherwise, and there is a link', () => {
    const at = town();
    at.node(2).board.found(shard, 3, 1);
    expect(at.node(2).board.placement.of(shard)).toBe(1);
    at.cut(2, 3);
    at.node(2).board.placement.set(shard, 'nobody');
    at.node(2).board.found(shard, 3, 1);
    expect(at.node(2).board.placement.of(shard)).toBe('nobody');
    at.node(2).board.found(shard, 1, 1);
    expect(at.node(2).board.placement.of(shard)).toBe(1);
  });

  // The store was asked before a hand-over and answered after its end: the new owner believed for ever that the old one has it.
  it('is not found where the node itself has said otherwise since the store was asked', () => {
    const at = town();
    at.now = 10;
    at.node(1).board.place([shard], 'nobody');
    at.flow();
    at.node(2).board.found(shard, 1, 10);
    expect(at.node(2).board.placement.of(shard)).toBe('nobody');
    at.node(2).board.found(shard, 1, 11);
    expect(at.node(2).board.placement.of(shard)).toBe(1);
  });

  it('is not changed by packets of a node without a link', () => {
    const at = town();
    at.cut(1, 2);
    at.node(2).board.received(1, { kind: 'owns', shards: [shard] });
    expect(at.node(2).board.placement.of(shard)).toBe('nobody');
    expect(at.node(2).board.peers).toEqual([3]);
  });
});

it('leaves nothing behind when all is said and done', () => {
  const at = town();
  const address: Address = sessionAddress(sessionOf(2));
  at.node(2).board.forward(to, submit(sessionOf(2), 1), 1);
  at.flow();
  at.node(1).board.forward(address, answer(1), 1);
  join(at);
  at.flow();
  at.node(2).audiences.close(sessionOf(2));
  at.flow();
  for (const seat of [1, 2, 3]) {
    expect(at.node(seat).board.counts).toEqual({ held: 0, asked: 0, settling: 0, heard: 0, listeners: 0 });
  }
});
