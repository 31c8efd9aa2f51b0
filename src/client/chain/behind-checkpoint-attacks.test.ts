// What a hub that lies gets out of a chain that can't be followed to its end, alone and with the help of somebody who was in the room.
import { describe, expect, it } from 'vitest';
import type { RoomSnapshot } from '#proto/gen/client.ts';
import { ControlKind, MemberStatus, Role } from '#proto/gen/record.ts';
import { type Actor, bodyAfter, makeActor, signBody, testPrimitives } from '#proto/golden/cast.ts';
import { controlHash, stateHash } from '#proto/rules/bytes/hash.ts';
import { type Member, MemberTable } from '#proto/rules/control/member-table.ts';
import { type ControlState, decodeState, encodeState } from '#proto/rules/control/state.ts';
import { ada, bob, dan, eve, fay, forgotten, gil, headOf, liar, withoutEve } from '../testing/checkpoint-cast.ts';
import { type CheckpointHub, ReadingDevice } from '../testing/checkpoint-hub.ts';

const { CONTROL_KIND_CHECKPOINT, CONTROL_KIND_REMOVE, CONTROL_KIND_HUB } = ControlKind;

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

  // An entry of a stolen device was refused, and the CHECKPOINT with which it said the same was taken.
  it('can not have a CHECKPOINT taken that a device signed which was taken off', async () => {
    const { hub, device, before } = await holding();
    const { local, chain, ports } = device.room;
    Object.assign(local, { seenControl: chain.number, seenMs: 7_000 });
    const claims: unknown[] = [];
    const wasTakenOff = (...claim: unknown[]) => claims.push(claim) > 0;
    Object.assign(ports.parts, { now: () => 9_000 });
    Object.assign(ports.parts.people, { wasTakenOff });
    forging(hub, put(6, { person: liar.commitment, role: admin }), ada);
    await device.sync();
    expect(claims).toEqual([[ada.user, ada.device(1).keys.publicKey, 7_000]]);
    expect([device.alarms, device.room.local.frozen]).toEqual([['CONTROL_INVALID'], 'CONTROL_INVALID']);
    expect(headOf(device)).toEqual(before);
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
