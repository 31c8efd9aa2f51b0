// What the commands about people say, over a client that answers as a test says.
import { describe, expect, it } from 'vitest';
import { ClientError } from '#client/errors.ts';
import { peopleCommands } from './people.ts';
import type { Session } from './session.ts';

const user = '@k3m9x7qp2t7:localhost';

/** Runs a command; what it printed as objects and as sentences, and what it asked the client for. */
async function run(command: string, rest: readonly string[], answers: Record<string, unknown> = {}) {
  const objects: unknown[] = [];
  const lines: string[] = [];
  const asked: unknown[][] = [];
  const method =
    (name: string, answer: unknown) =>
    (...args: unknown[]) => {
      asked.push([name, ...args]);
      return typeof answer === 'function' ? answer(...args) : answer;
    };
  const { listing = { choice: 'unasked', name: '' }, found = [] } = answers;
  const client = {
    user,
    contactLink: async () => 'https://localhost/c/#k3m9x7qp2t7/abc',
    readContact: method('readContact', (text: string) =>
      text.startsWith('https') ? { user, fingerprint: new Uint8Array(1) } : { user },
    ),
    startDirect: method('startDirect', '!room'),
    room: () => ({ room: '!room', name: 'Ann', members: [], status: 2, unread: 0, direct: true, unheard: [] }),
    directory: {
      search: method('search', found),
      listing: async () => listing,
      setListing: method('setListing', undefined),
    },
  };
  const out = {
    json: false,
    say: (object: unknown, ...said: string[]) => {
      objects.push(object);
      lines.push(...said);
    },
    note: (...said: string[]) => lines.push(...said),
    fail: () => {},
  };
  const args = { call: 'luxchat', command, rest } as unknown as Session['args'];
  await peopleCommands[command]!.run({
    client: client as never,
    args,
    out,
    keyboard: {} as never,
    loggedIn: async () => true,
    reaching: (work) => work,
  });
  return { objects, lines, asked };
}

const code = (failing: Promise<unknown>) =>
  failing.then(
    () => 'fine',
    (error) => (error instanceof ClientError ? error.code : error),
  );

describe('findable', () => {
  it('asks who did not answer, and says how it is', async () => {
    expect((await run('findable', [])).lines.join()).toMatch(/Say luxchat findable yes NAME, or luxchat findable no/);
    const yes = await run('findable', [], { listing: { choice: 'yes', name: 'Ann' } });
    expect(yes.objects).toEqual([{ type: 'findable', choice: 'yes', name: 'Ann' }]);
    expect(yes.lines.join()).toContain('find you as: Ann');
    expect((await run('findable', [], { listing: { choice: 'no', name: '' } })).lines.join()).toContain('Nobody finds');
  });

  it('chooses', async () => {
    expect((await run('findable', ['yes', 'Ann', 'Weis'])).asked).toEqual([['setListing', 'yes', 'Ann Weis']]);
    expect((await run('findable', ['no'])).asked).toEqual([['setListing', 'no', '']]);
  });

  it('refuses what is neither', async () => {
    for (const words of [['maybe'], ['yes'], ['no', 'Ann'], ['Ann']])
      expect(await code(run('findable', words))).toBe('BAD_ARGUMENT');
  });
});

describe('search', () => {
  it('shows hits with name and bot mark, in the order that they came', async () => {
    const found = [
      { user: '@a:x', name: 'Ann', bot: false },
      { user: '@b:x', name: 'Info', bot: true },
      { user: '@c:x', name: '', bot: false, fingerprint: new Uint8Array(1) },
    ];
    const { objects, lines, asked } = await run('search', ['an', 'n'], { found });
    expect(asked).toEqual([['search', 'an n']]);
    expect(objects).toEqual([
      { type: 'found', user: '@a:x', name: 'Ann', bot: false },
      { type: 'found', user: '@b:x', name: 'Info', bot: true },
      { type: 'found', user: '@c:x', name: '', bot: false, byLink: true },
    ]);
    expect(lines.slice(0, 3)).toEqual(['@a:x  Ann', '@b:x  Info  [bot]', '@c:x']);
    // An exact id is shown back, also where nobody has it or its account is deactivated.
    expect(lines[3]).toContain('No server was asked whether anybody has this Luxchat-ID.');
    expect((await run('search', ['ann'], { found: found.slice(0, 2) })).lines.join()).not.toContain('No server');
  });

  it('says where nobody was found, and wants something to look for', async () => {
    expect((await run('search', ['ann'])).lines.join()).toMatch(/^Nobody\./);
    expect(await code(run('search', []))).toBe('BAD_ARGUMENT');
  });
});

describe('start and id', () => {
  it('take and give ids in groups and links', async () => {
    const { objects, lines } = await run('id', []);
    expect(objects).toEqual([
      { type: 'id', user, grouped: '@k3m9 x7qp 2t7:localhost', link: 'https://localhost/c/#k3m9x7qp2t7/abc' },
    ]);
    expect(lines.slice(0, 2)).toEqual(['@k3m9 x7qp 2t7:localhost', 'https://localhost/c/#k3m9x7qp2t7/abc']);
    expect((await run('start', ['@k3m9', 'x7qp', '2t7:localhost'])).asked).toEqual([
      ['readContact', '@k3m9 x7qp 2t7:localhost'],
      ['startDirect', user, {}],
    ]);
    const byLink = await run('start', ['https://localhost/c/#k3m9x7qp2t7/abc']);
    expect(byLink.asked[1]).toEqual(['startDirect', user, { fingerprint: new Uint8Array(1) }]);
  });
});
