// Being found by name, with real processes: by who said yes, by nobody else, and not by trying all names. And accounts that are switched off or erased, of which
// nothing that leads to their person is left.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { unzipSync } from 'fflate';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { LuxchatClient } from '#client/luxchat-client.ts';
import { openDevice } from '#client/node/device-folder.ts';
import { Rejection } from '#proto/gen/codes.ts';
import { EventHeader, EventKind, Role, Slot, SlotWrite } from '#proto/gen/record.ts';
import { StoredRecord } from '#proto/gen/room.ts';
import { searchLimits } from '../directory/searches.ts';
import { EmbeddedStore } from '../storage/embedded/store.ts';
import { eventually, ProviderProcess } from './harness.ts';
import { Liar } from './liar.ts';
import { forgedIdentity, signManifest } from './liar-forger.ts';
import { device } from './liar-scene.ts';

let provider: ProviderProcess;
const clients: LuxchatClient[] = [];
let [ann, ben, cat] = [] as unknown as [LuxchatClient, LuxchatClient, LuxchatClient];

beforeAll(async () => {
  provider = await ProviderProcess.start();
  [ann, ben, cat] = await Promise.all([provider.device('ann'), provider.device('ben'), provider.device('cat')]);
  clients.push(ann, ben, cat);
}, 60_000);

afterAll(async () => {
  await Promise.all(clients.map((client) => client.close()));
  await provider?.remove();
});

const found = async (by: LuxchatClient, text: string) =>
  (await by.directory.search(text)).map(({ user, name }) => [user, name]);

/** Keyed hashes of LuxID's subjects, as they lie on the disk. */
function subjects(): string[] {
  const files = onDisk('subject/').map((path) => readFileSync(path, 'latin1'));
  return files.flatMap((text) => [...text.matchAll(/subject\/([A-Za-z0-9_-]{43})/g)].map(([, hash]) => hash!));
}

/** Does any file of the provider's folder hold these bytes? */
function onDisk(word: string): string[] {
  const files = readdirSync(provider.folder, { recursive: true, withFileTypes: true }).filter((each) => each.isFile());
  const paths = files.map(({ parentPath, name }) => join(parentPath, name));
  return paths.filter((path) => readFileSync(path).includes(word));
}

/** By member: is what they wrote in a room there, by the rows of its log and its slots? */
async function bodiesOf(store: EmbeddedStore, room: string): Promise<Record<number, 'kept' | 'emptied' | 'both'>> {
  const log = `room/${room}`;
  const range = { from: 1, through: Number.MAX_SAFE_INTEGER, limit: 1000, bytesMax: 1_000_000, backwards: false };
  const found = new Map<number, Set<'kept' | 'emptied'>>();
  const note = (member: number, bytes: Uint8Array) => {
    const kinds = found.get(member) ?? new Set();
    found.set(member, kinds.add(bytes.length > 0 ? 'kept' : 'emptied'));
  };
  for (const segment of [1, 2]) {
    for (const { bytes } of await store.readRows(log, segment, range)) {
      const record = StoredRecord.decode(bytes).record!;
      const { kind, member } = EventHeader.decode(record.header);
      if (kind === EventKind.EVENT_KIND_CONTENT || kind === EventKind.EVENT_KIND_SLOT) note(member, record.body);
    }
  }
  for (const { key, value } of await store.readState(log)) {
    const slot = key.startsWith('slot/') ? Slot.decode(value) : undefined;
    if (slot) note(slot.member, SlotWrite.decode(slot.write).value);
  }
  const named = [...found].map(([member, kinds]) => [member, kinds.size > 1 ? 'both' : [...kinds][0]!] as const);
  return Object.fromEntries(named);
}

it('is up to each person: found by a folded beginning and talked to, found no more, never found', async () => {
  expect(await Promise.all([ann, ben, cat].map((client) => client.directory.listing()))).toEqual(
    Array(3).fill({ choice: 'unasked', name: '' }),
  );
  for (const text of ['ann', 'ben', 'cat']) expect(await found(cat, text)).toEqual([]);

  await ben.directory.setListing('yes', 'Bénédicte Schröder-Xhaka');
  expect(await ben.directory.listing()).toEqual({ choice: 'yes', name: 'Bénédicte Schröder-Xhaka' });
  for (const text of ['bened', 'SCHROD', 'xhaka b', 'Schröder-X'])
    expect(await found(ann, text)).toEqual([[ben.user, 'Bénédicte Schröder-Xhaka']]);

  const [hit] = await ann.directory.search('xha');
  const room = await ann.startDirect(hit!.user);
  await eventually('the invitation is there', () => ben.rooms().some((each) => each.room === room), 20_000, [ben]);
  await ben.accept(room);
  await ann.send(room, 'Moien');
  const read = async () => (await ben.timeline(room)).some(({ content }) => content?.body?.$case === 'text');
  await eventually('it is read', read, 20_000, [ben]);

  await ben.directory.setListing('no');
  expect(await ben.directory.listing()).toEqual({ choice: 'no', name: '' });
  for (const text of ['bened', 'schrod', 'xhaka']) expect(await found(ann, text)).toEqual([]);
  // Whoever has the id needs no directory.
  expect(await found(ann, ben.user)).toEqual([[ben.user, '']]);
  expect(await ann.startDirect(ben.user)).toBe(room);
});

