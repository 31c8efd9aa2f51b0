// Security set-up and new devices, through the SDK and a real provider: a backup that fills itself, a lost phone whose messages a new device reads with the
// password, and a server that shows something else than own devices signed. Ann goes through the first half in this order, Cat through the second: a person
// publishes ten lists of devices at once, and no more.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { passwordCostMin } from '#client/backup/header.ts';
import type { LuxchatClient } from '#client/luxchat-client.ts';
import { followStandIn, nowhere } from '#client/node/stand-in-walk.ts';
import type { Backup } from '#proto/gen/client.ts';
import type { ManifestBody } from '#proto/gen/record.ts';
import { DeviceProcess } from './device-process.ts';
import { confirm, eventually, ProviderProcess } from './harness.ts';
import { Liar } from './liar.ts';
import { forgedIdentity, signManifest } from './liar-forger.ts';
import { device as deviceBehind } from './liar-scene.ts';
import { expectSound, reads, texts } from './shown.ts';

const password = 'abacus harvest purple monkey window zebra';
const second = 'violin copper meadow rocket pencil island';
const third = 'garden button silver orange ladder camera';
const open: LuxchatClient[] = [];
let provider: ProviderProcess;
let bob: LuxchatClient;
let phone: LuxchatClient;
let direct = '';
let group = '';

beforeAll(async () => {
  provider = await ProviderProcess.start();
  [bob, phone] = await Promise.all([device('bob'), device('ann')]);
  direct = await phone.startDirect(bob.user);
  group = await phone.createGroup({ name: 'Hiking', invite: [bob.user] });
  for (const room of [direct, group]) {
    await eventually('invited', () => bob.rooms().some((one) => one.room === room), 20_000, [bob]);
    await bob.accept(room);
    await eventually('both in', () => phone.room(room).members.length === 1, 20_000, [phone]);
    await phone.send(room, 'mine');
    // What is sent is on its way: the other must not overtake it.
    await reads(bob, room, 'mine');
    await bob.send(room, 'theirs');
    await reads(phone, room, 'theirs');
  }
});
afterAll(async () => {
  await Promise.all(open.map((client) => client.close()));
  await provider?.remove();
});

async function device(user = 'ann'): Promise<LuxchatClient> {
  const client = await provider.device(user, 'test', { passwordCost: passwordCostMin });
  open.push(client);
  return client;
}

const stepUp = (client: LuxchatClient, name = 'ann') => provider.stepUp(client, name);

describe('a lost phone', () => {
  it('costs nothing: the password opens a new device, which reads what was written in groups and alone', async () => {
    expect(phone.security.state()).toMatchObject({ state: 'unprotected', backup: false });
    expect(await phone.security.lossAtLogOut()).toBe('everything');
    await phone.security.setUp(await stepUp(phone), password);
    // What is written later goes in by itself.
    const late = await phone.createGroup({ name: 'Later', invite: [] });
    await phone.send(late, 'remember the milk');
    await phone.flushed();
    await phone.security.flushed();
    expect(phone.security.state()).toEqual({ state: 'protected', backup: true, waiting: 0 });
    expect(await phone.security.lossAtLogOut()).toBe('nothing');

    const fresh = await device();
    expect(fresh.security.state()).toMatchObject({ state: 'unconfirmed', backup: true });
    expect(await texts(fresh, direct)).toEqual(['NO_KEY', 'NO_KEY']);
    const grant = await stepUp(fresh);
    await expect(fresh.security.unlock(grant, `${password}s`)).rejects.toMatchObject({ code: 'WRONG_PASSWORD' });
    expect(fresh.ownDevices.confirmed).toBe(false);
    // The same step-up serves the next try.
    await fresh.security.unlock(grant, password);
    await fresh.security.flushed();
    expect(fresh.security.state()).toEqual({ state: 'protected', backup: true, waiting: 0 });
    for (const room of [direct, group]) expect(await texts(fresh, room)).toEqual(['mine', 'theirs']);
    expect(await texts(fresh, late)).toEqual(['remember the milk']);
    const named = () => fresh.room(group).name === 'Hiking' && fresh.room(late).name === 'Later';
    await eventually('names', named, 20_000, [fresh]);
    // And it is one like any other: who talked with the lost one gives it keys.
    await bob.send(direct, 'welcome back');
    await reads(fresh, direct, 'welcome back');
    await fresh.send(direct, 'thank you');
    await reads(bob, direct, 'thank you');
    await fresh.logout();
    expectSound(phone, fresh, bob);
  });
});

