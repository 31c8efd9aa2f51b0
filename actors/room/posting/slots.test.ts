import { describe, expect, it } from 'vitest';
import { Rejection } from '#proto/gen/codes.ts';
import { Role, SlotWrite } from '#proto/gen/record.ts';
import { makeActor, testPrimitives } from '#proto/golden/cast.ts';
import { limits as protocol } from '#proto/rules/limits.ts';
import { codeOf, type Seen, Stage } from '../testing/stage.ts';

const ada = makeActor('@ada:lux.example');
const ben = makeActor('@ben:lux.example');
const code = (seen: Seen) => seen.answers.map(({ body }) => codeOf(body))[0];

describe('an ordered slot', () => {
  it('is set by its event and shown in the list, its version only grows', () => {
    const stage = Stage.group(ada, testPrimitives);
    expect(code(stage.slot(ada, 'name', 3))).toBe('accepted');
    expect(code(stage.slot(ada, 'name', 3))).toBe(Rejection.REJECTION_STALE_STATE);
    expect(code(stage.slot(ada, 'name', 4, 'next'))).toBe('accepted');
    const [summarised] = stage.tell({ kind: 'summarise', token: 1, user: ada.user }).effects;
    expect(summarised).toMatchObject({ summary: { entry: { name: { seq: 3, member: 1, device: 1, sendId: 4 } } } });
  });

  it('counts with a version that is not covered yet', () => {
    const stage = Stage.group(ada, testPrimitives);
    stage.covers = false;
    stage.slot(ada, 'name', 2);
    expect(stage.slot(ada, 'name', 2).answers).toEqual([]);
    expect(stage.state.slots.size).toBe(0);
    const answered = stage.cover().answers.map(({ body }) => codeOf(body));
    expect(answered).toEqual(['accepted', Rejection.REJECTION_STALE_STATE]);
    expect(stage.state.slots.size).toBe(1);
  });

  it('is refused below its role, by unknown names, and over its size', () => {
    const stage = Stage.group(ada, testPrimitives, { policy: { slotRole: Role.ROLE_ADMIN } });
    stage.join(ada, ben);
    expect(code(stage.slot(ben, 'name', 1))).toBe(Rejection.REJECTION_FORBIDDEN);
    expect(code(stage.slot(ada, 'motto', 1))).toBe(Rejection.REJECTION_BAD_EVENT);
    expect(code(stage.slot(ada, 'receipt/1', 1))).toBe(Rejection.REJECTION_BAD_EVENT);
    expect(code(stage.slot(ada, 'topic', 1, 'x'.repeat(protocol.slotValueBytesMax)))).toBe('accepted');
    expect(code(stage.slot(ada, 'topic', 2, 'x'.repeat(protocol.slotValueBytesMax + 1)))).toBe(
      Rejection.REJECTION_TOO_LARGE,
    );
  });
});

describe('emptied slots', () => {
  it('are shown no more and keep their version, also after a crash at any moment', () => {
    for (const rewritten of [true, false]) {
      const stage = Stage.group(ada, testPrimitives);
      stage.slot(ada, 'picture', 1, 'canary one');
      stage.slot(ada, 'picture', 5, 'canary two');
      if (!rewritten) stage.covers = false;
      stage.empty(ada, [3]);
      const check = () => {
        expect(stage.state.visibleSlots()).toEqual([]);
        expect(SlotWrite.decode(stage.state.slots.get('picture')!.write)).toMatchObject({ version: 5 });
      };
      if (rewritten) check();
      stage.crash();
      stage.fetch(ada);
      check();
      expect(code(stage.slot(ada, 'picture', 5))).toBe(Rejection.REJECTION_STALE_STATE);
    }
  });
});
