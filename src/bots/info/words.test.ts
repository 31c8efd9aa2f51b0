import { describe, expect, it } from 'vitest';
import { botExplanation, knownLanguage, languages } from '#client/bots/words.ts';
import { topics } from './asked.ts';
import { infoBehaviour } from './info.ts';
import { answer, greeting } from './words.ts';

const facts = { user: '@abcdefghjkj:chat.example.lu', provider: 'chat.example.lu', privacyNotice: 'https://c.lu/p' };

describe('the Info bot', () => {
  it.each(languages)('greets in %s with the Luxchat-ID and every question by number', (language) => {
    const text = greeting(language, facts);
    expect(text).toContain(facts.user);
    expect(text).toContain(facts.provider);
    for (const at of topics.keys()) expect(text).toContain(`\n${at + 1}  `);
    for (const each of languages) expect(text).toContain(each);
    expect(new TextEncoder().encode(text).length).toBeLessThan(4_096);
  });

  it('greets shortly in all of them where the language is not known', () => {
    const text = greeting(undefined, facts);
    expect(text.split(facts.user)).toHaveLength(languages.length + 1);
  });

  it.each(languages)('answers each question in %s, and one that it does not know with what it does', (language) => {
    const answers = topics.map((topic) => answer(language, topic, facts));
    expect(new Set(answers).size).toBe(topics.length);
    expect(answers[0]).toContain(facts.user);
    expect(answers[1]).toMatch(/24.*12/s);
    expect(answers[2]).toMatch(/0[.,]5/);
    expect(answers[3]).toContain(facts.privacyNotice);
    expect(answer(language, 'privacy', { ...facts, privacyNotice: '' })).toContain(facts.provider);
    expect(answer(language, undefined, facts)).toContain(answers.at(-1));
  });

  it.each(languages)('answers courtesy in %s, and not with the menu alone', (language) => {
    const menu = answer(language, 'help', facts);
    expect(answer(language, 'thanks', facts)).not.toContain(menu);
    expect(answer(language, 'hello', facts)).toMatch(/chat\.example\.lu.*\n\n/);
    expect(answer(language, 'hello', facts)).toContain(menu);
  });

  // It told people to ask a provider that is a program on their own computer.
  it.each(languages)('says in %s that a provider for development has no privacy notice', (language) => {
    const without = { ...facts, privacyNotice: '' };
    const [asks, has] = [false, true].map((isDevelopment) =>
      answer(language, 'privacy', { ...without, isDevelopment }),
    ) as [string, string];
    expect(has).toContain(facts.provider);
    expect(has).not.toBe(asks);
    expect(has.split('\n')[1]).toBe(asks.split('\n')[1]);
    expect(answer(language, 'privacy', { ...facts, isDevelopment: true })).toContain(facts.privacyNotice);
  });

  it('changes the language by a plain request, and greets in it', () => {
    const { asksFor, said } = infoBehaviour(facts);
    expect(asksFor?.('English please')).toBe('en');
    const chat = { room: '!r', user: facts.user, language: 'en' } as const;
    expect(said(chat, 'English please')).toBe(greeting('en', facts));
    expect(said(chat, 'Protection des données')).toBe(answer('en', 'privacy', facts));
  });
});

describe('languages', () => {
  it('are read from tags and locales', () => {
    expect(['fr', 'pt-BR', 'de_LU.UTF-8', 'LB'].map(knownLanguage)).toEqual(['fr', 'pt', 'de', 'lb']);
    expect(['C', 'french', '', undefined].map(knownLanguage)).toEqual([undefined, undefined, undefined, undefined]);
    expect(knownLanguage('it')).toBeUndefined();
  });

  it('each explain what a bot is', () => {
    expect(new Set(languages.map(botExplanation)).size).toBe(languages.length);
  });
});
