// Chains that can't be followed to their end: what a device does that is new in the room, or that was away, and what a hub that lies gets out of it.
import { describe, expect, it } from 'vitest';
import type { RoomSnapshot } from '#proto/gen/client.ts';
import { ControlKind, MemberStatus, Role } from '#proto/gen/record.ts';
import { type Actor, bodyAfter, makeActor, signBody, testPrimitives } from '#proto/golden/cast.ts';
import { toBase64 } from '#proto/rules/bytes/base.ts';
import { controlHash, stateHash } from '#proto/rules/bytes/hash.ts';
import { type Member, MemberTable } from '#proto/rules/control/member-table.ts';
import { type ControlState, decodeState, encodeState } from '#proto/rules/control/state.ts';
import { adoptTold } from '../devices/position-message.ts';
import { CheckpointHub, ReadingDevice } from '../testing/checkpoint-hub.ts';

const [ada, bob, eve, dan, fay, gil, liar] = ['ada', 'bob', 'eve', 'dan', 'fay', 'gil', 'liar'].map((name) =>
  makeActor(`@${name}:localhost`),
) as [Actor, Actor, Actor, Actor, Actor, Actor, Actor];

const {
  CONTROL_KIND_LEAVE,
  CONTROL_KIND_CHECKPOINT,
  CONTROL_KIND_INVITE,
  CONTROL_KIND_REMOVE,
  CONTROL_KIND_ROLE,
  CONTROL_KIND_HUB,
} = ControlKind;

/** Ada's group with Bob; Eve, an admin, brought Dan in and left (entry 8). */
function withoutEve(): CheckpointHub {
  const hub = new CheckpointHub(ada);
  hub.join(1, bob);
  hub.join(1, eve, Role.ROLE_ADMIN);
  hub.join(3, dan);
  hub.do(3, CONTROL_KIND_LEAVE);
  return hub;
}

/** The same behind Ada's CHECKPOINT (entry 9); of Eve nobody is told any more. */
function forgotten(): CheckpointHub {
  const hub = withoutEve();
  hub.checkpoint(1);
  hub.forget(3);
  return hub;
}

/** Behind a CHECKPOINT of Dan, who was no admin as far as the entries before Eve's tell (entry 10). */
function byUnknown(before: (hub: CheckpointHub) => void = () => {}): CheckpointHub {
  const hub = withoutEve();
  hub.story.do(1, { kind: CONTROL_KIND_ROLE, target: 4, role: Role.ROLE_ADMIN });
  before(hub);
  hub.checkpoint(4);
  hub.forget(3);
  return hub;
}

const headOf = ({ room: { chain } }: ReadingDevice) => chain.state?.hash;
const joined = ({ room: { chain } }: ReadingDevice) =>
  [...(chain.state?.members ?? [])]
    .filter((one) => one.status === MemberStatus.MEMBER_STATUS_JOINED)
    .map((one) => one.number);

