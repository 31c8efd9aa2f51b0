// What an app hears of an account that is closed, over a provider that is stood in for: answered, refused, and answered with the answer lost.
import { beforeEach, expect, it } from 'vitest';
import { ErasedKind } from '#proto/gen/client.ts';
import { Disconnect, Rejection } from '#proto/gen/codes.ts';
import { MemberStatus } from '#proto/gen/record.ts';
import { testPrimitives } from '#proto/golden/cast.ts';
import { receiptNumber } from '#proto/rules/bytes/hash.ts';
import type { Farewell } from '../chain/farewell.ts';
import { ClientError } from '../errors.ts';
import type { MemberInfo, RoomInfo } from '../shown.ts';
import { Account } from './account.ts';

const second = { token: 'lxg_', attempt: new Uint8Array(16) };
const grant = { token: 'lxg_', attempt: new Uint8Array(16).fill(7), second, expiresMs: 0 };
const refused = (rejection: Rejection) => new ClientError('REJECTED', 'no', { rejection });
const lost = new ClientError('DISCONNECTED', 'lost');
const over = new ClientError('LOGIN_NEEDED', 'over', { disconnect: Disconnect.DISCONNECT_LOGGED_OUT });
const receipt = { number: 'ab', day: 20_000, parts: [{ kind: ErasedKind.ERASED_KIND_INBOX, lastDay: 20_038 }] };

let asked: object[];
let answers: (object | Error)[];
let isLive: boolean;
let now: number;
let rooms: Partial<RoomInfo>[];
/** What leaving each room takes, or fails with. */
let leaving: Map<string, number | Error>;
let emptying: Map<string, number | Error>;
/** How each room would be left, and who leads it on. */
let farewells: Map<string, Farewell | undefined>;
let handing: Map<string, string | Error>;
let done: string[];
/** What became of what waits to go out. */
let holding: string[];
/** What was noted on the device. */
let closed: string[];
let isFull: boolean;
let account: Account;
beforeEach(() => {
  asked = [];
  answers = [];
  isLive = true;
  now = 20_000 * 86_400_000;
  rooms = [];
  leaving = new Map();
  emptying = new Map();
  farewells = new Map();
  handing = new Map();
  done = [];
  holding = [];
  closed = [];
  isFull = false;
  const request = async (body: object) => {
    asked.push(body);
    const answer = answers.shift() ?? new Error('nothing more was to be asked');
    if (answer instanceof Error) throw answer;
    return answer;
  };
  account = new Account({
    parts: () => ({
      ...{ request: request as never, live: () => isLive, whenLive: async () => isLive },
      ...{ now: () => now, primitives: testPrimitives, user: '@me:localhost', profiles: {} as never },
    }),
    rooms: () => rooms as RoomInfo[],
    replicas: () => [],
    closed: async (how) => {
      if (isFull) throw new ClientError('STORE', 'The disk is full.');
      closed.push(how);
    },
    empty: async ({ room }) => {
      const takes = emptying.get(room) ?? 0;
      if (takes instanceof Error) throw takes;
      now += takes;
      done.push(`empty ${room}`);
    },
    farewell: async ({ room }) => (farewells.has(room) ? farewells.get(room) : { how: 'leave' }),
    hold: async () => void holding.push('hold'),
    release: () => void holding.push('release'),
    handOver: async ({ room }) => {
      const to = handing.get(room);
      if (to instanceof Error) throw to;
      if (to) done.push(`${room} to ${to}`);
      return to;
    },
    leave: async ({ room }) => {
      done.push(`leave ${room}`);
      const takes = leaving.get(room) ?? 0;
      if (takes instanceof Error) throw takes;
      now += takes;
    },
  });
});

it('is switched off with the grant, and asked again with the same where the answer was lost', async () => {
  answers = [lost, {}];
  await account.deactivate(grant);
  const value = { grant: { token: grant.token, attempt: grant.attempt } };
  expect(asked).toEqual([
    { $case: 'deactivateAccount', value },
    { $case: 'deactivateAccount', value },
  ]);
});

it.each([
  ['when it was asked', [over]],
  ['when it came back', [lost, over]],
  ['in a session that is about to end', [lost, refused(Rejection.REJECTION_NOT_LOGGED_IN)]],
])('was done where this device is logged out %s', async (_, errors) => {
  answers = [...errors];
  await account.deactivate(grant);
  answers = [...errors];
  const { number, parts, day } = await account.erase(grant);
  expect({ number, parts, day }).toEqual({
    number: receiptNumber(grant.attempt, testPrimitives),
    parts: [],
    day: 20_000,
  });
  expect(closed).toEqual(['deactivated', 'erased']);
});

