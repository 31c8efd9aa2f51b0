// For tests of the switchboard: three nodes, a room and a user at the first, a session at the second, and letters between them.
import { Rejection } from '#proto/gen/codes.ts';
import { roomAddress, sessionAddress, userAddress } from '../../kernel/address.ts';
import type { Message } from '../../kernel/messages.ts';
import { samples } from '../../kernel/samples.ts';
import { shardOf } from '../../log/shards.ts';
import { defaultHeldLimits } from '../held.ts';
import { firstSession } from '../seats.ts';
import { Town } from './town.ts';

export const room = '!r:lux';
export const to = roomAddress(room);
export const shard = shardOf(to);
export const user = '@ann:lux';
export const userShard = shardOf(userAddress(user));
/** A session of the node with that seat. */
export const sessionOf = (seat: number) => firstSession(seat) + 7;

/** The `request`-th request of a session. */
export function submit(session: number, request: number): Message {
  return { ...samples.submit, from: { ...samples.submit.from, session, request } };
}
export function answer(request: number): Message {
  return { ...samples.answer, request };
}
export const kinds = (things: readonly { readonly kind: string }[]) => things.map(({ kind }) => kind);
export const requests = (letters: readonly { readonly message: Message }[]) =>
  letters.map(({ message }) => ('from' in message ? message.from.request : message.kind));
export const unavailable = { code: Rejection.REJECTION_UNAVAILABLE, retryAfterMs: 500 };
export const unheardRoom = (seat: number) => [
  sessionAddress(sessionOf(seat)),
  { kind: 'unheard', rooms: [room], watched: [], own: false },
];

/** Nodes 1 to 3; the room is at 1, and the user, too. A session of node 2 is logged in there. */
export function town(limits = defaultHeldLimits): Town {
  const made = new Town([1, 2, 3], limits);
  made.node(1).board.place([...new Set([shard, userShard])], 'here');
  made.flow();
  made.node(2).audiences.enter(sessionOf(2), user, 1);
  return made;
}

/** The room makes the session of node 2 live. */
export function join(at: Town, seat = 1): void {
  at.node(seat).board.perform({ kind: 'join', session: sessionOf(2), audience: { room } }, to);
}

/** The shard goes from one node to another, as keepers do it. */
export function move(at: Town, from: number, into: number): void {
  at.node(from).board.place([shard], 'giving');
  at.node(from).board.place([shard], 'nobody');
  at.node(into).board.place([shard], 'here');
}
