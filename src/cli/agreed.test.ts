// Who agrees to what a command asks.
import { expect, it } from 'vitest';
import { agreed } from './agreed.ts';

const session = (answer: string, yes = false) => {
  const asked: string[] = [];
  const ask = async (question: string) => {
    asked.push(question);
    return answer;
  };
  return { asked, session: { args: { yes }, keyboard: { ask } } as never };
};

it.each(['yes', 'y', 'Yes', ' YES '])('whoever says %j does', async (answer) => {
  const { asked, session: of } = session(answer);
  await agreed(of, 'Begin?');
  expect(asked).toEqual(['Begin? (yes/no) ']);
});

it.each(['no', '', 'yesterday', 'ja'])('whoever says %j does not', async (answer) => {
  await expect(agreed(session(answer).session, 'Begin?')).rejects.toMatchObject({ code: 'BAD_ARGUMENT' });
});

it('whoever said --yes is not asked', async () => {
  const { asked, session: of } = session('no', true);
  await agreed(of, 'Begin?');
  expect(asked).toEqual([]);
});
