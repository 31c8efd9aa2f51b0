// Slots out of a room's state have lost their event: a server could slip in what nobody set, or what nobody might. The chain, the log where it
// reaches, and the writer's devices say which it is.
import { describe, expect, it } from 'vitest';
import { Content } from '#proto/gen/content.ts';
import {
  Algorithm,
  EventHeader,
  EventKind,
  MemberStatus,
  Payload,
  PayloadInner,
  Role,
  Slot,
  SlotWrite,
} from '#proto/gen/record.ts';
import { limits } from '#proto/rules/limits.ts';
import { textContent } from '../sending/text-content.ts';
import { roomId, roomWorld, strangerTo } from '../testing/room-world.ts';
import { recordAt } from './room-rows.ts';
import { slotText, slotVersion, takeSlot } from './room-slots.ts';

const { EVENT_KIND_CONTENT: content, EVENT_KIND_SLOT: slotKind } = EventKind;
const bob = 2;

interface Setting {
  readonly slot?: string;
  readonly version?: number;
  readonly seq?: number;
  readonly sendId?: number;
  readonly text?: string;
}

/** A room whose records 20 and 21 are here, and slots as a server might show them. */
async function world(standing?: Parameters<typeof roomWorld>[0], policy = {}) {
  const made = roomWorld(standing, policy);
  await made.take(20, { member: 1, kind: content });
  const asked: number[] = [];
  const { parts } = made.room.ports;
  let removed = false;
  Object.assign(parts.people, {
    deviceStanding: async (_user: string, _device: string, claim: { acceptedMs: number }) => {
      asked.push(claim.acceptedMs);
      return { number: 2, removed: removed && claim.acceptedMs > 0 };
    },
  });
  let plaintext = new Uint8Array();
  Object.assign(parts.engine, { decrypt: async () => ({ ok: true, plaintext, device: 'D2' }) });
  const show = async ({ slot = 'topic', version = 1, seq = 10, sendId = 4, text = 'hi' }: Setting) => {
    const said = { ...textContent(''), body: { $case: 'slotText' as const, value: { text } } };
    const place = { room: roomId, member: bob, device: 2, sendId, kind: slotKind, slot, slotVersion: version };
    const empty = PayloadInner.decode(new Uint8Array());
    const inner = PayloadInner.encode({ ...empty, ...place, content: Content.encode(said).finish() }).finish();
    plaintext = Payload.encode({ frankingKey: new Uint8Array(32), inner }).finish();
    const value = Uint8Array.of(1, 2, 3);
    const write = SlotWrite.encode({ slot, version, algorithm: Algorithm.ALGORITHM_MEGOLM_V1, value }).finish();
    await takeSlot(made.room, { ...Slot.decode(new Uint8Array()), write, member: bob, device: 2, seq, sendId });
  };
  const topic = () => slotText(made.room.local.slots, 'topic');
  const remove = () => {
    removed = true;
  };
  return { ...made, show, topic, remove };
}

describe("a slot out of the room's state", () => {
  it('is shown where its writer might set it at that place, so that the refusals below mean something', async () => {
    const { show, topic, codes } = await world();
    await show({});
    expect(topic()).toBe('hi');
    await show({ seq: 11, version: 2, text: 'newer' });
    expect(topic()).toBe('newer');
    await show({ seq: 12, version: 1, text: 'an old one brought back' });
    await show({ seq: 9, version: 3, text: 'an old place' });
    expect(topic()).toBe('newer');
    expect(codes()).toEqual([]);
  });

  it.each([
    ['by one who had left', { status: MemberStatus.MEMBER_STATUS_LEFT }, {}, {}],
    ['by one who stands too low', { status: MemberStatus.MEMBER_STATUS_JOINED }, { slotRole: Role.ROLE_ADMIN }, {}],
    ['without an event', undefined, {}, { sendId: 0 }],
    ['under the name of a receipt', undefined, {}, { slot: 'receipt/2' }],
    ['in a version that nobody could follow', undefined, {}, { version: 10 * limits.slotVersionStepMax + 1 }],
    ['where the log has a message', undefined, {}, { seq: 20 }],
  ] as const)('%s freezes the room and is not taken', async (_what, standing, policy, setting) => {
    const { show, topic, room } = await world(standing, policy);
    await show(setting);
    expect([topic(), slotVersion(room.local.slots, 'topic')]).toEqual(['', 0]);
    expect(room.local.frozen).toBe('RECORD_INVALID');
  });

  // What somebody set after they were signed in anew stayed shut for devices that had not approved them.
  it('by one whose new identity was signed in is shown as what they write is', async () => {
    const { show, topic, room } = await world();
    const steps = strangerTo(room);
    await show({});
    expect([topic(), steps]).toEqual(['hi', ['fetched @bob:localhost', 'met @bob:localhost as 0']]);
  });

  it('by one who brought another identity into a 1:1 room is not shown', async () => {
    const { show, topic, room } = await world(undefined, { direct: true });
    const { people } = room.ports.parts;
    const named = new Uint8Array(32);
    Object.assign(people, {
      get: () => ({ fingerprint: named.slice().fill(7), changedTo: named }),
      deviceStanding: async () => ({ number: 2, removed: false, listedAs: named }),
    });
    Object.assign(room.chain, { renewedBy: () => undefined });
    await show({});
    expect(topic()).toBe('');
  });

  it('in the highest version that its place allows is taken', async () => {
    const { show, topic } = await world();
    await show({ version: 10 * limits.slotVersionStepMax });
    expect(topic()).toBe('hi');
  });

  it('above what is held is left to its event', async () => {
    const { show, topic, codes } = await world();
    await show({ seq: 21 });
    expect([topic(), codes()]).toEqual(['', []]);
  });

  it('by a device that was taken off is not shown: when it was set nobody can tell', async () => {
    const { show, topic, codes, remove } = await world();
    remove();
    await show({});
    expect([topic(), codes()]).toEqual(['', []]);
  });

  it('is the one that the log holds at that place', async () => {
    const { show, room, take } = await world();
    await take(21, { member: bob, kind: slotKind, body: slotBytes() });
    const { sendId } = EventHeader.decode((await recordAt(room, 21))?.record?.header as Uint8Array);
    room.local.slots = [];
    await show({ seq: 21, sendId });
    expect(room.local.frozen).toBe('');
    await show({ seq: 21, sendId: sendId + 1 });
    expect(room.local.frozen).toBe('RECORD_INVALID');
  });
});

describe('a receipt', () => {
  it('of one who is not in the room is not shown, and raises no alarm: he may be on his way', async () => {
    const { show, room, codes } = await world({ status: MemberStatus.MEMBER_STATUS_INVITED });
    await show({ slot: 'receipt/2', sendId: 0 });
    expect([room.receipts.size, codes()]).toEqual([0, []]);
  });
});

function slotBytes(): Uint8Array {
  const value = Uint8Array.of(1, 2, 3);
  return SlotWrite.encode({ slot: 'topic', version: 1, algorithm: Algorithm.ALGORITHM_MEGOLM_V1, value }).finish();
}
