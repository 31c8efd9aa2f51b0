// Who gets no keys in a room, and when that is said: the chain is what the test names, people are known as the test says.
import { describe, expect, it } from 'vitest';
import { LocalSend } from '#proto/gen/local.ts';
import { EventKind, MemberStatus } from '#proto/gen/record.ts';
import type { Known } from '../devices/known.ts';
import { roomWorld } from '../testing/room-world.ts';
import { usualRotation } from './content.ts';
import { RoomSender } from './sending.ts';

const [old, anew] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];

interface Setting {
  readonly approved?: boolean;
  readonly user?: string;
  /** This device knew the one of before. */
  readonly met?: boolean;
  readonly withheld?: boolean;
}

/** A room whose chain names Bob's old identity, while his newest list is of another one, which calls the old one his. */
function world({ approved = false, user = '@bob:localhost', met = false, withheld = false }: Setting) {
  const { room, codes, counted } = roomWorld({ status: MemberStatus.MEMBER_STATUS_JOINED });
  const manifest = { body: { formerKeys: [old], masterKey: anew }, hash: new Uint8Array(32) };
  const [fingerprint, changedTo] = met ? [old, anew] : [anew, new Uint8Array()];
  const known = { user, fingerprint, changedTo, approved, withheld, manifest } as unknown as Known;
  const asked: [string, Uint8Array][] = [];
  Object.assign(room.ports.parts.people, {
    get: (of: string) => (of === user ? known : undefined),
    recipient: (of: string, committed: Uint8Array) => void asked.push([of, committed]),
    version: 1,
  });
  Object.assign(room.chain, { roll: { person: () => ({ user, fingerprint: old }) } });
  Object.assign(room.chain, { person: () => ({ user, fingerprint: old }) });
  return { room, sender: new RoomSender(room), codes, counted, asked };
}

describe('a member whose newest list is of another identity than the chain names', () => {
  // A server that swaps an identity also writes into its list whose it was before: that silenced the alarm.
  it('gets no keys, and an alarm says so, though that list calls the one of the chain theirs', () => {
    const { sender, codes, asked } = world({ approved: false });
    expect(sender.place(1).recipients).toEqual([]);
    expect(asked[0]).toEqual(['@bob:localhost', old]);
    expect(codes()).toEqual(['IDENTITY_SWAPPED']);
  });

  // The usual case: that list was alarmed of when it came, which nobody hears a week later.
  it('is alarmed of, once, also where this device knew the one of before', () => {
    const { sender, codes } = world({ met: true });
    expect([sender.place(1).recipients, sender.place(2).recipients, codes()]).toEqual([[], [], ['IDENTITY_SWAPPED']]);
  });

  it('gets no keys, and waits to be signed in, where a person approved them', () => {
    const { sender, codes } = world({ approved: true });
    expect([sender.place(1).recipients, codes()]).toEqual([[], []]);
  });

  it.each([
    ['another identity', { met: true }, 'IDENTITY_CHANGED'],
    ['another identity, which was seen first', {}, 'IDENTITY_CHANGED'],
    ['one that was approved and is not signed in', { approved: true }, 'NOT_SIGNED_IN'],
    ['a list that is kept back', { met: true, withheld: true }, 'MANIFEST_WITHHELD'],
  ] as const)('is shown to get none, for %s', (_, setting, why) => {
    const { room } = world(setting);
    expect(room.info().unheard[0]).toEqual({ user: '@bob:localhost', why });
    const marks = room.members().map(({ identity, unheard }) => [identity, unheard]);
    const identity = 'met' in setting ? 'changed' : 'approved' in setting ? 'approved' : 'seen';
    expect(marks[1]).toEqual([identity, why]);
  });

  it('is no alarm where that is oneself, of whom the own list says it', () => {
    const { sender, codes } = world({ approved: false, user: '@me:localhost' });
    expect([sender.place(1).recipients, codes()]).toEqual([[], []]);
  });
});

it('has the engine meet those who are shown with another identity than before, and nobody else', async () => {
  const { room } = roomWorld({ status: MemberStatus.MEMBER_STATUS_JOINED });
  const met: string[] = [];
  Object.assign(room.ports.parts, { confirmed: () => true, rotation: usualRotation });
  Object.assign(room.ports.parts.people, {
    get: (user: string) => {
      const changedTo = user === '@eve:localhost' ? anew : new Uint8Array();
      return { user, fingerprint: new Uint8Array(32), changedTo, manifest: { body: { version: 1, formerKeys: [] } } };
    },
    approvals: { meetCommitted: async (user: string) => met.push(user) },
    recipient: (user: string) => ({ user, devices: [] }),
    version: 1,
  });
  Object.assign(room.chain, { roll: { person: () => undefined } });
  const send = { ...LocalSend.decode(new Uint8Array()), kind: EventKind.EVENT_KIND_EMPTYING };
  await new RoomSender(room).seal(send, () => ({ key: 'k', value: new Uint8Array() }));
  expect(met).toEqual(['@eve:localhost']);
});