describe('a chain with entries of somebody who was erased', () => {
  it('is read from the CHECKPOINT on by who comes in behind it', async () => {
    const hub = forgotten();
    hub.join(1, fay);
    const device = await new ReadingDevice(hub, fay).sync();
    expect(headOf(device)).toEqual(hub.story.state?.hash);
    expect(joined(device)).toEqual([1, 2, 4, 5]);
    expect([1, 2, 3, 4, 5].map((member) => device.room.chain.user(member))).toEqual(
      [ada, bob, undefined, dan, fay].map((actor) => actor?.user ?? ''),
    );
    expect(device.room.local.frozen).toBe('');
    expect(device.alarms).toEqual([]);
    // In pieces, each once.
    expect(hub.asked.filter(({ stateOffset }) => stateOffset > 0).map(({ stateOffset }) => stateOffset)).toEqual([
      1, 301,
    ]);
  });

  it('goes on behind it for a device that was away, which forgets nobody', async () => {
    const hub = new CheckpointHub(ada);
    hub.join(1, bob);
    const device = await new ReadingDevice(hub, bob).sync();
    hub.join(1, eve, Role.ROLE_ADMIN);
    hub.join(3, dan);
    hub.do(3, CONTROL_KIND_LEAVE);
    hub.checkpoint(1);
    hub.forget(3);
    await device.sync();
    expect(headOf(device)).toEqual(hub.story.state?.hash);
    expect(device.room.chain.user(4)).toBe(dan.user);
    expect([device.room.local.frozen, device.alarms]).toEqual(['', []]);
    // Somebody may have gone meanwhile: keys are not used on.
    expect(device.rotated).toBeGreaterThan(0);
  });

  it('is followed entry by entry as long as that can be, and a state is not asked for', async () => {
    const hub = withoutEve();
    hub.checkpoint(1);
    const device = await new ReadingDevice(hub, dan).sync();
    expect(device.room.chain.isWhole).toBe(true);
    expect(hub.asked.every(({ stateOffset }) => stateOffset === 0)).toBe(true);
  });

  it('is begun behind the CHECKPOINT where the entries before it are gone', async () => {
    const hub = withoutEve();
    hub.checkpoint(1);
    hub.first = 9;
    for (const pieceBytes of [100, 100_000]) {
      hub.pieceBytes = pieceBytes;
      const device = await new ReadingDevice(hub, dan).sync();
      expect(headOf(device)).toEqual(hub.story.state?.hash);
    }
  });

  it('is the same after a restart, held up or not', async () => {
    const hub = byUnknown();
    const device = await new ReadingDevice(hub, bob, { device: 2 }).sync();
    hub.join(1, gil);
    await device.sync();
    const again = await device.again();
    expect(again.chain.state).toEqual(device.room.chain.state);
    expect(again.chain.user(4)).toBe(dan.user);
    expect(again.local.frozen).toBe('CONTROL_UNVOUCHED');
    expect(again.chain.isWhole).toBe(false);
  });

  it('says nothing of the entries before: their records pass, whatever they say, and only in their places', async () => {
    const hub = forgotten();
    const device = await new ReadingDevice(hub, dan).sync();
    expect(await device.comes(6)).toBe(true);
    expect(device.alarms).toEqual([]);
    expect(await device.comes(6, 100)).toBe(false);
    expect(device.alarms).toEqual(['CONTROL_ROLLED_BACK']);
  });

  it('is read anew where another CHECKPOINT comes while the state is read', async () => {
    const hub = forgotten();
    hub.join(1, fay);
    hub.lie = (truth, { stateOffset }) => {
      if (stateOffset === 301 && hub.story.entries.length === 11) {
        hub.do(1, CONTROL_KIND_REMOVE, 2);
        hub.checkpoint(1);
        hub.join(1, gil);
        return hub.answer(hub.asked.at(-1) as never);
      }
      return truth;
    };
    const device = await new ReadingDevice(hub, gil).sync();
    expect(headOf(device)).toEqual(hub.story.state?.hash);
  });

  it('is taken for withheld without a CHECKPOINT', async () => {
    const hub = withoutEve();
    hub.forget(3);
    const device = await new ReadingDevice(hub, dan).sync();
    expect(device.alarms).toEqual(['CONTROL_WITHHELD']);
    expect(device.room.chain.number).toBe(4);
  });
});