it('is not shown a false identity by a server that lies, where a contact link was handed over', async () => {
  const liar = await Liar.start(provider);
  const dan = await device(provider, 'dan', liar.url);
  clients.push(dan);
  const { user, fingerprint } = dan.readContact(await ben.contactLink());
  expect(user).toBe(ben.user);
  const forged = await forgedIdentity(ben.user);
  const manifest = await signManifest(forged.engine, forged.body, forged.credential);
  liar.down = (told) => {
    if (told.$case !== 'keysAnswer') return told;
    const users = told.value.users.map((keys) => (keys.user === user ? { ...keys, ...forged.keys, manifest } : keys));
    return { ...told, value: { ...told.value, users } };
  };
  await expect(dan.startDirect(user, { fingerprint: fingerprint! })).rejects.toMatchObject({
    code: 'IDENTITY_DIFFERS',
  });
  expect(liar.asked.filter(({ $case }) => $case === 'submit')).toEqual([]);
  liar.repent();
  const room = await dan.startDirect(user, { fingerprint: fingerprint! });
  await eventually('the true one is invited', () => ben.rooms().some((each) => each.room === room), 20_000, [ben]);
  await forged.engine.close();
  await dan.close();
  liar.close();
});

it('leaves nothing of a name that was given up on the disk', async () => {
  expect(onDisk('Bénédicte')).not.toEqual([]);
  await provider.stop();
  await provider.restart();
  expect([onDisk('Bénédicte'), onDisk('benedicte'), onDisk('xhaka')]).toEqual([[], [], []]);
  await ben.synced();
  expect(
    await eventually('ben is back', async () => (await ben.directory.listing().catch(() => null))?.choice === 'no'),
  ).toBe(undefined);
});

it('is not read out by trying names', async () => {
  await eventually('cat is back', async () => (await cat.directory.listing().catch(() => null)) !== null);
  const letters = 'abcdefghijklmnopqrstuvwxyz';
  let tried = 0;
  const began = performance.now();
  const names = Array.from(
    { length: searchLimits.userBurst + 10 },
    (_, n) => `${letters[n % 26]}a${letters[Math.floor(n / 26)]}`,
  );
  for (const name of names) {
    const refused = await cat.directory.search(name).then(
      () => null,
      (error) => error,
    );
    if (refused === null) tried++;
    else expect(refused).toMatchObject({ rejection: Rejection.REJECTION_RATE_LIMITED });
  }
  // One more for each minute that this took.
  expect(tried).toBeGreaterThanOrEqual(searchLimits.userBurst);
  const minutes = Math.ceil((performance.now() - began) / searchLimits.userEveryMs);
  expect(tried).toBeLessThanOrEqual(searchLimits.userBurst + minutes);
  // Others search on.
  await eventually('ann is back', async () => (await ann.directory.search('abc').catch(() => null)) !== null);
});

it('is over for an account that is switched off, until its person logs in again', async () => {
  const eve = await provider.device('eve');
  clients.push(eve);
  await eve.directory.setListing('yes', 'Evelyne Zwick');
  const room = await ann.startDirect(eve.user);
  await eventually('eve is invited', () => eve.rooms().some((each) => each.room === room), 20_000, [eve]);
  await eve.accept(room);
  const grant = await provider.stepUp(eve, 'eve', 'deactivate');
  await expect(eve.account.erase(grant)).rejects.toMatchObject({ code: 'STEP_UP_NEEDED' });
  const { attempt } = grant;
  await expect(eve.account.deactivate({ ...grant, token: `lxg_${'a'.repeat(43)}` })).rejects.toMatchObject({
    code: 'STEP_UP_NEEDED',
  });
  const ended = eve.once('ended');
  await eve.account.deactivate({ ...grant, attempt });
  expect(await ended).toMatchObject({ code: 'LOGIN_NEEDED' });
  await eventually('eve is found no more', async () => (await found(ann, 'evelyne')).length === 0);
  await ann.send(room, 'meanwhile');
  await ann.flushed();

  const again = await openDevice(await provider.login('eve'), { backoffMaxMs: 500 });
  clients.push(again);
  let isTold = false;
  again.on('reactivated', () => {
    isTold = true;
  });
  await again.start();
  await again.synced();
  expect([again.user, isTold]).toEqual([eve.user, true]);
  expect((await again.devices()).map((each) => each.current)).toEqual([true]);
  expect(await again.directory.listing()).toMatchObject({ choice: 'unasked' });
  const isIn = () => again.room(room).members.includes(ann.user);
  await eventually('eve is where she was', isIn, 20_000, [again]);
});

