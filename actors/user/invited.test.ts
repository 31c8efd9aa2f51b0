// How many others an account may invite: each invitation that is in a room for good is charged, and sessions hear from when on the next one may be made.
import { beforeEach, describe, expect, it } from 'vitest';
import { testPrimitives } from '#proto/golden/cast.ts';
import { userLimits } from './limits.ts';
import { Street } from './testing/street.ts';

const [user, bot] = ['@alice:example.org', '@bot:example.org'];

let street: Street;
beforeEach(() => {
  street = new Street(testPrimitives);
  for (const who of [user, bot]) from(who);
});

/** From when on may they invite, counted from now? As a hello hears it. */
function from(who = user): number {
  street.tell(who, { kind: 'hello', session: 1, device: 1, deviceId: 'A', deviceName: 'phone' });
  const message = street.all('send').findLast((each) => each.message.kind === 'welcomed')?.message;
  if (message?.kind !== 'welcomed') throw new Error('no welcome');
  return message.consent.inviteFromMs === 0 ? 0 : message.consent.inviteFromMs - street.now;
}

function invite(times: number, who = user): void {
  for (let n = 0; n < times; n++) street.tell(who, { kind: 'invited' });
}

describe('invitations of an account', () => {
  it('are 20 at once in its first week, then 20 a day; sessions hear when it is enough', () => {
    const { inviteYoungBurst, inviteYoungEveryMs, youngMs } = userLimits;
    invite(inviteYoungBurst - 1);
    expect(from()).toBe(0);
    expect(street.all('tellSessions').filter(({ message }) => message.kind === 'consent')).toEqual([]);
    invite(1);
    expect(street.all('tellSessions').at(-1)?.message).toEqual({
      kind: 'consent',
      hidden: [],
      inviteFromMs: street.now + inviteYoungEveryMs,
    });
    street.now += inviteYoungEveryMs;
    expect(from()).toBe(0);
    invite(1);
    expect(from()).toBe(inviteYoungEveryMs);
    // It grows old meanwhile.
    street.now += youngMs - 1;
    street.now -= inviteYoungEveryMs;
    invite(inviteYoungBurst);
    expect(from()).toBeLessThanOrEqual(inviteYoungEveryMs);
    street.now += inviteYoungEveryMs;
    invite(inviteYoungBurst);
    expect(from()).toBe(0);
    expect(inviteYoungEveryMs * 20).toBe(86_400_000);
  });

  it('are 200 at once, then 200 a day', () => {
    const { inviteBurst, inviteEveryMs, youngMs } = userLimits;
    street.now += youngMs;
    invite(inviteBurst - 1);
    expect(from()).toBe(0);
    invite(1);
    expect(from()).toBe(inviteEveryMs);
    street.passivate(user);
    street.crash(user);
    expect(from()).toBe(inviteEveryMs);
    street.now += inviteEveryMs;
    expect(from()).toBe(0);
    expect(inviteEveryMs * 200).toBe(86_400_000);
  });

  it('are not counted for bots, nor for names that nobody has', () => {
    invite(userLimits.inviteYoungBurst + 1, bot);
    expect(from(bot)).toBe(0);
    invite(1, '@nobody:example.org');
    expect(street.log('@nobody:example.org').exists).toBe(false);
  });
});