describe('who stands for the beginning', () => {
  it('an admin whom the entries before have, who signed the CHECKPOINT: for the newest one, and for the next', async () => {
    const hub = forgotten();
    const device = await new ReadingDevice(hub, bob, { device: 2 }).sync();
    expect([device.room.chain.isWhole, device.room.local.frozen]).toEqual([false, '']);
    hub.join(1, gil);
    hub.do(5, CONTROL_KIND_LEAVE);
    hub.checkpoint(1);
    hub.forget(5);
    await device.sync();
    expect([device.room.chain.start, device.room.local.frozen, device.alarms]).toEqual([13, '', []]);
  });

  it('else nobody, for a device of one who was there before: it reads, and sends nothing until a person says so', async () => {
    const hub = byUnknown();
    const device = await new ReadingDevice(hub, bob, { device: 2 }).sync();
    expect(joined(device)).toEqual([1, 2, 4]);
    expect([device.room.local.frozen, device.alarms]).toEqual(['CONTROL_UNVOUCHED', ['CONTROL_UNVOUCHED']]);
    expect(() => device.room.needTrust(CONTROL_KIND_INVITE)).toThrow('UNVOUCHED');
    // What follows from what nobody stands for is no better.
    hub.join(1, gil);
    hub.do(5, CONTROL_KIND_LEAVE);
    hub.checkpoint(4);
    hub.forget(5);
    await device.sync();
    expect(device.room.local.frozen).toBe('CONTROL_UNVOUCHED');
    await device.room.acknowledge();
    expect(() => device.room.needTrust(CONTROL_KIND_INVITE)).not.toThrow();
    const alarms = device.alarms.length;
    await device.sync();
    expect([device.room.local.frozen, device.alarms.length]).toEqual(['', alarms]);
  });

  it('nobody where the creator was erased, before whom there is nothing', async () => {
    const hub = withoutEve();
    hub.story.do(1, { kind: CONTROL_KIND_ROLE, target: 4, role: Role.ROLE_OWNER });
    hub.do(1, CONTROL_KIND_LEAVE);
    hub.checkpoint(4);
    hub.forget(1);
    const device = await new ReadingDevice(hub, bob, { device: 2 }).sync();
    expect([joined(device), device.room.local.frozen]).toEqual([[2, 4], 'CONTROL_UNVOUCHED']);
  });

  it('another own device that signed since, and not this one', async () => {
    const hub = byUnknown();
    const [first, second] = [1, 2].map((device) => new ReadingDevice(hub, bob, { device }));
    await first?.sync();
    await second?.sync();
    hub.join(2, gil);
    await first?.sync();
    await second?.sync();
    expect([first?.room.local.frozen, second?.room.local.frozen]).toEqual(['CONTROL_UNVOUCHED', '']);
    expect(second?.alarms).toEqual(['CONTROL_UNVOUCHED']);
  });

  it('an own device also where its entry comes as a record', async () => {
    const hub = byUnknown();
    const device = await new ReadingDevice(hub, bob, { device: 2 }).sync();
    hub.join(2, gil);
    expect(await device.comes(11)).toBe(true);
    expect(device.room.local.frozen).toBe('');
  });

  it('another own device that names an entry behind it, now or when that is here', async () => {
    const hub = byUnknown();
    const device = new ReadingDevice(hub, bob, { device: 2 });
    const told = (number: number, hash: Uint8Array) =>
      adoptTold(device.room, {
        room: hub.story.room,
        seq: 0,
        count: 0,
        slots: [],
        control: { number, hash: toBase64(hash) },
      });
    const hashOf = (number: number) => controlHash(hub.story.entries[number - 1]!.entry.signed, testPrimitives);
    await told(4, hashOf(4));
    await device.sync();
    // Of before the CHECKPOINT: it says nothing of what that one signs.
    expect(device.room.local.frozen).toBe('CONTROL_UNVOUCHED');
    await told(9, hashOf(9));
    expect(device.room.local.frozen).toBe('CONTROL_UNVOUCHED');
    hub.join(1, gil);
    await told(11, hashOf(11));
    expect(device.room.local.frozen).toBe('CONTROL_UNVOUCHED');
    await device.sync();
    expect([device.room.local.frozen, device.alarms]).toEqual(['', ['CONTROL_UNVOUCHED']]);
    expect((await device.again()).local.toldControl).toBe(11);
    const other = await new ReadingDevice(hub, bob, { device: 3 }).sync();
    const hash = toBase64(hashOf(10));
    await adoptTold(other.room, { room: hub.story.room, seq: 0, count: 0, slots: [], control: { number: 10, hash } });
    expect(other.room.local.frozen).toBe('');
  });

  it('no own device that names another entry: then the hub told two stories', async () => {
    const hub = byUnknown();
    const device = await new ReadingDevice(hub, bob, { device: 2 }).sync();
    const control = { number: 10, hash: toBase64(new Uint8Array(32).fill(1)) };
    await adoptTold(device.room, { room: hub.story.room, seq: 0, count: 0, slots: [], control });
    expect(device.room.local.frozen).toBe('CONTROL_ROLLED_BACK');
  });

  it('whoever brings this user in, unless another identity of them is known here', async () => {
    const hub = byUnknown();
    hub.join(1, fay);
    const frozen = async (knows: Actor[]) => (await new ReadingDevice(hub, fay, { knows }).sync()).room.local.frozen;
    expect(await frozen([])).toBe('');
    expect(await frozen([ada])).toBe('');
    expect(await frozen([makeActor(ada.user, 2)])).toBe('CONTROL_UNVOUCHED');
  });

  it('never the invitation of somebody else, nor one before the CHECKPOINT', async () => {
    const hub = byUnknown((before) => before.invite(1, fay));
    hub.join(1, gil);
    const device = await new ReadingDevice(hub, fay).sync();
    expect([device.room.own, device.room.local.frozen]).toEqual([5, 'CONTROL_UNVOUCHED']);
  });

  it('never an invitation of one whom the entries before have in the room', async () => {
    const hub = byUnknown((before) => before.do(2, CONTROL_KIND_LEAVE));
    hub.story.do(4, { kind: CONTROL_KIND_INVITE, target: 2, role: Role.ROLE_MEMBER });
    const device = await new ReadingDevice(hub, bob, { device: 2 }).sync();
    expect(device.room.local.frozen).toBe('CONTROL_UNVOUCHED');
  });
});

