// What switching an account off and erasing it ask and say, over an SDK and a LuxID that are stood in for.
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ErasureLoss } from '#client/account/closing.ts';
import { account } from './account.ts';
import { readArguments } from './arguments.ts';
import type { Session } from './session.ts';

vi.mock('./luxid.ts', () => ({ stepUp: async (_: object, purpose: string) => ({ token: purpose }) }));

const user = '@abcdefghjkj:localhost';
const bea = '@bbcdefghjkj:localhost';
const erasure = {
  ...{
    number: 'ab'.repeat(16),
    day: 20_000,
    left: 1,
    handed: [{ room: '!c', user: bea }],
    stayed: ['!g'],
    kept: ['!frozen'],
  },
  parts: [
    { what: 'login', lastDay: 20_000 },
    { what: 'inbox', lastDay: 20_038 },
    { what: 'id', lastDay: 0 },
  ],
};

const titles: Readonly<Record<string, string>> = { '!c': 'Chess', '!n': 'Nobody came', '!f': 'Frozen' };

let folder: string;
let loss: ErasureLoss;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'account-'));
  loss = { handed: [], ended: [], stayed: [] };
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A session whose person answers with these words. */
function scene(answers: string[], args: readonly string[], backup = true) {
  const given: string[] = [];
  const said: string[] = [];
  const done = (name: string, answer?: object) => async (grant: { token: string }) => {
    given.push(`${name} by ${grant.token}`);
    return answer;
  };
  const hear = (...lines: string[]) => said.push(...lines);
  const client = {
    ...{ user, security: { state: () => ({ backup }) } },
    account: {
      deactivate: done('deactivate'),
      erase: done('erase', erasure),
      lossAtErasure: async () => loss,
    },
    room: (room: string) => ({ room, name: titles[room] }),
    members: () => [
      { user, name: '' },
      { user: bea, name: 'Bea Weber' },
    ],
  };
  const keyboard = { ask: async () => answers.shift() ?? '' };
  const out = { json: false, say: (_: object, ...lines: string[]) => hear(...lines), note: hear };
  const session = { client, args: readArguments(['account', ...args], {}), out, keyboard };
  return { given, said, session: session as unknown as Session };
}

describe('account deactivate', () => {
  it('says what follows, and does it for who says yes', async () => {
    const { session, given, said } = scene(['yes'], ['deactivate'], false);
    await account(session);
    expect(given).toEqual(['deactivate by deactivate']);
    expect(said.join(' ')).toContain('not secured');
    // It said that nobody reaches one, while messages wait.
    expect(said.join(' ')).toMatch(/messages wait for you until you log in again/);
    expect(said.join(' ')).not.toContain('nobody reaches');
  });

  it('does nothing for who says anything else', async () => {
    const { session, given } = scene(['no'], ['deactivate']);
    await expect(account(session)).rejects.toMatchObject({ code: 'BAD_ARGUMENT' });
    expect(given).toEqual([]);
  });
});

