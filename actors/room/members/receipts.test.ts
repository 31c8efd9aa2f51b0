import { describe, expect, it } from 'vitest';
import { Rejection } from '#proto/gen/codes.ts';
import { ControlKind, Role, SlotWrite } from '#proto/gen/record.ts';
import { makeActor, testPrimitives } from '#proto/golden/cast.ts';
import { limits as protocol } from '#proto/rules/limits.ts';
import { codeOf, type Seen, Stage, slotWrite } from '../testing/stage.ts';

const ada = makeActor('@ada:lux.example');
const ben = makeActor('@ben:lux.example');
const cid = makeActor('@cid:lux.example');
const code = (seen: Seen) => seen.answers.map(({ body }) => codeOf(body))[0];

const receipt = (stage: Stage, user: typeof ada, slot: string, version: number) =>
  stage.tell({ kind: 'putReceipt', from: stage.from(user), write: slotWrite(slot, version) });

function versionShown(stage: Stage): number {
  const read = { room: stage.room, fromControl: 0, slots: true, stateOffset: 0, afterSlot: '' };
  const body = stage.tell({ kind: 'readRoom', from: stage.from(ada), read }).answers[0]?.body;
  if (body?.$case !== 'roomSnapshot') throw new Error('no snapshot');
  return SlotWrite.decode(body.value.slots[0]!.write).version;
}

