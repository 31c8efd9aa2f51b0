// Chains that can't be followed to their end: where a device begins or goes on that is new in the room, or that was away.
import { describe, expect, it } from 'vitest';
import { ControlKind, Role } from '#proto/gen/record.ts';
import {
  ada,
  bob,
  byUnknown,
  dan,
  eve,
  fay,
  forgotten,
  gil,
  headOf,
  joined,
  withoutEve,
} from '../testing/checkpoint-cast.ts';
import { CheckpointHub, ReadingDevice } from '../testing/checkpoint-hub.ts';

const { CONTROL_KIND_LEAVE, CONTROL_KIND_REMOVE } = ControlKind;

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
