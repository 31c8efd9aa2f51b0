// Names and pictures: to whom they go, what is taken of others', and what never is.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Content } from '#proto/gen/content.ts';
import { LocalProfile } from '#proto/gen/local.ts';
import { ControlKind, EventHeader, EventKind, Payload, PayloadInner } from '#proto/gen/record.ts';
import type { Actor } from '#proto/golden/cast.ts';
import { ClientError } from '../errors.ts';
import type { LuxchatClient } from '../luxchat-client.ts';
import type { Parts } from '../parts.ts';
import { contentLimits } from '../sending/content-limits.ts';
import { textContent } from '../sending/text-content.ts';
import { MemoryStore } from '../store/memory-store.ts';
import { DirectHub } from '../testing/direct-hub.ts';
import { enters, invites, says } from '../testing/others.ts';
import { Profiles } from './profiles.ts';

const picture = Uint8Array.of(0xff, 0xd8, 0xff, 1, 2, 3);
const none = new Uint8Array();
const dayMs = 86_400_000;

const soon = (check: () => void) => vi.waitFor(check, { timeout: 20_000 });

let hub: DirectHub;
let bob: Actor;
let client: LuxchatClient;
let store: MemoryStore;

beforeEach(async () => {
  hub = new DirectHub();
  bob = hub.person('@bob:localhost');
  store = new MemoryStore();
  ({ client } = await hub.session(store));
});
afterEach(() => client.close());

/** What this device said in a room, in order: texts, and profiles as names. */
function said(room: string): string[] {
  return hub.room(room).records.flatMap(({ header, body }) => {
    const { kind, member, counts } = EventHeader.decode(header);
    const isMine = hub.room(room).persons.find(({ user }) => user === client.user)?.member === member;
    if (kind !== EventKind.EVENT_KIND_CONTENT || !isMine) return [];
    const content = Content.decode(PayloadInner.decode(Payload.decode(body).inner).content).body;
    expect(counts).toBe(content?.$case === 'text');
    if (content?.$case === 'text') return [content.value.text];
    return content?.$case === 'profile' ? [`<${content.value.name} ${content.value.picture.length}>`] : [];
  });
}

/** A 1:1 room with Bob, who has accepted. */
async function withBob(): Promise<string> {
  const room = await client.startDirect(bob.user);
  enters(hub, room, bob, { kind: ControlKind.CONTROL_KIND_ACCEPT, actor: 2, target: 2 });
  await soon(() => expect(client.room(room).members).toEqual([bob.user]));
  return room;
}

it.each([
  [100_000, undefined],
  [100_001, 1],
])('keeps 100,000 names in memory, and counts that there are more: %i', async (people, more) => {
  const counted = new Map<string, number>();
  const value = LocalProfile.encode({ name: 'B', picture: false, changedMs: 5 }).finish();
  const list = async (_: string, { limit }: { limit: number }) =>
    Array.from({ length: Math.min(limit, people) }, (_, n) => ({ key: `name @${n}:x`, value }));
  const count = (name: string) => counted.set(name, (counted.get(name) ?? 0) + 1);
  const parts = { store: { list, get: async () => undefined }, count, user: '@a:x' };
  const profiles = new Profiles(() => parts as unknown as Parts);
  await profiles.load();
  const named = [0, 99_999, 100_000].map((n) => profiles.info(`@${n}:x`).name);
  expect([named, counted.get('profiles.notShown')]).toEqual([['B', 'B', ''], more]);
});

const profile = (
  over: Partial<{ name: string; picture: Uint8Array; changedMs: number; pictureLeftOut: boolean }>,
): Content => ({
  ...textContent(''),
  body: {
    $case: 'profile',
    value: {
      name: 'Bob',
      picture: none,
      changedMs: 5,
      pictureLeftOut: false,
      pictureBlob: '',
      pictureKey: none,
      ...over,
    },
  },
});

