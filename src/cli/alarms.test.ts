// Warnings: in words, for whoever never heard of what they are called.
import { expect, it } from 'vitest';
import { alarmCodes } from '#client/alarms.ts';
import { alarmSentence } from './alarms.ts';
import { unheardSentence } from './heard.ts';

it('says what the server did without its code, in two sentences of at most 120 characters', () => {
  const texts = alarmCodes
    .filter((code) => code !== 'IDENTITY_SWAPPED')
    .map((code) => alarmSentence({ code, room: '!g:x', user: '@bob:x' }, 'luxchat'));
  for (const text of [...texts, unheardSentence({ user: '@bob:x', why: 'MANIFEST_WITHHELD' }, 'luxchat')]) {
    expect(text).not.toMatch(/[A-Z]+_[A-Z]+/);
    const sentences = text.split('. ');
    expect(sentences.length, text).toBeLessThanOrEqual(2);
    for (const one of sentences) expect(one.length, one).toBeLessThanOrEqual(120);
  }
  expect(new Set(texts).size).toBe(texts.length);
});

it('says of another identity what to do before anything is written there', () => {
  const said = alarmSentence({ code: 'IDENTITY_SWAPPED', room: '!d:x', user: '@bob:x' }, 'luxchat');
  expect(said).toMatch(/another identity now.*Compare by voice.*only if it is the same: luxchat approve @bob:x NUMBER/);
});