describe('account erase', () => {
  it('takes the typed Luxchat-ID, and shows what the provider promises', async () => {
    const { session, given, said } = scene([user], ['erase']);
    await account(session);
    expect(given).toEqual(['erase by erase']);
    const text = said.join('\n');
    for (const words of [erasure.number, 'gone now', 'gone by 2024-11-12', 'stays', '!g'])
      expect(text).toContain(words);
  });

  // A group that one leads alone could not be left, and nothing said so.
  it('says before it asks who would lead which group, and which end', async () => {
    const { session, said } = scene(['no'], ['erase']);
    await expect(account(session)).rejects.toMatchObject({ code: 'BAD_ARGUMENT' });
    expect(said.join('\n')).not.toMatch(/lead|end/);
    loss = { handed: [{ room: '!c', user: bea }], ended: ['!n'], stayed: [] };
    const other = scene(['no'], ['erase']);
    await expect(account(other.session)).rejects.toMatchObject({ code: 'BAD_ARGUMENT' });
    const text = other.said.join('\n');
    expect(text).toContain('Only you lead Chess: it goes to Bea Weber (');
    expect(text).toContain('role !c ID owner');
    expect(text).toMatch(/they end; invitations are taken back: Nobody came$/m);
  });

  // Of them one heard in the receipt alone, when nothing could be done any more.
  it('says before it asks which rooms would not be left', async () => {
    const none = scene(['no'], ['erase']);
    await expect(account(none.session)).rejects.toMatchObject({ code: 'BAD_ARGUMENT' });
    expect(none.said.join('\n')).not.toContain("can't be left");
    loss = { handed: [], ended: [], stayed: ['!f', '!c'] };
    const { session, said } = scene(['no'], ['erase']);
    await expect(account(session)).rejects.toMatchObject({ code: 'BAD_ARGUMENT' });
    expect(said.join('\n')).toMatch(/^These can't be left as they are now: .* luxchat status .*: Frozen, Chess$/m);
  });

  it('does nothing for who types anything else', async () => {
    for (const typed of ['yes', '', '@bbcdefghjkj:localhost']) {
      const { session, given } = scene([typed], ['erase']);
      await expect(account(session)).rejects.toMatchObject({ code: 'BAD_ARGUMENT' });
      expect(given).toEqual([]);
    }
  });

  it('keeps the receipt in a file for its owner alone, and asks nothing with --yes', async () => {
    const file = join(folder, 'receipt.txt');
    const { session } = scene([], ['erase', file, '--yes']);
    await account(session);
    // It was JSON with days since 1970: nobody who finds it later knows what it says.
    const lines = readFileSync(file, 'utf8').split('\n');
    for (const line of [
      `Luxchat-ID:  ${user}, which nobody ever gets again`,
      'Provider:    localhost',
      'Erased on:   2024-10-04',
      `Number:      ${erasure.number}`,
      '  what waited for your devices, encrypted: gone by 2024-11-12',
      'You left 1 room.',
      `The group !c is led by ${bea} now.`,
    ])
      expect(lines).toContain(line);
    expect(lines.join(' ')).not.toMatch(/20000|lastDay/);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const again = scene([], ['erase', file, '--yes']);
    await expect(account(again.session)).rejects.toMatchObject({ code: 'BAD_ARGUMENT' });
    expect(again.given).toEqual([]);
  });

  it('says where the answer was lost', async () => {
    const { session, said } = scene([user], ['erase']);
    Object.assign(session.client.account, { erase: async () => ({ ...erasure, parts: [] }) });
    await account(session);
    expect(said.join('\n')).toContain('answer was lost');
  });
});

describe('account export', () => {
  const pieces = ['PK', 'zip'].map((text) => new TextEncoder().encode(text));

  it('writes a file for its owner alone, and says what is not in it', async () => {
    const file = join(folder, 'all.zip');
    const { session, said } = scene([], ['export', file]);
    const made = async function* ({ onProgress }: { onProgress: (progress: object) => void }) {
      yield* pieces;
      onProgress({ rooms: 2, roomsDone: 2, lines: 9, incomplete: 1 });
    };
    Object.assign(session.client.account, { export: made });
    await account(session);
    expect([readFileSync(file, 'utf8'), statSync(file).mode & 0o777]).toEqual(['PKzip', 0o600]);
    expect(said.join(' ')).toContain('2 of 2 conversations');
    expect(said.join(' ')).toContain(`Written to ${file}: 2 conversations, 9 lines.`);
    expect(said.join(' ')).toContain('Of 1 conversation not everything');
    const only = join(folder, 'one.zip');
    const single = scene([], ['export', only]);
    Object.assign(single.session.client.account, {
      export: async function* ({ onProgress }: { onProgress: (progress: object) => void }) {
        yield* pieces;
        onProgress({ rooms: 1, roomsDone: 1, lines: 1, incomplete: 0 });
      },
    });
    await account(single.session);
    expect(single.said.slice(0, 2)).toEqual([
      '  1 of 1 conversation',
      `Written to ${only}: 1 conversation, 1 line. README.txt in it says what is what.`,
    ]);
    await expect(account(session)).rejects.toMatchObject({ code: 'BAD_ARGUMENT' });
    expect(readFileSync(file, 'utf8')).toBe('PKzip');
  });

  it('leaves no file that is none', async () => {
    const file = join(folder, 'all.zip');
    const { session } = scene([], ['export', file]);
    const cut = async function* () {
      yield* pieces;
      throw new Error('no connection');
    };
    Object.assign(session.client.account, { export: cut });
    await expect(account(session)).rejects.toThrow('no connection');
    expect(existsSync(file)).toBe(false);
  });
});

it('says how it is called', async () => {
  for (const args of [[], ['delete'], ['export']]) {
    await expect(account(scene([], args).session)).rejects.toMatchObject({ code: 'BAD_ARGUMENT' });
  }
});
