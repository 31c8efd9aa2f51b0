import { describe, expect, it } from 'vitest';
import { Disconnect } from '#proto/gen/codes.ts';
import { sessionAddress, userAddress } from '../kernel/address.ts';
import type { Message } from '../kernel/messages.ts';
import { samples } from '../kernel/samples.ts';
import { shardOf } from '../log/shards.ts';
import { firstSession } from './seats.ts';
import {
  answer,
  kinds,
  requests,
  room,
  sessionOf,
  submit,
  to,
  town,
  unavailable,
  user,
} from './testing/switchboard.ts';

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
