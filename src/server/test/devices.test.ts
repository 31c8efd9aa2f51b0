// Devices of one person, through the SDK and a real provider: confirmation by seven emoji, what a new device may read and write, read positions
// that agree, logging out here and from there.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { LuxchatClient } from '#client/luxchat-client.ts';
import { createDevice, openDevice } from '#client/node/device-folder.ts';
import { confirm, eventually, logOut, ProviderProcess } from './harness.ts';
import { expectSound, reads, textOf, texts } from './shown.ts';

let provider: ProviderProcess;
/** Someone to talk to, in every test. */
let other: LuxchatClient;
let open: LuxchatClient[] = [];

beforeAll(async () => {
  provider = await ProviderProcess.start();
  other = await provider.device('other');
});

afterEach(async () => {
  await Promise.all(open.map((client) => client.close()));
  open = [];
});

afterAll(async () => {
  await other?.close();
  await provider?.remove();
});

let people = 0;

/** A device of a person. */
async function device(user: string): Promise<LuxchatClient> {
  const client = await provider.device(user);
  open.push(client);
  return client;
}

/** A person with two devices, the second not confirmed, who talks with the other one. */
async function stage() {
  const name = `person-${++people}`;
  const first = await device(name);
  const room = await first.startDirect(other.user);
  await eventually('invited', () => other.rooms().some((one) => one.room === room), 20_000, [other]);
  await other.accept(room);
  await eventually('both in', () => first.room(room).members.length === 1, 20_000, [first]);
  return { name, first, room, second: await device(name) };
}

describe('a second device', () => {
  it('reads nothing and writes nothing before it is confirmed', async () => {
    const { first, second, room } = await stage();
    expect(second.ownDevices.confirmed).toBe(false);
    await other.send(room, 'for confirmed eyes');
    await reads(first, room, 'for confirmed eyes');
    await eventually('the record is there', () => second.room(room).headSeq === first.room(room).headSeq, 20_000, [
      second,
    ]);
    expect(await texts(second, room)).not.toContain('for confirmed eyes');
    await expect(second.startDirect('@nobody123:localhost')).rejects.toMatchObject({ code: 'NOT_CONFIRMED' });
    await expect(second.createGroup({ name: 'x' })).rejects.toMatchObject({ code: 'NOT_CONFIRMED' });
    const waiting = await second.send(room, 'held back');
    expect(waiting.sending).toBe('waiting');
    await second.flushed();
    expect(await texts(other, room)).not.toContain('held back');
    expectSound(first, second, other);
  });

  it('reads and writes once it is confirmed, and what it held back goes out', async () => {
    const { first, second, room } = await stage();
    await second.send(room, 'held back');
    await confirm(second, first);
    await other.send(room, 'for both');
    await Promise.all([first, second].map((client) => reads(client, room, 'for both')));
    await reads(other, room, 'held back');
    await second.send(room, 'from the second');
    await Promise.all([first, other].map((client) => reads(client, room, 'from the second')));
    expect((await second.devices()).map(({ confirmed }) => confirmed)).toEqual([true, true]);
    expectSound(first, second, other);
  });

  it('knows the names of rooms that were written before it had keys, and how its person wants to be called', async () => {
    const { name, first, room } = await stage();
    await first.setProfile({ name: 'Ann' });
    const heard = () => other.members(room).some((member) => member.user === first.user && member.name === 'Ann');
    await eventually('the other one heard it', heard, 20_000, [other]);
    const group = await first.createGroup({ name: 'Bridge club', invite: [other.user] });
    await first.flushed();
    const third = await device(name);
    await confirm(third, first);
    await eventually('it has the name', () => third.room(group).name === 'Bridge club', 20_000, [third]);
    await eventually('it knows its person', () => third.profile.name === 'Ann', 20_000, [third]);
    expectSound(first, third, other);
  });

  it('is not listed when a person says that the emoji differ', async () => {
    const { first, second } = await stage();
    const deadline = AbortSignal.timeout(20_000);
    const asked = first.once('verification', (info) => info.incoming, deadline);
    const shown = first.once('verification', (info) => info.state === 'emoji', deadline);
    const flow = await second.requestVerification();
    await asked;
    await first.acceptVerification(flow);
    await shown;
    const cancelled = second.once('verification', (info) => info.state === 'cancelled', deadline);
    await first.cancelVerification(flow);
    await cancelled;
    expect((await first.devices()).map(({ confirmed }) => confirmed)).toEqual([true, false]);
  });
});