/** Bob says it, and then something that shows that it came. */
async function bobSays(room: string, content: Content): Promise<void> {
  const shown = client.once('item', ({ kind }) => kind === 'message');
  says(hub, room, 2, content);
  says(hub, room, 2, textContent('there'));
  await shown;
}

const nameOf = (room: string, user = bob.user) => client.members(room).find((member) => member.user === user)?.name;

describe('the own profile', () => {
  it('goes to whom one talks with, once, when they have accepted, and ahead of what one says', async () => {
    await client.setProfile({ name: '  Ann  Müller ', picture });
    expect(client.profile).toEqual({ name: 'Ann Müller', picture: true });
    expect(await client.picture(client.user)).toEqual(picture);
    const room = await client.startDirect(bob.user);
    await client.send(room, 'hello');
    expect(said(room)).toEqual([]);
    enters(hub, room, bob, { kind: ControlKind.CONTROL_KIND_ACCEPT, actor: 2, target: 2 });
    await soon(() => expect(said(room)).toEqual(['<Ann Müller 6>', 'hello']));
    await client.send(room, 'and again');
    await client.flushed();
    expect(said(room)).toEqual(['<Ann Müller 6>', 'hello', 'and again']);
    expect((await client.timeline(room)).filter(({ kind }) => kind === 'message')).toHaveLength(2);
  });

  it('goes again where it changed, also to nothing, and not where there never was one', async () => {
    const room = await withBob();
    await client.send(room, 'hello');
    await client.setProfile({ name: 'Ann' });
    await client.flushed();
    await client.setProfile({ picture });
    await client.setProfile({ name: '', picture: none });
    await client.flushed();
    expect(said(room)).toEqual(['hello', '<Ann 0>', '<Ann 6>', '< 0>']);
    expect(client.profile).toEqual({ name: '', picture: false });
    expect(await client.picture(client.user)).toBeUndefined();
  });

  it('goes once more for a device that came since, and then not within a day', async () => {
    // Before Bob's list of devices was signed.
    hub.nowMs = 1_600_000_000_000;
    const room = await withBob();
    await client.setProfile({ name: 'Ann' });
    await soon(() => expect([said(room), client.outbox.waiting(room)]).toEqual([['<Ann 0>'], []]));
    hub.nowMs = Date.now();
    for (const text of ['one', 'two']) {
      await client.send(room, text);
      await soon(() => expect(client.outbox.waiting(room)).toEqual([]));
    }
    expect(said(room)).toEqual(['<Ann 0>', '<Ann 0>', 'one', 'two']);
    expect(Date.now() - hub.room(room).head.acceptedMs).toBeLessThan(dayMs);
  });

  // Whether it is due was asked before the picture was read, and twice while it was.
  it('goes once ahead of two messages that are written at the same moment', async () => {
    hub.nowMs = 1_600_000_000_000;
    const room = await withBob();
    await client.setProfile({ name: 'Ann', picture });
    await soon(() => expect([said(room), client.outbox.waiting(room)]).toEqual([['<Ann 6>'], []]));
    hub.nowMs = Date.now();
    await Promise.all(['one', 'two'].map((text) => client.send(room, text)));
    await client.flushed();
    expect(said(room)).toEqual(['<Ann 6>', '<Ann 6>', 'one', 'two']);
  });

  it('goes to no bot', async () => {
    await client.setProfile({ name: 'Ann' });
    const info = hub.person('@info:localhost');
    const room = invites(hub, info, true);
    await client.close();
    ({ client } = await hub.session(new MemoryStore()));
    await client.setProfile({ name: 'Ann' });
    await client.accept(room);
    await client.send(room, '1');
    await client.flushed();
    expect(said(room)).toEqual(['1']);
  });

  it('has a name of 128 bytes and a picture of 16 KiB, and not one byte more', async () => {
    const { profileNameBytesMax: nameMax, profilePictureBytesMax: pictureMax } = contentLimits;
    const large = new Uint8Array(pictureMax);
    large.set(picture);
    await client.setProfile({ name: 'é'.repeat(nameMax / 2), picture: large });
    const refused = { code: 'BAD_ARGUMENT' };
    await expect(client.setProfile({ name: `${'é'.repeat(nameMax / 2)}a` })).rejects.toMatchObject(refused);
    await expect(client.setProfile({ picture: Uint8Array.of(...large, 0) })).rejects.toMatchObject(refused);
    for (const bad of [Uint8Array.of(1, 2, 3), new TextEncoder().encode('<svg>')])
      await expect(client.setProfile({ picture: bad })).rejects.toMatchObject(refused);
    await expect(client.setProfile({ name: 'a\u202eb' })).rejects.toMatchObject(refused);
    expect(client.profile.name).toHaveLength(nameMax / 2);
    const room = await withBob();
    await client.send(room, 'hello');
    await client.flushed();
    expect(said(room)).toEqual([`<${client.profile.name} ${pictureMax}>`, 'hello']);
  });

  it('is kept over a restart', async () => {
    await client.setProfile({ name: 'Ann', picture });
    const kept = new MemoryStore();
    for (const table of ['people', 'account'] as const)
      for (const { key, value } of await store.list(table, { from: '', to: '\uffff', limit: 1_000 }))
        await kept.write([{ table, key, value }]);
    await client.close();
    ({ client } = await hub.session(kept));
    expect(client.profile).toEqual({ name: 'Ann', picture: true });
  });
});

