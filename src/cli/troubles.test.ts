// Why a line can't be read: in words, short, with what ends it.
import { describe, expect, it } from 'vitest';
import { type TroubleCause, troubleCauses } from '#client/alarms.ts';
import { troubleSentence } from './troubles.ts';

const sentence = (cause: TroubleCause, who = '@bob', confirmed = true) => troubleSentence(cause, { who, confirmed });

describe('why a line can not be read', () => {
  // Whoever read "WITHHELD: …" had to know what that is called in the protocol.
  it('is said without a code, in two sentences of at most 120 characters', () => {
    for (const cause of troubleCauses)
      for (const [who, confirmed] of [
        ['@bob', true],
        ['@bob', false],
        ['me', true],
        ['me', false],
      ] as const) {
        const said = sentence(cause, who, confirmed);
        expect(said).not.toMatch(/[A-Z]{2,}/);
        const sentences = said.split('. ');
        expect(sentences.length, said).toBeLessThanOrEqual(2);
        for (const one of sentences) expect(one.length, one).toBeLessThanOrEqual(120);
      }
  });

  it('is what to do; "yet" only of what is tried again by itself', () => {
    // The person was told to ask @bob to write it again, while the SDK asked his device itself.
    expect(sentence('NO_KEY')).toMatch(/It asks by itself.*the device of @bob$/);
    expect(sentence('NO_KEY', 'me', false)).toMatch(/Once.*confirmed it asks by itself.*your backup$/);
    // It named verify alone: on a confirmed device, and to who waits for somebody's approval, that does nothing.
    expect(sentence('WITHHELD', '@bob', false)).toMatch(/not confirmed.*whoami says how to confirm it/);
    expect(sentence('WITHHELD')).toMatch(/asks by itself.*started over, have @bob compare.*approve/);
    expect(sentence('WITHHELD', 'me')).toMatch(/was not confirmed.*your backup$/);
    for (const who of ['@bob', 'me']) expect(sentence('WITHHELD', who)).not.toContain('whoami');
    expect(troubleCauses.filter((cause) => sentence(cause).includes('yet'))).toEqual([
      'NO_KEY',
      'UNKNOWN_INDEX',
      'UNKNOWN_DEVICE',
      'NOT_CROSS_SIGNED',
    ]);
  });
});
