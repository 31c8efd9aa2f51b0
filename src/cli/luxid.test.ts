// What is asked on the way through the stand-in LuxID.
import { expect, it } from 'vitest';
import { standInPerson } from './luxid.ts';

const keyboard = (asked: string[]) => ({
  ask: async (question: string) => String(asked.push(question)),
  askHidden: async () => 'moien-moien',
});

// A wrong code was asked for again without a word.
it('says of a code that it was not the one', async () => {
  const asked: string[] = [];
  const { askCode } = await standInPerson({ user: 'alice', password: '', code: '123456' }, keyboard(asked));
  expect(await askCode(1)).toBe('123456');
  await askCode(2);
  expect(asked).toEqual([expect.stringMatching(/^This was not the code\. Code received by SMS/)]);
  const first = await standInPerson({ user: 'alice', password: 'x', code: '' }, keyboard(asked));
  await first.askCode(1);
  expect(asked[1]).toMatch(/^Code received by SMS/);
});