describe("another's profile", () => {
  it('is shown with their lines and among the members, makes no line and counts nothing', async () => {
    const room = await withBob();
    const heard = client.once('profile');
    await bobSays(room, profile({ picture }));
    expect(await heard).toEqual({ user: bob.user });
    expect(nameOf(room)).toBe('Bob');
    expect(await client.picture(bob.user)).toEqual(picture);
    expect(client.room(room)).toMatchObject({ memberNames: ['Bob'], unread: 1 });
    const lines = (await client.timeline(room)).filter(({ kind }) => kind === 'message');
    expect(lines).toMatchObject([{ sender: bob.user, senderName: 'Bob' }]);
  });

  it('is not shown before one has accepted', async () => {
    await client.close();
    const room = invites(hub, bob);
    says(hub, room, 1, profile({}));
    ({ client } = await hub.session(new MemoryStore()));
    expect(client.room(room)).toMatchObject({ memberNames: [], invitedBy: bob.user, name: '' });
    expect(nameOf(room) ?? '').toBe('');
    await client.accept(room);
    await soon(() => expect(nameOf(room)).toBe('Bob'));
  });

  it('is the newest that was said, in whatever order it comes, and no clock that is ahead keeps it', async () => {
    const room = await withBob();
    await bobSays(room, profile({ name: 'Robert', changedMs: 9 }));
    await bobSays(room, profile({ name: 'Bob', changedMs: 8 }));
    expect(nameOf(room)).toBe('Robert');
    await bobSays(room, profile({ name: 'Bobby', changedMs: Number.MAX_SAFE_INTEGER - 1 }));
    hub.nowMs += 600_000;
    await bobSays(room, profile({ name: 'Rob', changedMs: hub.nowMs }));
    expect(nameOf(room)).toBe('Rob');
  });

  it('keeps a picture that is left out, and loses one that is taken away', async () => {
    const room = await withBob();
    await bobSays(room, profile({ picture }));
    await bobSays(room, profile({ changedMs: 6, pictureLeftOut: true }));
    expect(await client.picture(bob.user)).toEqual(picture);
    await bobSays(room, profile({ changedMs: 7 }));
    expect(await client.picture(bob.user)).toBeUndefined();
    expect(client.members(room).find(({ user }) => user === bob.user)?.picture).toBe(false);
  });

  it.each([
    ['a name that is too long', { name: 'a'.repeat(129) }],
    ['a name of two lines', { name: 'Bob\nme: yes' }],
    ['a name that turns the writing direction', { name: 'Bob\u202e' }],
    ['a picture that is too large', { picture: Uint8Array.of(...picture, ...new Uint8Array(16_384)) }],
    ['a picture that is none', { picture: Uint8Array.of(1, 2, 3) }],
  ])('is not taken with %s', async (_what, over) => {
    const room = await withBob();
    await bobSays(room, profile({ name: 'Bob', changedMs: 5 }));
    await bobSays(room, profile({ changedMs: 6, ...over }));
    expect(nameOf(room)).toBe('Bob');
    expect(client.counters()['profile.refused']).toBe(1);
  });
});

