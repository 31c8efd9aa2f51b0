// The Info bot: invites everybody whom its provider names to it as a newcomer, and answers a few plain questions. It is an endpoint like any other and keeps
// nothing of its own: who waits for an invitation is a row of its device until the room is there, what was answered stands in the rooms.
import type { LuxchatClient } from '#client/luxchat-client.ts';
import type { Behaviour } from '../bot.ts';
import { Work, type WorkOptions } from '../work.ts';
import { languageNamed, topicOf } from './asked.ts';
import { answer, type Facts, greeting } from './words.ts';

/** What its provider says of itself. */
export type ProviderFacts = Omit<Facts, 'user'>;

/** What the Info bot says. */
export function infoBehaviour(provider: ProviderFacts): Behaviour {
  return {
    started: ({ user, language }) => greeting(language, { ...provider, user }),
    asksFor: languageNamed,
    said: ({ user, language = 'en' }, text) => {
      const facts = { ...provider, user };
      return languageNamed(text) === undefined ? answer(language, topicOf(text), facts) : greeting(language, facts);
    },
  };
}

/** Invites newcomers as they come, and those that waited when the bot was not there. Gives back what ends that. Call it before the client is started. */
export function inviteNewcomers(client: LuxchatClient, failed: WorkOptions['failed']): () => void {
  const work = new Work({
    failed,
    run: async (user) => {
      // The room is the pair's: a second time, after a crash, it is the same one.
      await client.startDirect(user);
      await client.greeted(user);
    },
    longestMs: 600_000,
  });
  const stops = [
    client.on('newcomer', ({ user }) => work.add(user)),
    client.on('synced', () => {
      client.newcomers().then((users) => {
        for (const user of users) work.add(user);
      }, failed);
    }),
  ];
  return () => {
    for (const stop of stops) stop();
    work.close();
  };
}
