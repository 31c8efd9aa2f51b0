// Whoever logs in for the first time is named to the Info bot once they can be invited, and until its inbox has kept it: whatever crashes when.
import { beforeEach, describe, expect, it } from 'vitest';
import type { InboxPage } from '#proto/gen/client.ts';
import { crossSigningOf, makeActor, signManifest, testPrimitives } from '#proto/golden/cast.ts';
import { limits } from '#proto/rules/limits.ts';
import { userAddress } from '../kernel/address.ts';
import { userLimits } from './limits.ts';
import { newcomerTimer } from './newcomers.ts';
import { uploads } from './testing/devices.ts';
import { Street } from './testing/street.ts';

const bot = '@info:example.org';
const alice = makeActor('@alice:example.org');
const { user } = alice;
const settings = { isBot: (who: string) => who === bot, infoBot: bot };

let street: Street;
beforeEach(() => {
  street = new Street(testPrimitives, settings);
});

function hello(who: string, device = 1): void {
  const deviceId = who === user ? alice.device(device).id : `A${device}`;
  street.tell(who, { kind: 'hello', session: device, device, deviceId, deviceName: 'phone' });
}

/** Alice sets herself up: identity, and the manifest with which she can be invited. */
function setsUp(): void {
  const ask = (body: Parameters<Street['ask']>[1]) => street.ask({ user, device: 1 }, body);
  uploads(street, { user, device: 1 }, { deviceJson: alice.device(1).deviceJson });
  ask({ $case: 'uploadCrossSigning', value: crossSigningOf(alice) });
  ask({ $case: 'publishManifest', value: { manifest: signManifest(alice, { version: 1, devices: [1] }) } });
}

/** Everybody that the bot's inbox names, in order. */
function named(): string[] {
  const users: string[] = [];
  for (let after = 0; ; ) {
    const answer = street.ask({ user: bot, device: 1 }, { $case: 'fetchInbox', value: { after, limit: 0 } });
    const { entries, through, head } = answer!.value as InboxPage;
    for (const { body } of entries) if (body?.$case === 'newcomer') users.push(body.value.user);
    after = through;
    if (through >= head) return users;
  }
}
const again = () => street.tell(user, { kind: 'timer', name: newcomerTimer });

describe('a newcomer', () => {
  it('is named to the Info bot when they are set up, and never again', () => {
    hello(bot);
    hello(user);
    expect(named()).toEqual([]);
    street.forget();
    setsUp();
    expect(named()).toEqual([user]);
    expect(street.all('deliver').map(({ audience }) => audience)).toContainEqual({ user: bot });
    hello(user, 2);
    again();
    street.passivate(user);
    hello(user);
    again();
    expect(named()).toEqual([user]);
  });

  it('is one person, though two devices come at once', () => {
    hello(bot);
    street.log(user).held = true;
    hello(user, 1);
    hello(user, 2);
    street.flush(user);
    street.log(user).held = false;
    setsUp();
    expect(named()).toEqual([user]);
  });

  it('is told again until the bot confirms, with a wait in between', () => {
    hello(user);
    setsUp();
    expect(street.all('startTimer')).toMatchObject([{ name: newcomerTimer, delayMs: userLimits.newcomerAgainMs }]);
    expect(street.isAwake(bot)).toBe(false);
    expect(street.log(bot).exists).toBe(false);
    again();
    hello(bot);
    again();
    expect(named()).toEqual([user]);
    street.forget();
    again();
    expect(street.all('startTimer')).toEqual([]);
  });

  it('is confirmed only when it is durable in the inbox of the bot', () => {
    hello(bot);
    hello(user);
    street.log(bot).held = true;
    setsUp();
    const isTold = () => {
      street.forget();
      again();
      return street.all('startTimer').length > 0;
    };
    expect(isTold()).toBe(true);
    street.flush(bot);
    street.log(bot).held = false;
    expect(isTold()).toBe(false);
    street.passivate(user);
    expect(street.log(user).restless).toBe(false);
  });

  it('is named after a crash of either, and at worst twice', () => {
    hello(bot);
    hello(user);
    street.silent.add(userAddress(bot));
    setsUp();
    street.crash(user);
    street.silent.clear();
    expect(street.log(user).restless).toBe(true);
    // Whoever wakes restless logs needs no hello.
    street.log(bot).held = true;
    again();
    street.tell(user, { kind: 'deviceRevoked', device: 9 });
    street.crash(bot);
    street.log(bot).held = false;
    expect(named()).toEqual([]);
    again();
    expect(named()).toEqual([user]);
    // The confirmation was noted in memory alone.
    street.crash(user);
    street.tell(user, { kind: 'deviceRevoked', device: 9 });
    expect([[user], [user, user]]).toContainEqual(named());
    street.passivate(user);
    expect(street.log(user).restless).toBe(false);
  });

  it('is a person: bots are none, and where there is no Info bot nobody is', () => {
    hello(bot);
    expect(named()).toEqual([]);
    street = new Street(testPrimitives);
    hello(user);
    setsUp();
    expect(street.all('startTimer')).toEqual([]);
    expect(street.log(user).restless).toBe(false);
  });

  it('is let be where the provider gave its Info bot up', () => {
    hello(user);
    setsUp();
    const { rows, state } = street.log(user);
    street = new Street(testPrimitives);
    street.log(user).rows.push(...rows);
    for (const [key, row] of state) street.log(user).state.set(key, row);
    street.log(user).restless = true;
    street.tell(user, { kind: 'deviceRevoked', device: 9 });
    street.passivate(user);
    expect(street.log(user).restless).toBe(false);
  });

  it('is kept by the Info bot alone', () => {
    hello(user);
    street.tell(user, { kind: 'newcomer', replyTo: userAddress(bot), user: '@carol:example.org' });
    const answer = street.ask({ user, device: 1 }, { $case: 'fetchInbox', value: { after: 0, limit: 0 } });
    const cases = (answer!.value as InboxPage).entries.map(({ body }) => body?.$case);
    expect(cases).not.toContain('newcomer');
  });
});

describe('the lane of newcomers', () => {
  const guest = (n: number) => `@guest${n}:example.org`;
  const comes = (n: number) => street.tell(bot, { kind: 'newcomer', replyTo: userAddress(guest(n)), user: guest(n) });

  it('holds 256; a further one comes in when there is room, and nobody else is shut out meanwhile', () => {
    hello(bot);
    for (let n = 0; n <= limits.laneEntriesMax; n++) comes(n);
    expect(named()).toHaveLength(limits.laneEntriesMax);
    // A stranger's words still find room.
    street.tell(bot, { kind: 'manifestMoved', user: guest(1), head: { version: 1, hash: new Uint8Array(32) } });
    const page = street.ask({ user: bot, device: 1 }, { $case: 'fetchInbox', value: { after: 257, limit: 0 } });
    expect((page!.value as InboxPage).entries).toMatchObject([{ body: { $case: 'manifest' } }]);
    expect((page!.value as InboxPage).needsFullSync).toBe(false);
    street.ask({ user: bot, device: 1 }, { $case: 'ackInbox', value: { through: 2, synced: false } });
    comes(limits.laneEntriesMax);
    expect(named().at(-1)).toBe(guest(limits.laneEntriesMax));
    comes(limits.laneEntriesMax + 1);
    expect(named().at(-1)).toBe(guest(limits.laneEntriesMax));
  });
});