describe('two profiles at the same moment', () => {
  const user = '@ann:localhost';
  const said = (over: object) => ({ name: 'Ann', picture: none, changedMs: 5, pictureLeftOut: false, ...over });
  let kept: MemoryStore;
  let profiles: Profiles;

  beforeEach(async () => {
    kept = new MemoryStore();
    profiles = await opened();
  });

  async function opened(): Promise<Profiles> {
    const parts = { user, store: kept, now: () => 7, emit: () => {}, count: () => {} } as unknown as Parts;
    const made = new Profiles(() => parts);
    await made.load();
    return made;
  }

  /** Both here and after a restart. */
  async function shown(of = user): Promise<unknown[]> {
    const again = await opened();
    expect([again.of(of), again.own]).toMatchObject([profiles.of(of), profiles.own]);
    return [profiles.of(of).name, await profiles.picture(of)];
  }

  it('are both kept where one sets the name and the other one the picture', async () => {
    await profiles.set({ name: 'Anne' }, []);
    await Promise.all([profiles.set({ name: 'Ann' }, []), profiles.set({ picture }, [])]);
    expect(await shown()).toEqual(['Ann', picture]);
    await Promise.all([profiles.set({ picture: none }, []), profiles.set({ name: 'Anna' }, [])]);
    expect(await shown()).toEqual(['Anna', undefined]);
  });

  it.each(['@bob:localhost', user])('give the newer one, in whatever order they are written (%s)', async (of) => {
    const newer = profiles.heard(of, said({ name: 'New', changedMs: 6, picture }), 10);
    const writing = kept.write(newer?.rows ?? []);
    expect(profiles.heard(of, said({ name: 'Old' }), 10)).toBeUndefined();
    const newest = profiles.heard(of, said({ name: 'Newest', changedMs: 7, pictureLeftOut: true }), 10);
    await Promise.all([writing, kept.write(newest?.rows ?? [])]);
    newest?.settle();
    newer?.settle();
    expect(await shown(of)).toEqual(['Newest', picture]);
  });

  it('lose nothing of what another own device said when one is set', async () => {
    const heard = profiles.heard(user, said({ name: 'Anna', picture }), 10);
    const writing = kept.write(heard?.rows ?? []);
    const setting = profiles.set({ name: 'Ann' }, []);
    await writing;
    heard?.settle();
    await setting;
    expect(await shown()).toEqual(['Ann', picture]);
  });

  it('are the one before where the disk takes none, and a record that comes again is taken', async () => {
    await profiles.set({ name: 'Ann', picture }, []);
    const broken = new ClientError('STORE', 'full');
    vi.spyOn(kept, 'write').mockRejectedValueOnce(broken);
    await expect(profiles.set({ name: 'Anna', picture: none }, [])).rejects.toBe(broken);
    expect(await shown()).toEqual(['Ann', picture]);
    const record = [bob.user, said({ name: 'Bob' }), 10] as const;
    expect(profiles.heard(...record)).toBeDefined();
    const again = profiles.heard(...record);
    await kept.write(again?.rows ?? []);
    again?.settle();
    expect(await shown(bob.user)).toEqual(['Bob', undefined]);
  });
});
