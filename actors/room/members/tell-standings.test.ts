import { describe, expect, it } from 'vitest';
import { ControlKind, Role } from '#proto/gen/record.ts';
import { makeActor, testPrimitives } from '#proto/golden/cast.ts';
import { defaultRoomLimits } from '../limits.ts';
import { type Seen, Stage } from '../testing/stage.ts';

const ada = makeActor('@ada:lux.example');
const ben = makeActor('@ben:lux.example');
const others = Array.from({ length: 6 }, (_, n) => makeActor(`@user${n}:lux.example`));
const K = ControlKind;

/** Delays of the timer that were started. */
const delays = (seen: Seen) =>
  seen.effects.flatMap((effect) =>
    effect.kind === 'startTimer' && effect.name === 'standings' ? [effect.delayMs] : [],
  );
const told = (seen: Seen) =>
  seen.effects.filter((effect) => effect.kind === 'send' && effect.message.kind === 'standing').length;
const tick = (stage: Stage) => stage.tell({ kind: 'timer', name: 'standings' });

describe('the timer of standings', () => {
  it('is not put off by further changes', () => {
    // Its story: every covered entry restarted it, so that in a room where people come and go nobody was told twice.
    const stage = Stage.group(ada, testPrimitives);
    const invite = (n: number) => {
      const [target, person] = [n + 2, others[n]!.commitment];
      const wish = { kind: K.CONTROL_KIND_INVITE, target, role: Role.ROLE_MEMBER, person };
      return stage.control(ada, wish, { person: others[n]!.person(target) });
    };
    stage.now += 400;
    expect([told(invite(0)), ...delays(invite(1))]).toEqual([1]);
    const second = tick(stage);
    expect([told(second), ...delays(second)]).toEqual([3, 1_000]);
    expect(delays(tick(stage))).toEqual([2_000]);
    // A new one must not wait for longer than the first retry takes.
    expect(delays(invite(2))).toEqual([1_000]);
    stage.now += 500;
    expect(delays(invite(3))).toEqual([]);
  });

  it('waits for twice as long each time, 30 seconds at most, and from the start again once somebody heard', () => {
    const stage = Stage.group(ada, testPrimitives);
    stage.invite(ada, ben);
    const waits = Array.from({ length: 7 }, () => delays(tick(stage))[0]);
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
    stage.kept(ada, 1);
    expect(delays(tick(stage))).toEqual([1_000]);
    expect(stage.kept(ben, 2).effects).toEqual([{ kind: 'cancelTimer', name: 'standings' }]);
    expect(tick(stage).effects).toEqual([]);
  });

  it('tells 256 at a time, and everyone has a turn', () => {
    expect(defaultRoomLimits.standingsPerTick).toBe(256);
    const stage = Stage.group(ada, testPrimitives, { limits: { standingsPerTick: 3 } });
    stage.invite(ada, others[0]!);
    stage.invite(ada, others[1]!);
    expect(told(tick(stage))).toBe(3);
    stage.invite(ada, others[2]!);
    const heard = [tick(stage), tick(stage)].flatMap(({ effects }) =>
      effects.flatMap((effect) => (effect.kind === 'send' ? [effect.to] : [])),
    );
    expect(heard).toHaveLength(6);
    expect(new Set(heard).size).toBe(4);
  });
});