describe('a hub that lies', () => {
  /** A state of the hub's own making, signed by whom it likes, in place of the CHECKPOINT. */
  function forging(hub: CheckpointHub, change: (state: ControlState) => ControlState, signer: Actor, actor = 1) {
    const number = hub.story.entries.length;
    const truth = decodeState(hub.stateBefore(number));
    if (typeof truth === 'string') throw new Error(truth);
    const state = change(truth);
    const stateBytes = encodeState(state);
    const signed = {
      kind: CONTROL_KIND_CHECKPOINT,
      actor,
      target: 0,
      stateHash: stateHash(stateBytes, testPrimitives),
    };
    const entry = signBody(bodyAfter(state, signer, signed), signer.device(1).keys);
    const seq = hub.story.entries.at(-1)?.seq ?? 0;
    const head = { number, hash: controlHash(entry.signed, testPrimitives) };
    hub.lie = (told: RoomSnapshot, { stateOffset, fromControl }) => {
      if (stateOffset === 0)
        return { ...told, head, control: told.control.slice(0, Math.max(0, number - fromControl)) };
      const beside = { persons: [...told.persons, signer.person(actor)], credentials: [signer.credential(actor, 1)] };
      const checkpoint = {
        checkpointNumber: number,
        checkpointState: stateBytes,
        checkpointStateSize: stateBytes.length,
      };
      return { ...told, head, ...beside, ...checkpoint, control: [{ seq, entry }] };
    };
  }

  const put = (number: number, fields: Partial<Member>) => (state: ControlState) => {
    const member = state.members.get(number) ?? { ...state.members.get(2)!, number, stays: [] };
    return { ...state, members: state.members.put({ ...member, ...fields }) };
  };
  const admin = Role.ROLE_ADMIN;

  /** Bob's device, which holds the chain up to entry 9; the hub says that what came then is gone (Gil came in, and Ada signed a CHECKPOINT). */
  async function holding() {
    const hub = withoutEve();
    hub.story.do(1, { kind: CONTROL_KIND_HUB, target: 0, hub: { provider: 'localhost', epoch: 2 } });
    const device = await new ReadingDevice(hub, bob).sync();
    const before = headOf(device);
    hub.join(1, gil);
    hub.checkpoint(1);
    hub.first = hub.story.entries.length;
    return { hub, device, before };
  }

  it('can not pass another state off as the one that was signed', async () => {
    const hub = forgotten();
    const { entry } = hub.story.entries[8]!;
    forging(hub, put(5, { person: liar.commitment, role: Role.ROLE_OWNER }), ada);
    const { lie } = hub;
    hub.lie = (told, read) => {
      const lied = lie(told, read);
      return read.stateOffset > 0 ? { ...lied, control: [{ seq: 90, entry }] } : lied;
    };
    const device = await new ReadingDevice(hub, dan).sync();
    expect(device.alarms).toEqual(['CONTROL_INVALID']);
    expect(device.room.chain.number).toBe(4);
  });

  it.each([
    ['an admin of its own', put(6, { person: liar.commitment, role: admin }), liar, 6],
    ['a member who was no admin', put(2, { role: admin }), bob, 2],
    ['an admin who left', put(3, { role: admin, status: MemberStatus.MEMBER_STATUS_JOINED }), eve, 3],
    [
      'another identity under an admin’s number',
      put(1, { person: makeActor(ada.user, 2).commitment }),
      makeActor(ada.user, 2),
      1,
    ],
  ] as const)('has nothing sent after a CHECKPOINT by %s', async (_, change, signer, actor) => {
    const { hub, device } = await holding();
    forging(hub, change, signer, actor);
    await device.sync();
    expect([device.room.local.frozen, device.alarms]).toEqual(['CONTROL_UNVOUCHED', ['CONTROL_UNVOUCHED']]);
    // The same to a device that is new, with people whom it knows in the list.
    hub.first = 1;
    hub.forget(3);
    forging(hub, change, signer, actor);
    const another = await new ReadingDevice(hub, dan, { device: 2, knows: [ada, bob] }).sync();
    expect([another.room.local.frozen, another.alarms]).toEqual(['CONTROL_UNVOUCHED', ['CONTROL_UNVOUCHED']]);
  });

  it.each([
    [
      'hides a member',
      ({ members, ...state }: ControlState) => ({
        ...state,
        members: MemberTable.of([members.chunks[0]!.slice(0, 2)])!,
      }),
    ],
    ['puts somebody else behind a number', put(2, { person: liar.commitment })],
    ['hides a removal', (state: ControlState) => ({ ...state, lastRemoval: 0 })],
    ['takes the room back to an earlier hub', (state: ControlState) => ({ ...state, hub: { ...state.hub, epoch: 1 } })],
  ] as const)('is not believed by who held the chain where it %s, not even with an admin’s help', async (_, change) => {
    const { hub, device, before } = await holding();
    hub.story.know(2, liar);
    forging(hub, change, ada);
    const { lie } = hub;
    hub.lie = (told, read) => {
      const lied = lie(told, read);
      return { ...lied, persons: [...lied.persons, liar.person(2)] };
    };
    await device.sync();
    expect(device.alarms).toEqual(['CONTROL_WITHHELD']);
    expect(headOf(device)).toEqual(before);
  });

  it('can not put another identity under one’s own number', async () => {
    const hub = forgotten();
    const other = makeActor(bob.user, 2);
    forging(hub, put(2, { person: other.commitment, role: admin }), other, 2);
    const device = await new ReadingDevice(hub, bob, { device: 2 }).sync();
    expect(device.alarms[0]).toBe('IDENTITY_SWAPPED');
    expect(device.room.local.frozen).toBe('IDENTITY_SWAPPED');
  });

  it('can not go back to an older CHECKPOINT', async () => {
    const { hub, device } = await holding();
    await device.sync();
    const number = hub.story.entries.length;
    const stateBytes = hub.stateBefore(number);
    const { seq, entry } = hub.story.entries.at(-1)!;
    hub.join(1, fay);
    await device.sync();
    const before = headOf(device);
    hub.lie = (told) => ({
      ...{ ...told, control: [{ seq, entry }], checkpointNumber: number + 9, checkpointState: stateBytes },
      checkpointStateSize: stateBytes.length,
    });
    await expect(device.sync()).rejects.toMatchObject({ code: 'PROTOCOL' });
    expect(headOf(device)).toEqual(before);
    const link = { seq: seq + 50, entry, persons: [], credentials: [], stateBytes };
    expect(device.room.chain.skipTo(link)).toEqual({ result: 'invalid', fault: 'REWRITTEN' });
  });

  it('can not show a newcomer an old one and keep what came after to itself', async () => {
    const hub = forgotten();
    hub.do(1, CONTROL_KIND_REMOVE, 2);
    hub.join(1, fay);
    // Bob is shown as if he were still there; but the invitation names what was before it.
    hub.lie = (told) => ({ ...told, control: told.control.filter(({ seq }) => seq !== 10) });
    const device = await new ReadingDevice(hub, fay).sync();
    expect(device.alarms).toEqual(['CONTROL_WITHHELD']);
    expect(device.room.local.frozen).toBe('CONTROL_WITHHELD');
  });

  it('can not move a CHECKPOINT to before what is held', async () => {
    const { hub, device } = await holding();
    hub.lie = (told) => ({ ...told, control: told.control.map(({ entry }) => ({ seq: 3, entry })) });
    await device.sync();
    expect(device.alarms).toEqual(['HISTORY_FORKED']);
  });

  it('can not keep a device busy for ever with a state that does not come', async () => {
    const hub = forgotten();
    hub.lie = (told, { stateOffset }) => (stateOffset > 0 ? { ...told, checkpointState: new Uint8Array() } : told);
    await expect(new ReadingDevice(hub, dan).sync()).rejects.toMatchObject({ code: 'PROTOCOL' });
    let number = 0;
    hub.lie = (told, { stateOffset }) => (stateOffset > 0 ? { ...told, checkpointNumber: ++number } : told);
    await expect(new ReadingDevice(hub, dan).sync()).rejects.toMatchObject({ code: 'PROTOCOL' });
  });
});
