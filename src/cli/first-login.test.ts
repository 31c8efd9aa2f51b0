// What is asked after a first login, and what becomes of the answers.
import { expect, it } from 'vitest';
import { ClientError } from '#client/errors.ts';
import { readArguments } from './arguments.ts';
import { type FirstLogin, firstLogin } from './first-login.ts';

/** A first login whose person answers with these words; none at all is a script. */
function scene(answers: string[] | undefined, { isUnasked = true, language = 'en', refuses = '' } = {}) {
  const said: string[] = [];
  const done: string[] = [];
  const take = async (what: string) => {
    if (what.includes(refuses || '?')) throw new ClientError('BAD_ARGUMENT', 'Too long.');
    done.push(what);
  };
  const hear = (...lines: string[]) => said.push(...lines);
  const first = {
    client: {
      setProfile: ({ name }: { name: string }) => take(`name ${name}`),
      directory: { setListing: (choice: string, name = '') => take(`${choice} ${name}`) },
      flushed: async () => {},
    },
    args: readArguments(['-p', 'ann', 'login', '--language', language], {}),
    out: { json: false, say: (_: object, ...lines: string[]) => hear(...lines), note: hear },
    keyboard: { interactive: answers !== undefined, ask: async () => answers?.shift() ?? '' },
    isUnasked,
  };
  return { said, done, first: first as unknown as FirstLogin };
}

it.each([
  [
    ['Ann', 'yes', 'Ann Weber'],
    ['name Ann', 'yes Ann Weber'],
  ],
  [['', 'no'], ['no ']],
  [['Ann', ''], ['name Ann']],
  [['', 'yes', ''], []],
])('at a terminal asks there: %j', async (answers, done) => {
  const { first, said, done: did } = scene([...answers]);
  await firstLogin(first);
  expect(did).toEqual(done);
  const isOpen = !done.some((one) => /^(yes|no) /.test(one));
  expect(said.join().includes('luxchat -p ann findable')).toBe(isOpen);
});

it('asks whether others find one only whom nobody asked', async () => {
  const { first, done } = scene(['Ann', 'yes', 'Ann Weber'], { isUnasked: false });
  await firstLogin(first);
  expect(done).toEqual(['name Ann']);
});

it('says what was refused and how it is done later, and goes on', async () => {
  const { first, said, done } = scene(['x', 'no'], { refuses: 'name' });
  await firstLogin(first);
  expect(said).toEqual([expect.stringMatching(/Too long.*luxchat -p ann name TEXT/)]);
  expect(done).toEqual(['no ']);
});

it('tells a script the commands, and says that it speaks English where the system does not', async () => {
  const { first, said, done } = scene(undefined, { language: 'fr' });
  await firstLogin(first);
  expect(said).toEqual([
    expect.stringMatching(/speaks English.*\(fr\)/),
    expect.stringContaining('findable yes NAME'),
    expect.stringContaining('name TEXT'),
  ]);
  expect(done).toEqual([]);
});
