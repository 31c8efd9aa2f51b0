import { describe, expect, it } from 'vitest';
import { Disconnect } from '#proto/gen/codes.ts';
import { sessionAddress, userAddress } from '../kernel/address.ts';
import { samples } from '../kernel/samples.ts';
import { join, room, sessionOf, shard, to, town, user } from './testing/switchboard.ts';
import { Town } from './testing/town.ts';

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