describe('a receipt', () => {
  it('is saved, then pushed and answered, without an event', () => {
    const stage = Stage.group(ada, testPrimitives);
    const rows = stage.log.rows.length;
    const seen = receipt(stage, ada, 'receipt/1', 1);
    expect(seen.effects.map(({ kind }) => kind)).toEqual(['log', 'answer', 'deliver']);
    expect(code(seen)).toBe('done');
    expect(seen.pushed[0]?.body).toMatchObject({
      $case: 'slotChanged',
      value: { slot: { member: 1, seq: 1, sendId: 0 } },
    });
    expect(stage.log.rows).toHaveLength(rows);
    stage.crash();
    stage.fetch(ada);
    expect(stage.state.slots.has('receipt/1')).toBe(true);
    stage.now += protocol.receiptIntervalMs;
    expect(code(receipt(stage, ada, 'receipt/1', 1))).toBe(Rejection.REJECTION_STALE_STATE);
    expect(code(receipt(stage, ada, 'receipt/1', 2))).toBe('done');
    stage.kept(ada, 1);
    stage.passivate();
    stage.fetch(ada);
    stage.now += protocol.receiptIntervalMs;
    expect(code(receipt(stage, ada, 'receipt/1', 3))).toBe('done');
  });

  it('comes at most every five seconds a member', () => {
    const stage = Stage.group(ada, testPrimitives);
    receipt(stage, ada, 'receipt/1', 1);
    stage.now += protocol.receiptIntervalMs - 1;
    expect(receipt(stage, ada, 'receipt/1', 2).answers[0]?.body).toMatchObject({
      value: { code: Rejection.REJECTION_RATE_LIMITED, retryAfterMs: 1 },
    });
    stage.now += 1;
    expect(code(receipt(stage, ada, 'receipt/1', 2))).toBe('done');
  });

  it("is one's own, and a member's", () => {
    const stage = Stage.group(ada, testPrimitives);
    stage.join(ada, ben);
    expect(code(receipt(stage, ben, 'receipt/1', 1))).toBe(Rejection.REJECTION_FORBIDDEN);
    expect(code(receipt(stage, ben, 'name', 1))).toBe(Rejection.REJECTION_BAD_EVENT);
    expect(code(receipt(stage, cid, 'receipt/3', 1))).toBe(Rejection.REJECTION_NOT_FOUND);
    const broken = stage.tell({ kind: 'putReceipt', from: stage.from(ben), write: new Uint8Array([255]) });
    expect(code(broken)).toBe(Rejection.REJECTION_BAD_EVENT);
  });

  it('works with 100 members and not with 101', { timeout: 60_000 }, () => {
    const stage = Stage.group(ada, testPrimitives);
    for (let i = 2; i <= 100; i++) stage.join(ada, makeActor(`@user${i}:lux.example`));
    expect(code(receipt(stage, ada, 'receipt/1', 1))).toBe('done');
    stage.join(ada, ben);
    stage.now += protocol.receiptIntervalMs;
    expect(code(receipt(stage, ada, 'receipt/1', 2))).toBe(Rejection.REJECTION_UNSUPPORTED);
  });

  it('is shown to nobody before it is durable, and one of a member is saved at a time', () => {
    const stage = Stage.group(ada, testPrimitives);
    receipt(stage, ada, 'receipt/1', 1);
    stage.now += protocol.receiptIntervalMs;
    stage.log.holds = true;
    expect(receipt(stage, ada, 'receipt/1', 2).answers).toEqual([]);
    expect(versionShown(stage)).toBe(1);
    stage.now += protocol.receiptIntervalMs;
    expect(code(receipt(stage, ada, 'receipt/1', 2))).toBe(Rejection.REJECTION_BUSY);
    stage.crash();
    expect(code(stage.fetch(ada))).toBe('recordPage');
    expect(code(receipt(stage, ada, 'receipt/1', 2))).toBe('done');
    expect(versionShown(stage)).toBe(2);
  });

  it('loses its value when its member goes, and its version goes on when they come back', () => {
    const stage = Stage.group(ada, testPrimitives);
    stage.join(ada, ben);
    const value = () => SlotWrite.decode(stage.state.slots.get('receipt/2')!.write).value.length;
    expect(code(receipt(stage, ben, 'receipt/2', 900))).toBe('done');
    expect(value()).toBeGreaterThan(0);
    stage.mustAccept(stage.control(ben, { kind: ControlKind.CONTROL_KIND_LEAVE, target: 2 }));
    expect(value()).toBe(0);
    for (const again of [() => stage.crash(), () => stage.seal(), () => stage.crash()]) {
      again();
      stage.fetch(ada);
      expect(value()).toBe(0);
    }
    stage.mustAccept(stage.control(ada, { kind: ControlKind.CONTROL_KIND_INVITE, target: 2, role: Role.ROLE_MEMBER }));
    stage.mustAccept(stage.control(ben, { kind: ControlKind.CONTROL_KIND_ACCEPT, target: 2 }));
    stage.now += protocol.receiptIntervalMs;
    expect(code(receipt(stage, ben, 'receipt/2', 900))).toBe(Rejection.REJECTION_STALE_STATE);
    expect(code(receipt(stage, ben, 'receipt/2', 1_901))).toBe(Rejection.REJECTION_BAD_EVENT);
    expect(code(receipt(stage, ben, 'receipt/2', 1_900))).toBe('done');
  });

  it('outlives a crash after which the entries that brought its member in are applied again', () => {
    const stage = Stage.group(ada, testPrimitives);
    stage.join(ada, ben);
    expect(code(receipt(stage, ben, 'receipt/2', 1))).toBe('done');
    stage.crash();
    stage.fetch(ada);
    expect(stage.state.visibleSlot('receipt/2')).toBeDefined();
  });

  it('that is being saved while its member goes is shown to nobody', () => {
    for (const crashes of [false, true]) {
      const stage = Stage.group(ada, testPrimitives);
      stage.join(ada, ben);
      stage.log.holds = true;
      receipt(stage, ben, 'receipt/2', 1);
      stage.control(ada, { kind: ControlKind.CONTROL_KIND_REMOVE, target: 2 });
      stage.log.release();
      if (crashes) stage.crash();
      const seen = crashes ? stage.fetch(ada) : stage.cover();
      expect(seen.pushed.map(({ body }) => body?.$case)).not.toContain('slotChanged');
      expect(stage.state.visibleSlots()).toEqual([]);
      expect(SlotWrite.decode(stage.state.slots.get('receipt/2')!.write).version).toBe(1);
    }
  });
});
