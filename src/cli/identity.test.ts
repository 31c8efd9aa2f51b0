// Whose identity it is: what `identity` says of it, and what `approve` passes on. The number is the comparison; without one it is a word.
import { describe, expect, it } from 'vitest';
import { ClientError } from '#client/errors.ts';
import type { IdentityMark } from '#client/shown.ts';
import { identityCommands } from './identity.ts';

const number = '01234 56789 11111 22222 33333 44444 55555 66666';

interface Setting {
  readonly mark?: IdentityMark;
  readonly terminal?: boolean;
  readonly yes?: boolean;
  readonly answer?: string;
  /** Rooms with the person: whether they are 1:1, and the own role there. */
  readonly shared?: readonly { readonly direct: boolean; readonly role: number }[];
}

/** Runs a command; what was passed on, said and asked, or why it failed. */
async function run(
  rest: readonly string[],
  { mark = 'changed', terminal = false, yes = false, answer = '', shared = [] }: Setting,
) {
  const passed: unknown[] = [];
  const said: unknown[] = [];
  const noted: string[] = [];
  const asked: string[] = [];
  const client = {
    user: '@me:x',
    readContact: (text: string) => {
      if (text.includes(' ')) throw new ClientError('BAD_ARGUMENT', 'That is no Luxchat-ID and no contact link.');
      return { user: `${text}:x` };
    },
    fingerprint: async (user: string) => {
      if (user !== '@a:x') throw new ClientError('UNKNOWN', 'There is nobody with this Luxchat-ID.');
      return number;
    },
    identityMark: () => mark,
    rooms: () => shared.map((room, at) => ({ ...room, room: `!${at}`, unheard: [] })),
    members: () => [{ user: '@a:x', status: 7 }],
    flushed: async () => void passed.push('flushed'),
    approveIdentity: async (...given: unknown[]) => void passed.push(given),
  };
  const keyboard = {
    interactive: terminal,
    ask: async (question: string) => {
      asked.push(question);
      return answer;
    },
  };
  const out = {
    say: (...all: unknown[]) => void said.push(all),
    note: (...lines: string[]) => void noted.push(...lines),
  };
  const session = { client, out, keyboard, args: { rest: rest.slice(1), yes, call: 'luxchat', command: rest[0] } };
  const code = await identityCommands[rest[0] as string]
    ?.run(session as never)
    .catch(({ code, message }) => `${code}: ${message}`);
  return { passed, said: JSON.stringify(said), noted, asked, code };
}

describe('approve', () => {
  it('passes on the number that was compared, however it was typed', async () => {
    for (const typed of [number.split(' '), [number.replaceAll(' ', '')]])
      expect((await run(['approve', '@a', ...typed], {})).passed).toEqual([
        ['@a:x', { fingerprint: number }],
        'flushed',
      ]);
    expect((await run(['approve', '@a', 'no'], {})).passed[0]).toEqual(['@a:x', { fingerprint: '' }]);
  });

  it('shows the number at a terminal and asks, and passes it on where both saw it', async () => {
    const { passed, noted, asked } = await run(['approve', '@a'], { terminal: true, answer: 'yes' });
    expect([passed[0], noted, asked.length]).toEqual([['@a:x', { fingerprint: number }], ['@a:x', number], 1]);
    const refused = await run(['approve', '@a'], { terminal: true, answer: 'no' });
    expect([refused.passed, refused.code]).toEqual([[], expect.stringContaining('BAD_ARGUMENT')]);
  });

  it('takes a script, and --yes, at its word, and says that nothing was compared', async () => {
    for (const setting of [{}, { terminal: true, yes: true }]) {
      const { passed, asked, said } = await run(['approve', '@a'], setting);
      expect([passed[0], asked]).toEqual([['@a:x', {}], []]);
      expect(said).toContain('without comparing');
    }
  });

  it('says that it noted a comparison of one who did not change, and lets nobody in', async () => {
    const { said } = await run(['approve', '@a', number], { mark: 'seen' });
    expect(said).toContain('Noted on this device');
    expect(said).not.toContain('let in');
  });

  it('says of nobody that the number was compared where it was not', async () => {
    const { said } = await run(['approve', '@a'], { mark: 'seen', yes: true });
    expect(said).toContain('without comparing');
    expect(said).not.toContain('you compared');
  });

  // It named another identity, as after an attack, where one digit was wrong.
  it('says of a wrong number of one who did not change that it may be mistyped, and notes nothing', async () => {
    const { passed, code } = await run(['approve', '@a', number.replace('1', '2')], { mark: 'seen' });
    expect([passed, code]).toEqual([[], expect.stringMatching(/^UNTRUSTED: That is not the number of @a:x.*mistyped/)]);
  });

  it('says where they are let in again, and only where this user lets them in', async () => {
    const saidIn = async (...shared: { direct: boolean; role: number }[]) => {
      const { said } = await run(['approve', '@a', number], { shared });
      return [said.includes('your 1:1 room'), said.includes('that you lead'), said.includes('others lead')];
    };
    const [direct, led, lead] = [
      { direct: true, role: 1 },
      { direct: false, role: 2 },
      { direct: false, role: 3 },
    ] as const;
    expect(await saidIn()).toEqual([false, false, false]);
    expect(await saidIn(direct)).toEqual([true, false, false]);
    expect(await saidIn(led)).toEqual([false, false, true]);
    expect(await saidIn(direct, led, lead)).toEqual([true, true, true]);
  });

  it.each(['@zzzz', 'no such body'])('says that nobody is known as %s', async (word) => {
    const { passed, code } = await run(['approve', word], { terminal: true, answer: 'yes' });
    expect([passed, code]).toEqual([[], expect.stringMatching(/^UNKNOWN: .*(nobody|Nobody)/)]);
  });
});

describe('identity', () => {
  it.each([
    ['seen', 'not compared'],
    ['compared', 'compared, says this device'],
    ['changed', 'NEW'],
  ] as const)('says of one that is %s that it is', async (mark, words) => {
    expect((await run(['identity', '@a'], { mark })).said).toContain(words);
  });
});
