// Who signs a CHECKPOINT, when, and who does not. Time is what the test says; the hub orders what is signed.
import { describe, expect, it } from 'vitest';
import { ControlBody, ControlKind, Role } from '#proto/gen/record.ts';
import { type Actor, makeActor } from '#proto/golden/cast.ts';
import type { RoomReplica } from '../room/room.ts';
import { CheckpointHub, ReadingDevice } from '../testing/checkpoint-hub.ts';
import { Checkpoints } from './checkpoints.ts';
import type { Statement } from './control-author.ts';

const [ada, bob, eve, dan] = ['ada', 'bob', 'eve', 'dan'].map((name) => makeActor(`@${name}:localhost`)) as [
  Actor,
  Actor,
  Actor,
  Actor,
];
const { CONTROL_KIND_CHECKPOINT, CONTROL_KIND_LEAVE, CONTROL_KIND_REMOVE, CONTROL_KIND_DECLINE } = ControlKind;
const minute = 60_000;

/** Devices in the room of one hub, on one clock. */
class Clock {
  now = 1_000 * minute;
  #due: { readonly at: number; readonly work: () => Promise<void> }[] = [];

  later(ms: number, work: () => Promise<void>): void {
    this.#due.push({ at: this.now + ms, work });
  }

  get waiting(): number {
    return this.#due.length;
  }

  async pass(ms: number): Promise<void> {
    const until = this.now + ms;
    for (;;) {
      const [next] = this.#due.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at);
      if (!next) break;
      this.now = Math.max(this.now, next.at);
      this.#due.splice(this.#due.indexOf(next), 1);
      await next.work();
    }
    this.now = until;
  }
}

interface Setting {
  readonly device?: number;
  readonly confirmed?: boolean;
  readonly live?: boolean;
  readonly former?: readonly Actor[];
  readonly afterMs?: number;
}

/** A device that reads the room, with its checkpoints. */
async function device(hub: CheckpointHub, clock: Clock, actor: Actor, setting: Setting = {}) {
  const { device: number = 1, confirmed = true, live = true, former = [], afterMs } = setting;
  const reading = await new ReadingDevice(hub, actor, { device: number, former }).sync();
  const { room } = reading;
  Object.assign(room.ports.parts, {
    ...{ now: () => clock.now, random: () => 0, live: () => live, confirmed: () => confirmed },
  });
  const control = async (make: (replica: RoomReplica) => Statement | null) => {
    await reading.sync();
    const statement = make(room);
    if (statement) hub.signs(room.own, statement);
    await reading.sync();
  };
  const held = { replica: room, sender: { control } } as never;
  const checkpoints = new Checkpoints({
    parts: () => room.ports.parts,
    rooms: () => ({ all: () => [held], get: () => held }),
    later: (ms, work) => clock.later(ms, work),
    afterMs,
  });
  return { reading, room, checkpoints };
}

/** Ada's group with Bob, an admin, and Eve and Dan. */
function group(): CheckpointHub {
  const hub = new CheckpointHub(ada);
  hub.join(1, bob, Role.ROLE_ADMIN);
  hub.join(1, eve);
  hub.join(1, dan);
  return hub;
}

const signers = (hub: CheckpointHub) =>
  hub.story.entries
    .map(({ entry }) => ControlBody.decode(entry.signed))
    .filter(({ kind }) => kind === CONTROL_KIND_CHECKPOINT)
    .map(({ actor }) => actor);

