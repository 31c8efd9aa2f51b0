// A person who logged in for the first time is named to the Info bot, whenever the process dies in between, and although nobody touches either account.
import { describe, expect, it } from 'vitest';
import type { Actor } from '#actors/kernel/actor.ts';
import type { UserMessage } from '#actors/kernel/messages.ts';
import type { InboxPage } from '#proto/gen/client.ts';
import { provider } from './cast.ts';
import type { Device } from './client/device.ts';
import { Scene } from './scene.ts';

const infoBot = `@info:${provider}`;
const minutes = 60_000;

/** Users hear of no newcomers while `deaf`; counts how often one was told. */
class Deafness {
  deaf = false;
  told = 0;
  readonly user = (actor: Actor<UserMessage>): Actor<UserMessage> => ({
    idle: () => actor.idle(),
    receive: (message, now) => {
      if (message.kind === 'newcomer') this.told++;
      return this.deaf && message.kind === 'newcomer' ? [] : actor.receive(message, now);
    },
  });
}

/** Whom the bot's inbox names. */
function named(scene: Scene, bot: Device): string[] {
  const page = scene.ask(bot, { $case: 'fetchInbox', value: { after: 0, limit: 0 } });
  const { entries } = page!.value as InboxPage;
  return entries.flatMap(({ body }) => (body?.$case === 'newcomer' ? body.value.user : []));
}

describe('a newcomer', () => {
  it.each([1, 3, 5, 8, 12, 20, 40, 80, 160, 320, 640])(
    'is named although the process dies %i ms after they connected',
    (ms) => {
      const scene = new Scene({ infoBot });
      const bot = scene.enter('info');
      const ann = scene.begin('ann');
      scene.run(ms);
      scene.crash();
      scene.run(2 * minutes);
      expect(new Set(named(scene, bot))).toEqual(new Set([ann.household.cast.user]));
      expect(scene.witness.violations).toEqual([]);
    },
  );

  it('is named within minutes, although their process died before the bot heard and they never came back', () => {
    const deafness = new Deafness();
    const scene = new Scene({ infoBot, mutation: deafness });
    const bot = scene.enter('info');
    deafness.deaf = true;
    const ann = scene.enter('ann');
    ann.conversation.stop();
    scene.crash();
    scene.run(5 * minutes);
    expect(named(scene, bot)).toEqual([]);
    deafness.deaf = false;
    scene.run(5 * minutes);
    expect(new Set(named(scene, bot))).toEqual(new Set([ann.household.cast.user]));
    const { told } = deafness;
    scene.run(60 * minutes);
    expect(deafness.told).toBe(told);
  });
});