it('is over for an account that is erased, of which the tables name nobody, and its person is somebody new', async () => {
  const before = subjects();
  const fay = await provider.device('fay');
  const hash = subjects().find((each) => !before.includes(each)) ?? '';
  clients.push(fay);
  await fay.directory.setListing('yes', 'Fay Schartz');
  const room = await ann.startDirect(fay.user);
  await eventually('fay is invited', () => fay.rooms().some((each) => each.room === room), 20_000, [fay]);
  await fay.accept(room);
  const group = await fay.createGroup({ name: 'Hiking', invite: [ann.user] });
  await eventually('ann is invited', () => ann.rooms().some((each) => each.room === group), 20_000, [ann]);
  await ann.accept(group);
  await fay.send(room, 'Moien Ann');
  await fay.send(group, 'Moien');
  await fay.flushed();
  const lines = async (client: LuxchatClient) =>
    (await client.timeline(group)).map(({ kind, content }) =>
      content?.body?.$case === 'text' ? content.body.value.text : kind,
    );
  await eventually('ann has it', async () => (await lines(ann)).includes('Moien'), 20_000, [ann]);

  const pieces: Uint8Array[] = [];
  for await (const piece of fay.account.export()) pieces.push(piece);
  const zip = unzipSync(new Uint8Array(Buffer.concat(pieces)));
  const text = (name: string) => new TextDecoder().decode(zip[name]);
  const { user, listing, rooms } = JSON.parse(text('record.json'));
  expect([user, listing.name]).toEqual([fay.user, 'Fay Schartz']);
  expect(rooms.map((each: { room: string }) => each.room)).toEqual([room, group].sort());
  expect(Object.keys(zip).some((name) => name.endsWith('.txt') && text(name).includes(`${fay.user}: Moien`))).toBe(
    true,
  );

  await expect(fay.account.erase(await provider.stepUp(fay, 'fay', 'deactivate'))).rejects.toMatchObject({
    code: 'STEP_UP_NEEDED',
  });
  expect(await fay.account.lossAtErasure()).toEqual({
    handed: [{ room: group, user: ann.user }],
    ended: [],
    stayed: [],
  });
  const ended = fay.once('ended');
  const erasure = await fay.account.erase(await provider.stepUp(fay, 'fay', 'erase'));
  // Who led a group alone hands it over, and holds nobody up.
  expect(erasure).toMatchObject({
    number: expect.stringMatching(/^[0-9a-f]{32}$/),
    left: 2,
    handed: [{ room: group, user: ann.user }],
    stayed: [],
    kept: [],
  });
  expect(erasure.parts.map(({ what }) => what)).toContain('login');
  expect(await ended).toMatchObject({ code: 'LOGIN_NEEDED' });
  const left = () => ann.members(room).some((each) => each.user === fay.user && each.status === 3);
  await eventually('ann sees that fay left', left, 20_000, [ann]);
  const leads = () => ann.room(group).role === Role.ROLE_OWNER && ann.room(group).members.length === 0;
  await eventually('ann leads the group', leads, 20_000, [ann]);
  await eventually('fay is found no more', async () => (await found(ann, 'schartz')).length === 0, 20_000, [ann]);
  await ann.send(group, 'Is anybody there?');
  await ann.flushed();
  // Who has what fay said keeps it; a device that comes later sees that it is gone, and nothing wrong.
  expect(await lines(ann)).toContain('Moien');
  const later = await provider.device('ann', 'later');
  clients.push(later);
  await eventually('the later device has the room', async () => (await lines(later)).includes('deleted'), 20_000, [
    later,
  ]);
  expect([later.room(group).frozen, (await lines(later)).includes('Moien')]).toEqual(['', false]);
  const someone = await provider.device('fay');
  clients.push(someone);
  expect([someone.user === fay.user, someone.device]).toEqual([false, 1]);

  await provider.stop();
  // Names that were given up go from the disk with the opening.
  const store = await EmbeddedStore.open({ folder: provider.folder, now: Date.now });
  const rows = await store.readState(`user/${fay.user}`);
  const kept = [await store.accounts().readDevices(fay.user), await store.directory().readListing(fay.user)];
  expect(await store.accounts().userOf(hash)).toBe(someone.user);
  const said = await Promise.all([room, group].map((each) => bodiesOf(store, each)));
  await store.close();
  // Fay is the second one in the 1:1 room, and the first one in her group.
  expect(said).toEqual([{ 2: 'emptied' }, { 1: 'emptied', 2: 'kept' }]);
  expect(kept).toMatchObject([{ erased: true, subjectHash: '', devices: [] }, null]);
  // What begins with a tilde is the log's own.
  const own = rows.map(({ key }) => key).filter((key) => !key.startsWith('~'));
  expect(own.sort()).toEqual(['account', 'mark']);
  expect([onDisk('Fay Schartz'), onDisk('schartz')]).toEqual([[], []]);
});