// The receipt was lost with the note.
it('was done, and gives its receipt, where this device can note nothing any more', async () => {
  isFull = true;
  answers = [over];
  await account.deactivate(grant);
  answers = [over];
  expect(await account.erase(grant)).toMatchObject({ number: receiptNumber(grant.attempt, testPrimitives) });
});

it('was not done where this device was logged out before', async () => {
  isLive = false;
  answers = [over];
  await expect(account.deactivate(grant)).rejects.toMatchObject({ code: 'LOGIN_NEEDED' });
  answers = [refused(Rejection.REJECTION_NOT_LOGGED_IN)];
  await expect(account.deactivate(grant)).rejects.toMatchObject({ code: 'REJECTED' });
  expect(closed).toEqual([]);
});

it('takes a fresh login, which three lost answers do not use up', async () => {
  answers = [refused(Rejection.REJECTION_FORBIDDEN)];
  await expect(account.deactivate(grant)).rejects.toMatchObject({ code: 'STEP_UP_NEEDED' });
  answers = [lost, lost, lost];
  await expect(account.erase(grant)).rejects.toMatchObject({ code: 'DISCONNECTED' });
});

it('is erased after its rooms were left, as far as they can be', async () => {
  rooms = [1, 2, 3, 2].map((status, n) => ({ room: `!${n}`, status: status as RoomInfo['status'] }));
  leaving.set('!1', refused(Rejection.REJECTION_INVALID_CONTROL));
  answers = [receipt];
  const heard: string[] = [];
  const erasure = await account.erase(grant, { onLeaving: ({ left, of }) => heard.push(`${left}/${of}`) });
  expect(erasure).toEqual({
    ...receipt,
    parts: [{ what: 'inbox', lastDay: 20_038 }],
    left: 2,
    handed: [],
    stayed: ['!1'],
    kept: [],
  });
  expect(heard).toEqual(['1/3', '1/3', '2/3']);
});

it('empties what was written in a room while it is in it, and where it was only invited asks for nothing', async () => {
  rooms = [1, 2, 2].map((status, n) => ({ room: `!${n}`, status: status as RoomInfo['status'] }));
  emptying.set('!1', new ClientError('UNTRUSTED', 'frozen'));
  answers = [receipt];
  expect(await account.erase(grant)).toMatchObject({ left: 3, stayed: [], kept: ['!1'] });
  expect(done).toEqual(['leave !0', 'leave !1', 'empty !2', 'leave !2']);
});

// They were passed over, and the receipt named them nowhere: all that was written there stays, under the name of who is gone.
it('names the rooms that wait for a new identity to be signed in: nothing can be done there', async () => {
  const { MEMBER_STATUS_JOINED, MEMBER_STATUS_SUSPENDED } = MemberStatus;
  rooms = [MEMBER_STATUS_SUSPENDED, MEMBER_STATUS_JOINED].map((status, n) => ({ room: `!${n}`, status }));
  answers = [receipt];
  const heard: string[] = [];
  const erasure = await account.erase(grant, { onLeaving: ({ left, of }) => heard.push(`${left}/${of}`) });
  expect(erasure).toMatchObject({ left: 1, stayed: ['!0'], kept: ['!0'] });
  expect([done, heard]).toEqual([
    ['empty !1', 'leave !1'],
    ['0/2', '1/2'],
  ]);
});

it('hands groups over that nobody else leads, and empties them right before they are left', async () => {
  rooms = [2, 1, 2, 2].map((status, n) => ({ room: `!${n}`, status: status as RoomInfo['status'] }));
  handing.set('!0', '@ben:localhost');
  handing.set('!1', '@nobody:localhost');
  handing.set('!2', new ClientError('UNTRUSTED', 'frozen'));
  handing.set('!3', '@cid:localhost');
  leaving.set('!3', refused(Rejection.REJECTION_FORBIDDEN));
  answers = [receipt];
  expect(await account.erase(grant)).toMatchObject({
    left: 2,
    // Also where it could not be left afterwards: they lead it beside the one who is gone.
    handed: [
      { room: '!0', user: '@ben:localhost' },
      { room: '!3', user: '@cid:localhost' },
    ],
    stayed: ['!2', '!3'],
    kept: [],
  });
  expect(done).toEqual([
    ...['!0 to @ben:localhost', 'empty !0', 'leave !0', 'leave !1'],
    ...['empty !2', '!3 to @cid:localhost', 'empty !3', 'leave !3'],
  ]);
});

