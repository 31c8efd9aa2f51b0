// Who stands for the beginning of a chain that can't be followed to its end, so that a device sends in that room; and who does not.
import { describe, expect, it } from 'vitest';
import { ControlKind, Role } from '#proto/gen/record.ts';
import { type Actor, makeActor, testPrimitives } from '#proto/golden/cast.ts';
import { toBase64 } from '#proto/rules/bytes/base.ts';
import { controlHash } from '#proto/rules/bytes/hash.ts';
import { adoptTold } from '../devices/position-message.ts';
import { ada, bob, byUnknown, fay, forgotten, gil, joined, withoutEve } from '../testing/checkpoint-cast.ts';
import { ReadingDevice } from '../testing/checkpoint-hub.ts';

const { CONTROL_KIND_LEAVE, CONTROL_KIND_INVITE, CONTROL_KIND_ROLE } = ControlKind;

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