describe('a new device', () => {
  it('that is killed while it reads history back goes on at its next start', async () => {
    const fresh = new DeviceProcess('fresh', await provider.login('ann'));
    await fresh.start();
    const walker = { user: 'ann', password: 'moien-moien', askCode: () => provider.code('ann') };
    const authorizeUrl = await fresh.call('beginStepUp');
    const address = await followStandIn({ ...walker, authorizeUrl, arrived: (at) => at.split('?')[0] === nowhere });
    await fresh.call('unlock', address, password);
    await fresh.kill();
    await fresh.start();
    const secured = () =>
      fresh.call('secured').then(
        () => true,
        () => false,
      );
    await eventually('all is read back', secured);
    // The rooms come apart from the keys.
    const shows = (room: string) =>
      fresh.call('log', room, 10).then(
        (lines) => lines.slice(0, 2).map(({ text }) => text),
        () => [],
      );
    for (const room of [direct, group])
      await eventually('it shows what was said', async () => String(await shows(room)) === 'mine,theirs');
    await fresh.kill();
    expect(fresh.faults).toEqual([]);
  });

  it('that was confirmed by emoji is given the key, and reads and fills the backup as well', async () => {
    const tablet = await device();
    await confirm(tablet, phone);
    const isProtected = () => tablet.security.state().state === 'protected';
    await eventually('it has the key', isProtected, 20_000, [tablet]);
    await tablet.security.flushed();
    expect((await texts(tablet, direct)).slice(0, 2)).toEqual(['mine', 'theirs']);
    // Changed on one, the other fills the new one without a word.
    await phone.security.changePassword(await stepUp(phone), second);
    const named = () => tablet.people.get(tablet.user)?.manifest.body.backup?.version;
    await eventually('it hears of it', () => named() === 2, 20_000, [tablet]);
    await eventually('it has the new key', isProtected, 20_000, [tablet]);
    await Promise.all([phone, tablet].map((client) => client.security.flushed()));

    const fresh = await device();
    const grant = await stepUp(fresh);
    await expect(fresh.security.unlock(grant, password)).rejects.toMatchObject({ code: 'WRONG_PASSWORD' });
    await fresh.security.unlock(grant, second);
    await fresh.security.flushed();
    for (const room of [direct, group]) expect((await texts(fresh, room)).slice(0, 2)).toEqual(['mine', 'theirs']);
    await tablet.logout();
    expectSound(phone, tablet, fresh);
  });
});

/** A new device that hears what `down` makes of the provider's words. */
async function behindLiar() {
  const liar = await Liar.start(provider);
  const fresh = await deviceBehind(provider, 'cat', liar.url);
  open.push(fresh);
  const alarms: string[] = [];
  fresh.on('alarm', ({ code }) => alarms.push(code));
  return { liar, fresh, alarms, grant: await stepUp(fresh, 'cat') };
}

describe('a server', () => {
  let cat: LuxchatClient;

  beforeAll(async () => {
    cat = await device('cat');
    await cat.security.setUp(await stepUp(cat, 'cat'), second);
  });

  it('that shows the backup of before, or another header, is found out before the password is used', async () => {
    const { liar, fresh, alarms, grant } = await behindLiar();
    let older: Backup | undefined;
    liar.down = (told) => {
      if (told.$case === 'backup' && told.value.header.length > 0) older = told.value;
      return told;
    };
    await expect(fresh.security.unlock(grant, 'wrong')).rejects.toMatchObject({ code: 'WRONG_PASSWORD' });
    await cat.security.changePassword(await stepUp(cat, 'cat'), third);

    const lies: ((told: Backup) => Backup)[] = [
      () => ({ ...(older as Backup), lastVersion: 2 }),
      (told) => ({ ...told, header: (older as Backup).header, hash: (older as Backup).hash }),
      (told) => ({ ...told, header: (older as Backup).header }),
      () => ({ ...(older as Backup), version: 0, lastVersion: 0 }),
    ];
    for (const [at, lie] of lies.entries()) {
      liar.down = (told) => (told.$case === 'backup' ? { ...told, value: lie(told.value) } : told);
      await expect(fresh.security.unlock(grant, third)).rejects.toMatchObject({ code: 'UNTRUSTED' });
      expect(alarms).toEqual(Array.from({ length: at + 1 }, () => 'BACKUP_ROLLED_BACK'));
    }
    expect(fresh.ownDevices.confirmed).toBe(false);
    liar.repent();
    await fresh.security.unlock(grant, third);
    expect(fresh.ownDevices.confirmed).toBe(true);
    liar.close();
  });

  it('that shows devices of another identity beside the true backup has nothing signed for it', async () => {
    const known = cat.people.get(cat.user)?.manifest.body as ManifestBody;
    const forged = await forgedIdentity(cat.user);
    const { liar, fresh, alarms, grant } = await behindLiar();
    await fresh.people.forget(fresh.user);
    // It names the true header and its key: all that is public.
    const body = { ...forged.body, version: 99, backup: known.backup };
    const manifest = await signManifest(forged.engine, body, forged.credential);
    liar.down = (told) => {
      if (told.$case !== 'keysAnswer') return told;
      const users = told.value.users.map((keys) =>
        keys.user === fresh.user ? { ...keys, manifests: [], manifest } : keys,
      );
      return { ...told, value: { ...told.value, users } };
    };
    await expect(fresh.security.unlock(grant, third)).rejects.toMatchObject({ code: 'UNTRUSTED' });
    expect(alarms).toContain('IDENTITY_SWAPPED');
    expect(liar.asked.some(({ $case }) => $case === 'publishManifest')).toBe(false);
    liar.repent();
    await fresh.security.unlock(grant, third);
    expect(fresh.ownDevices.confirmed).toBe(true);
    liar.close();
  });
});
