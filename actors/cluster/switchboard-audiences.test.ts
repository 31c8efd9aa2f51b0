import { describe, expect, it } from 'vitest';
import { roomAddress, sessionAddress, userAddress } from '../kernel/address.ts';
import { shardOf } from '../log/shards.ts';
import {
  join,
  kinds,
  move,
  room,
  sessionOf,
  shard,
  to,
  town,
  unheardRoom,
  user,
  userShard,
} from './testing/switchboard.ts';

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
