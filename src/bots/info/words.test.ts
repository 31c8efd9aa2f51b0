import { describe, expect, it } from 'vitest';
import { botExplanation, knownLanguage, languages } from '#client/bots/words.ts';
import { answer, greeting, languageNamed, topicOf, topics } from './words.ts';

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
    expect(answer(language, undefined, facts)).toContain(answers[4]!);
  });

  it.each([
    ['1', 'id'],
    ['5.', 'help'],
    ['#2', 'retention'],
    ['What is my Luxchat-ID?', 'id'],
    ['Combien de temps gardez-vous les messages ?', 'retention'],
    ['Wie lange werden Nachrichten aufbewahrt?', 'retention'],
    ['Wéi vill Plaz hunn ech?', 'storage'],
    ['Quanto espaço tenho?', 'storage'],
    ['Où est la notice de confidentialité ?', 'privacy'],
    ['Hëllef', 'help'],
    ['?', 'help'],
    ['6', undefined],
    ['Moien', undefined],
    ['', undefined],
  ] as const)('takes "%s" for %s', (text, topic) => {
    expect(topicOf(text)).toBe(topic);
  });

  it('takes the name of a language, alone, for a wish', () => {
    expect(['Français', ' PT ', 'lëtzebuergesch', 'Deutsch', 'english'].map(languageNamed)).toEqual([
      ...['fr', 'pt', 'lb', 'de', 'en'],
    ]);
    expect(languageNamed('de rien')).toBeUndefined();
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
