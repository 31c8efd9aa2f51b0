import { describe, expect, it } from 'vitest';
import { type Address, parseAddress, roomAddress, sessionAddress, userAddress } from '../kernel/address.ts';
import { type BounceEffect, bounce } from '../kernel/bounce.ts';
import { samples } from '../kernel/samples.ts';
import { Asked } from './asked.ts';
import type { Letter, Packet } from './packets.ts';

const to = { session: sessionAddress(7), user: userAddress('@bob:lux'), room: roomAddress('!r:lux') };
const refusal = { code: 1, retryAfterMs: 0 } as Parameters<typeof bounce>[2];

/** Every message that wants an answer, to an actor that may be elsewhere, and the packet that its answer would be. */
const asks = Object.values(samples).flatMap((message): { letter: Letter; answer: Packet }[] => {
  if (message.kind === 'frames') return [];
  const isRooms = ['submit', 'subscribe', 'fetch', 'putReceipt', 'readRoom', 'authorise', 'summarise'].includes(
    message.kind,
  );
  const address = isRooms ? to.room : to.user;
  const letter = { to: address, message, bytes: 1 };
  return bounce(address, message, refusal).map((effect) => ({ letter, answer: packetOf(effect, address) }));
});

/** The answer as it crosses. */
function packetOf(effect: BounceEffect, from: Address): Packet {
  switch (effect.kind) {
    case 'send':
      return { kind: 'tell', to: effect.to, message: effect.message, bytes: 1 };
    case 'answer': {
      const { session, request, body } = effect;
      return { kind: 'tell', to: sessionAddress(session), message: { kind: 'answer', request, body }, bytes: 1 };
    }
    case 'disconnect':
      return effect;
    case 'summarised':
      return { kind: 'summarised', room: parseAddress(from).id, token: effect.token, summary: null };
  }
}

describe('what was asked of another node', () => {
  it.each(asks.map((ask) => [ask.letter.message.kind, ask] as const))(
    'is settled by its answer: %s',
    (_, { letter, answer }) => {
      const asked = new Asked();
      asked.note(letter, 5);
      expect(asked.size).toBe(1);
      expect(asked.settle(answer)).toBe('settled');
      expect(asked.settle(answer)).toBe('stray');
      asked.note(letter, 5);
      expect(asked.takeBack(letter, 9)).toBe(5);
      expect(asked.takeBack(letter, 9)).toBeNull();
      asked.note(letter, 5);
      expect(asked.drain()).toEqual([letter]);
      expect(asked.size).toBe(0);
    },
  );

  it('knows every message that the kernel would answer for', () => {
    expect(asks.length).toBe(12);
  });

  it('keeps one Subscribe to many rooms apart', () => {
    const asked = new Asked();
    const rooms = ['!a:lux', '!b:lux'];
    for (const room of rooms) asked.note({ to: roomAddress(room), message: samples.subscribe, bytes: 1 }, 0);
    const { replyTo, token } = samples.subscribe;
    const part = (room: string): Packet => ({
      kind: 'tell',
      to: replyTo,
      message: { kind: 'subscribedPart', token, room, entry: null },
      bytes: 1,
    });
    expect(asked.settle(part('!b:lux'))).toBe('settled');
    expect(asked.drain().map((letter) => letter.to)).toEqual([roomAddress('!a:lux')]);
  });

  it('forgets what an actor asked that has moved away', () => {
    const asked = new Asked();
    asked.note({ to: to.user, message: samples.deposit, bytes: 1 }, 0);
    asked.note({ to: to.room, message: samples.submit, bytes: 1 }, 0);
    asked.forget((asker) => asker === samples.deposit.replyTo);
    expect(asked.drain().map(({ message }) => message.kind)).toEqual(['submit']);
  });
});
