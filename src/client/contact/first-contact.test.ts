// Starting a chat where the server lies about who the other is: by id alone its word counts, by a contact link it does not.
import { describe, expect, it } from 'vitest';
import type { DeviceManifest } from '#proto/gen/record.ts';
import { makeActor, signManifest, testPrimitives } from '#proto/golden/cast.ts';
import { Membership } from '../chain/membership.ts';
import { identityMark } from '../devices/known.ts';
import { People } from '../devices/people.ts';
import type { Parts } from '../parts.ts';
import type { Rooms } from '../room/rooms.ts';
import { MemoryStore } from '../store/memory-store.ts';

const bob = makeActor('@bob:localhost');
/** Bob as the server would like to have him: an identity that it holds the keys of. */
const forged = makeActor('@bob:localhost', 2);
const manifestOf = (actor: typeof bob, version = 1) => signManifest(actor, { version, devices: [1] });

/** A device of Ann's, and what the server shows it. */
function ann() {
  const shown: { manifest: DeviceManifest | undefined } = { manifest: undefined };
  const asked: string[] = [];
  const counted: string[] = [];
  const none = new Uint8Array();
  const keys = {
    masterJson: none,
    selfSigningJson: none,
    userSigningJson: none,
    devices: [],
    manifests: [],
    bot: false,
  };
  const parts = {
    user: '@ann:localhost',
    store: new MemoryStore(),
    primitives: testPrimitives,
    confirmed: () => true,
    request: async ({ $case }: { $case: string }) => {
      asked.push($case);
      const users = shown.manifest ? [{ ...keys, user: bob.user, manifest: shown.manifest }] : [];
      return { users, missing: shown.manifest ? [] : [bob.user], deferred: [] };
    },
    alarm: () => {},
    count: (name: string) => counted.push(name),
    random: () => 0,
    now: () => 1,
  } as unknown as Parts;
  const people = new People(() => parts);
  Object.assign(parts, { people });
  // Whoever gets as far as rooms was believed.
  const rooms = { get: () => fail('believed') } as unknown as Rooms;
  const membership = new Membership(() => parts, rooms);
  const start = (fingerprint?: Uint8Array) =>
    membership.startDirect(bob.user, fingerprint).then(
      () => 'started',
      (error) => error.code ?? error.message,
    );
  return { shown, asked, counted, start, people, mark: () => identityMark(people.get(bob.user)) };
}

function fail(why: string): never {
  throw new Error(why);
}

describe('starting a chat by a contact link', () => {
  it('refuses a server that shows another identity, which an id alone would have believed', async () => {
    const byLink = ann();
    byLink.shown.manifest = manifestOf(forged);
    expect(await byLink.start(bob.master.publicKey)).toBe('IDENTITY_DIFFERS');
    expect([byLink.asked, byLink.counted]).toEqual([['queryKeys'], ['contact.differs']]);
    // Nothing of the lie is kept: the truth is believed when it comes.
    byLink.shown.manifest = manifestOf(bob);
    expect(await byLink.start(bob.master.publicKey)).toBe('believed');
    const byId = ann();
    byId.shown.manifest = manifestOf(forged);
    expect(await byId.start()).toBe('believed');
  });

  it('goes on where the server tells the truth', async () => {
    const { shown, start, mark } = ann();
    shown.manifest = manifestOf(bob);
    expect(await start(bob.master.publicKey)).toBe('believed');
    expect(mark()).toBe('compared');
  });

  it('is told from a contact by id alone ever after, also where that one is started again', async () => {
    const { shown, start, people, mark } = ann();
    shown.manifest = manifestOf(bob);
    await people.refresh([bob.user], '');
    expect(mark()).toBe('seen');
    await start(bob.master.publicKey);
    await start();
    expect(mark()).toBe('compared');
  });

  it('does not go by what it was told before', async () => {
    const { shown, start } = ann();
    shown.manifest = manifestOf(forged);
    expect(await start()).toBe('believed');
    expect(await start(bob.master.publicKey)).toBe('IDENTITY_DIFFERS');
    expect(await start(forged.master.publicKey)).toBe('believed');
  });

  it('says so where the server shows nobody', async () => {
    expect(await ann().start(bob.master.publicKey)).toBe('UNKNOWN');
  });
});