describe('a CHECKPOINT', () => {
  it.each([
    ['left', 3, CONTROL_KIND_LEAVE],
    ['was removed', 1, CONTROL_KIND_REMOVE],
    ['was banned', 1, ControlKind.CONTROL_KIND_BAN],
  ] as const)('is signed by the first admin ten minutes after somebody %s, once', async (_, by, kind) => {
    const [hub, clock] = [group(), new Clock()];
    hub.signedMs = clock.now;
    hub.do(by, kind, 3);
    const [first, second] = [await device(hub, clock, ada), await device(hub, clock, bob)];
    for (const { checkpoints } of [first, second]) checkpoints.lookAtAll();
    await clock.pass(10 * minute - 1);
    expect(signers(hub)).toEqual([]);
    await clock.pass(1);
    expect(signers(hub)).toEqual([1]);
    await clock.pass(60 * minute);
    for (const { reading, checkpoints } of [first, second]) {
      await reading.sync();
      checkpoints.lookAtAll();
    }
    expect([signers(hub), clock.waiting]).toEqual([[1], 0]);
    // What it signs is what everybody derives: else the rules had refused it.
    expect(second.room.chain.state?.hash).toEqual(hub.story.state?.hash);
  });

  it('is signed also after an invitation was declined', async () => {
    const [hub, clock] = [group(), new Clock()];
    const fay = makeActor('@fay:localhost');
    hub.invite(1, fay);
    hub.do(5, CONTROL_KIND_DECLINE);
    (await device(hub, clock, ada)).checkpoints.lookAtAll();
    await clock.pass(minute);
    expect(signers(hub)).toEqual([1]);
  });

  it('is signed by the next admin where the first is away, and at once where the time was over before', async () => {
    const [hub, clock] = [group(), new Clock()];
    hub.signedMs = clock.now;
    hub.do(3, CONTROL_KIND_LEAVE);
    const { checkpoints, reading } = await device(hub, clock, bob);
    checkpoints.lookAtAll();
    await clock.pass(20 * minute - 1);
    expect(signers(hub)).toEqual([]);
    await clock.pass(1);
    expect(signers(hub)).toEqual([2]);
    hub.signedMs = clock.now - 30 * minute;
    hub.do(4, CONTROL_KIND_LEAVE);
    await reading.sync();
    checkpoints.look(reading.room);
    await clock.pass(0);
    expect(signers(hub)).toEqual([2, 2]);
  });

  it('is one for all who went meanwhile, and waits for no clock that is ahead', async () => {
    const [hub, clock] = [group(), new Clock()];
    hub.signedMs = clock.now + 1_000 * minute;
    hub.do(3, CONTROL_KIND_LEAVE);
    const { checkpoints, reading } = await device(hub, clock, ada);
    checkpoints.look(reading.room);
    hub.do(4, CONTROL_KIND_LEAVE);
    await reading.sync();
    checkpoints.look(reading.room);
    expect(clock.waiting).toBe(1);
    await clock.pass(10 * minute);
    expect([signers(hub), clock.waiting]).toEqual([[1], 0]);
  });

  // A timer of more than 2^31 - 1 milliseconds ends at once: in a room of thousands of admins the last ones would have been the first.
  it('waits for no longer than a timer can', async () => {
    const [hub, clock] = [group(), new Clock()];
    hub.signedMs = clock.now;
    hub.do(3, CONTROL_KIND_LEAVE);
    (await device(hub, clock, bob, { afterMs: 2 ** 31 })).checkpoints.lookAtAll();
    await clock.pass(2 ** 31 - 2);
    expect(signers(hub)).toEqual([]);
    await clock.pass(1);
    expect(signers(hub)).toEqual([2]);
  });

  it.each([
    ['a plain member', dan, {}],
    ['a device that is not confirmed', ada, { confirmed: false }],
    ['a device without a connection', ada, { live: false }],
    ['a device whose user has another identity now', makeActor(ada.user, 2), { former: [ada] }],
  ] as const)('is not signed by %s', async (_, actor, setting) => {
    const [hub, clock] = [group(), new Clock()];
    hub.do(3, CONTROL_KIND_LEAVE);
    (await device(hub, clock, actor, setting)).checkpoints.lookAtAll();
    await clock.pass(100 * minute);
    expect(signers(hub)).toEqual([]);
  });

  it('is not signed where nobody went, nor by a device that was shown a beginning for which nobody stands', async () => {
    const [hub, clock] = [group(), new Clock()];
    const nobody = await device(hub, clock, ada);
    nobody.checkpoints.lookAtAll();
    expect(clock.waiting).toBe(0);
    hub.story.do(1, { kind: ControlKind.CONTROL_KIND_ROLE, target: 4, role: Role.ROLE_ADMIN });
    hub.do(3, CONTROL_KIND_LEAVE);
    hub.checkpoint(4);
    const fay = hub.join(4, makeActor('@fay:localhost'));
    hub.do(fay, CONTROL_KIND_LEAVE);
    hub.forget(1);
    const fresh = await device(hub, clock, bob, { device: 2 });
    expect(fresh.room.local.frozen).toBe('CONTROL_UNVOUCHED');
    fresh.checkpoints.lookAtAll();
    await clock.pass(100 * minute);
    expect(signers(hub)).toEqual([4]);
    await fresh.room.acknowledge();
    fresh.checkpoints.lookAtAll();
    await clock.pass(100 * minute);
    expect(signers(hub)).toEqual([4, 2]);
  });
});