describe('what was read', () => {
  it('counts the same on both devices, also what was read while there was no connection', async () => {
    const { first, second, room } = await stage();
    await confirm(second, first);
    for (const text of ['one', 'two', 'three']) await other.send(room, text);
    await Promise.all([first, second].map((client) => reads(client, room, 'three')));
    expect([first, second].map((client) => client.room(room).unread)).toEqual([3, 3]);

    const lines = await first.timeline(room);
    await first.markRead(room, lines.find((line) => textOf(line) === 'two')?.seq ?? 0);
    expect(first.room(room).unread).toBe(1);
    await eventually('the second knows', () => second.room(room).unread === 1, 20_000, [second]);

    await provider.kill();
    await first.markRead(room);
    expect(first.room(room).unread).toBe(0);
    await provider.restart();
    await eventually('the second knows that, too', () => second.room(room).unread === 0, 20_000, [second]);
    // Own words are read on every own device.
    await other.send(room, 'four');
    await reads(second, room, 'four');
    await second.send(room, 'five');
    await eventually('both at zero', () => first.room(room).unread + second.room(room).unread === 0, 20_000, [
      first,
      second,
    ]);
    expectSound(first, second, other);
  });

  it('is shown to the other person as a receipt', async () => {
    const { first, room } = await stage();
    await other.send(room, 'did you see this?');
    await reads(first, room, 'did you see this?');
    const seen = other.once('receipt', ({ user }) => user === first.user, AbortSignal.timeout(20_000));
    await first.markRead(room);
    expect(await seen).toMatchObject({ room, seq: first.room(room).headSeq });
    expect(other.members(room).find(({ user }) => user === first.user)?.readSeq).toBe(first.room(room).headSeq);
  });
});

describe('logging out', () => {
  it('of another device cuts it and takes it out of the list, and it reads nothing that follows', async () => {
    const { first, second, room } = await stage();
    await confirm(second, first);
    await other.send(room, 'before');
    await reads(second, room, 'before');
    await first.renameDevice(second.device, 'Old phone');
    expect((await second.devices()).map(({ device, name }) => [device, name])).toContainEqual([
      second.device,
      'Old phone',
    ]);
    await logOut(first, second);
    await expect(second.synced()).rejects.toMatchObject({ code: 'LOGIN_NEEDED' });
    expect((await first.devices()).map(({ device }) => device)).toEqual([first.device]);
    const listOthersSee = () => other.people.get(first.user)?.manifest.body.devices.map(({ number }) => number);
    await eventually('nobody shares with it', () => listOthersSee()?.join() === `${first.device}`, 20_000, [other]);
    await other.send(room, 'after');
    await reads(first, room, 'after');
    expect(await texts(second, room)).not.toContain('after');
    await second.logout();
    expectSound(first, other);
  });

  it('by oneself ends the device; another one takes it out of the list', async () => {
    const { first, second, room } = await stage();
    await confirm(second, first);
    await second.logout();
    await eventually('one device is left', async () => (await first.devices()).length === 1, 20_000, [first]);
    await eventually(
      'the list says so',
      () => first.people.get(first.user)?.manifest.body.devices.length === 1,
      20_000,
      [first],
    );
    await other.send(room, 'still here?');
    await reads(first, room, 'still here?');
    expectSound(first, other);
  });
});

describe('a device folder', () => {
  it('is run by one process at a time, and opens where it stood', async () => {
    const folder = await provider.login(`person-${++people}`);
    const client = await openDevice(folder);
    await client.start();
    await client.synced();
    const group = await client.createGroup({ name: 'notes' });
    await client.send(group, 'remember');
    await client.flushed();
    await expect(openDevice(folder)).rejects.toMatchObject({ code: 'IN_USE' });
    await expect(createDevice(folder, provider.url, {} as never)).rejects.toMatchObject({ code: 'STORE' });
    await client.close();
    const again = await openDevice(folder);
    open.push(again);
    await again.start();
    expect(await texts(again, group)).toContain('remember');
    expect(again.room(group).name).toBe('notes');
  });
});
