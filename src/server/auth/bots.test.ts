// Bots at the door: who shows the secret of one gets a device of it, nobody else does, and no person ever has its id.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LoginError, logInBot, logout, refreshTokens } from '#client/connection/login.ts';
import { botId, botSecret, isBotName } from './bots.ts';
import { memoryAccounts } from './memory-accounts.ts';
import { type AuthWorld, startAuthWorld } from './test/world.ts';

const secret = new Uint8Array(32).fill(7);
const store = memoryAccounts();
let world: AuthWorld;

beforeAll(async () => {
  const bots = ['info', 'echo', 'person'];
  world = await startAuthWorld({ bots, secret, store, limits: {}, issuerFor: async () => 'http://127.0.0.1:9' });
});
afterAll(() => world.close());

const logIn = (name: string, shown = botSecret(secret, name)) =>
  logInBot({ server: world.url }, { name, secret: shown, deviceName: 'bot' });
const codeOf = async (failing: Promise<unknown>) => ((await failing.catch((error) => error)) as LoginError).code;
/** A minute passes, and with it what one source may do. */
const later = () => {
  world.clock.aheadMs += 60_000;
};

describe('a bot', () => {
  it('gets a device for its secret, with tokens as everybody has them, and another one the next time', async () => {
    const first = await logIn('info');
    expect(first).toMatchObject({ userId: '@info:localhost', deviceNumber: 1, firstLogin: true });
    expect(await world.auth.verifyAccess(first.accessToken)).toMatchObject({ userId: first.userId, deviceName: 'bot' });
    const fresh = await refreshTokens({ server: world.url }, first.refreshToken);
    expect(await logIn('info')).toMatchObject({ userId: first.userId, deviceNumber: 2, firstLogin: false });
    await logout({ server: world.url }, fresh.accessToken);
    expect(await world.auth.verifyAccess(fresh.accessToken)).toBeNull();
    later();
  });

  it('hears the same for a wrong secret, that of another bot, and a name that is none', async () => {
    const refused = ['x', botSecret(secret, 'echo'), botSecret(new Uint8Array(32), 'info')].map((each) =>
      codeOf(logIn('info', each)),
    );
    refused.push(codeOf(logIn('nobody')), codeOf(logIn('nobody', 'x')));
    expect(await Promise.all(refused)).toEqual(refused.map(() => 'LOGIN_INVALID'));
    expect(await codeOf(logIn('Info'))).toBe('BAD_REQUEST');
    expect(await store.readDevices('@nobody:localhost')).toBeNull();
    later();
  });

  it('takes no id that a person has, and no person gets its id', async () => {
    await store.writeDevices('@person:localhost', {
      ...{ version: 1, lastNumber: 1, subjectHash: 's'.repeat(43), erased: false },
      devices: [],
    });
    expect(await codeOf(logIn('person'))).toBe('LOGIN_INVALID');
    expect(await store.reserveUserId('@info:localhost')).toBe(false);
    later();
  });

  // A bot on a full disk logged in again and again, and after ten times it was shut out.
  it('loses no place to devices that it never used', async () => {
    for (let n = 0; n < 10; n++) await logIn('echo');
    later();
    const last = await logIn('echo');
    expect((await store.readDevices(last.userId))?.devices).toMatchObject([{ number: 11 }]);
    expect(await world.auth.verifyAccess(last.accessToken)).not.toBeNull();
    await logIn('echo');
    expect((await store.readDevices(last.userId))?.devices).toMatchObject([{ number: 11 }, { number: 12 }]);
    later();
  });

  it('shows in no log', () => {
    const all = world.logged.join('\n');
    for (const name of ['info', 'echo']) expect(all).not.toContain(botSecret(secret, name));
    expect(all).not.toContain('@info');
    expect(world.logged).toContain('auth.bot-refused');
  });
});

describe('the name of a bot', () => {
  it('has 2 to 32 characters of an id, and never looks like what is drawn for people', () => {
    expect(['in', 'info', 'a-1', 'weather', 'lu-weather-info-bot', 'a'.repeat(32)].every(isBotName)).toBe(true);
    for (const name of [
      'i',
      'a'.repeat(33),
      'Info',
      '1a',
      'a-',
      '-a',
      'a.b',
      'a_b',
      'abcdefghjkj',
      'weatherbot',
      'weather-bots',
    ]) {
      expect([name, isBotName(name)]).toEqual([name, false]);
    }
    expect(botId('info', 'chat.example.lu')).toBe('@info:chat.example.lu');
    expect(() => botId('abcdefghjkj', 'chat.example.lu')).toThrow(RangeError);
  });

  it('has a secret of its own, the same for ever', () => {
    expect(botSecret(secret, 'info')).toBe(botSecret(secret, 'info'));
    expect(botSecret(secret, 'info')).toMatch(/^lxb_[A-Za-z0-9_-]{43}$/);
    expect(botSecret(secret, 'info')).not.toBe(botSecret(secret, 'echo'));
  });
});
