import { describe, expect, it } from 'vitest';
import type { ManifestHead } from '#proto/gen/record.ts';
import { makeActor, testPrimitives } from '#proto/golden/cast.ts';
import { noBytes } from '#proto/rules/bytes/bytes.ts';
import { defaultRoomLimits, type RoomLimits } from '../limits.ts';
import { type Seen, Stage } from '../testing/stage.ts';

const [ada, ...others] = Array.from({ length: 6 }, (_, n) => makeActor(`@user${n}:lux.example`));

/** Ada and five others, of whom the last is only invited. */
function room(limits: Partial<RoomLimits> = {}): Stage {
  const stage = Stage.group(ada!, testPrimitives, { limits });
  for (const other of others.slice(0, 4)) stage.join(ada!, other);
  stage.invite(ada!, others[4]!);
  return stage;
}

function publish(stage: Stage, who: number, version = 1): Seen {
  const head: ManifestHead = { version, hash: noBytes };
  const { user, master } = [ada!, ...others][who]!;
  return stage.tell({ kind: 'identityMoved', user, fingerprint: master.publicKey, head });
}

/** Who hears which version. */
const heard = (seen: Seen) =>
  seen.effects.flatMap((effect) =>
    effect.kind === 'send' && effect.message.kind === 'manifestMoved'
      ? [`${effect.to.slice(10, 11)}<${effect.message.user.slice(5, 6)}:${effect.message.head.version}`]
      : [],
  );
const tick = (stage: Stage) => stage.tell({ kind: 'timer', name: 'manifests' });

describe('a manifest of a member', () => {
  it('is told at once to those who are in, not to its owner nor to who is only invited', () => {
    expect(heard(publish(room(), 1))).toEqual(['0<1:1', '2<1:1', '3<1:1', '4<1:1']);
    expect(heard(publish(room(), 5))).toHaveLength(5);
  });

  it('is told so many at a time, and the next publisher waits for the next time', () => {
    expect(defaultRoomLimits).toMatchObject({ noticesPerTick: 256, noticeTickMs: 250 });
    const exact = room({ noticesPerTick: 4 });
    expect(heard(publish(exact, 0))).toHaveLength(4);
    expect(heard(tick(exact))).toEqual([]);
    const stage = room({ noticesPerTick: 3 });
    for (const [user, number] of [ada!, ...others].map((each) => [each, 99] as const)) stage.kept(user, number);
    const first = publish(stage, 0);
    expect(heard(first)).toEqual(['1<0:1', '2<0:1', '3<0:1']);
    expect(first.effects.at(-1)).toEqual({ kind: 'startTimer', name: 'manifests', delayMs: 250 });
    expect(heard(publish(stage, 1))).toEqual([]);
    expect(stage.actor.idle()).toBe(false);
    expect(heard(tick(stage))).toEqual(['4<0:1', '0<1:1', '2<1:1']);
    expect(heard(tick(stage))).toEqual(['3<1:1', '4<1:1']);
    expect(tick(stage).effects).toEqual([]);
    expect(stage.actor.idle()).toBe(true);
  });

  it('is told in its newest version alone', () => {
    const stage = room({ noticesPerTick: 2 });
    publish(stage, 0, 1);
    publish(stage, 1, 1);
    publish(stage, 0, 2);
    const all = [tick(stage), tick(stage), tick(stage), tick(stage)].flatMap(heard);
    expect(all).toEqual(['0<1:1', '2<1:1', '3<1:1', '4<1:1', '1<0:2', '2<0:2', '3<0:2', '4<0:2']);
  });
});