it('says before who would lead which group, and which would end', async () => {
  rooms = [2, 2, 2, 1].map((status, n) => ({ room: `!${n}`, status: status as RoomInfo['status'] }));
  farewells.set('!0', { how: 'handOver', to: { user: '@ben:localhost' } as MemberInfo, role: 4 });
  farewells.set('!2', { how: 'end', takenOut: [] });
  farewells.set('!3', { how: 'end', takenOut: [] });
  expect(await account.lossAtErasure()).toEqual({
    handed: [{ room: '!0', user: '@ben:localhost' }],
    ended: ['!2'],
    stayed: [],
  });
  expect([done, asked]).toEqual([[], []]);
});

// Of a frozen group an heir was named, and nobody became one.
it('says before which rooms would not be left, for all that is known here', async () => {
  const { MEMBER_STATUS_JOINED, MEMBER_STATUS_SUSPENDED } = MemberStatus;
  rooms = [MEMBER_STATUS_JOINED, MEMBER_STATUS_SUSPENDED, MEMBER_STATUS_JOINED].map((status, n) => ({
    room: `!${n}`,
    status,
  }));
  farewells.set('!0', undefined);
  farewells.set('!1', { how: 'end', takenOut: [] });
  expect(await account.lossAtErasure()).toEqual({ handed: [], ended: [], stayed: ['!0', '!1'] });
});

it('lets nothing of this device out from before the first room is left, and on again where nothing was erased', async () => {
  rooms = [{ room: '!0', status: 2 }];
  leaving.set('!0', lost);
  await expect(account.erase(grant)).rejects.toBe(lost);
  answers = [refused(Rejection.REJECTION_FORBIDDEN)];
  leaving.delete('!0');
  await expect(account.erase(grant)).rejects.toMatchObject({ code: 'STEP_UP_NEEDED' });
  expect(holding).toEqual(['hold', 'release', 'hold', 'release']);
  answers = [receipt];
  await account.erase(grant);
  expect(holding.slice(4)).toEqual(['hold']);
});

it('leaves rooms for five minutes and no longer, so that the grant still counts', async () => {
  rooms = [0, 1, 2].map((n) => ({ room: `!${n}`, status: 2 }));
  leaving.set('!0', 299_999);
  leaving.set('!1', 1);
  answers = [receipt];
  expect(await account.erase(grant)).toMatchObject({ left: 2, stayed: ['!2'], kept: ['!2'] });
});

it('leaves no room with a fresh login of another purpose', async () => {
  rooms = [{ room: '!0', status: 2 }];
  leaving.set('!0', new Error('it was left'));
  await expect(account.erase({ ...grant, purpose: 'deactivate' })).rejects.toMatchObject({ code: 'STEP_UP_NEEDED' });
});

// It ended the whole erasure, at every try anew.
it('names a room that changes too quickly to be left, and goes on; where an answer did not come at all it is not erased', async () => {
  rooms = [0, 1].map((n) => ({ room: `!${n}`, status: 2 }));
  const quick = new ClientError('TIMEOUT', 'The room changes too quickly just now.');
  leaving.set('!0', quick);
  answers = [receipt];
  expect(await account.erase(grant)).toMatchObject({ left: 1, stayed: ['!0'], kept: [] });
  isLive = false;
  await expect(account.erase(grant)).rejects.toBe(quick);
  expect(asked.length).toBe(1);
});

it('is not erased where the connection is lost before', async () => {
  rooms = [{ room: '!0', status: 2 }];
  for (const step of [leaving, emptying]) {
    step.set('!0', lost);
    await expect(account.erase(grant)).rejects.toBe(lost);
  }
  expect(done).toEqual(['empty !0', 'leave !0']);
  expect(asked).toEqual([]);
});

it('says what it does not know of a later version', async () => {
  answers = [{ ...receipt, parts: [{ kind: 99, lastDay: 0 }] }];
  expect((await account.erase(grant)).parts).toEqual([{ what: 'other', lastDay: 0 }]);
});
