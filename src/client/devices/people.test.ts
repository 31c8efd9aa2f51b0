import { describe, expect, it } from 'vitest';
import type { KeysAnswer, QueryKeys } from '#proto/gen/client.ts';
import { type DeviceManifest, ManifestBody } from '#proto/gen/record.ts';
import { bytesOf, makeActor, signManifest, testPrimitives } from '#proto/golden/cast.ts';
import { equalBytes } from '#proto/rules/bytes/bytes.ts';
import { manifestHash } from '#proto/rules/bytes/hash.ts';
import type { Alarm } from '../alarms.ts';
import type { Parts } from '../parts.ts';
import { MemoryStore } from '../store/memory-store.ts';
import { identityMark, People } from './people.ts';

const bob = makeActor('@bob:localhost');
/** Bob again, with another identity. */
const reborn = makeActor('@bob:localhost', 2);
const room = '!g:localhost';

function chainOf(...lists: readonly number[][]): DeviceManifest[] {
  const made: DeviceManifest[] = [];
  for (const devices of lists) {
    const before = made.at(-1);
    const previousHash = before ? manifestHash(before.signed, testPrimitives) : undefined;
    made.push(signManifest(bob, { version: made.length + 1, devices, ...(previousHash ? { previousHash } : {}) }));
  }
  return made;
}

/** A server that shows what the test wants it to. */
class Server {
  shown: readonly DeviceManifest[] = [];
  /** Answers `deferred` so many times. */
  putsOff = 0;
  asked: QueryKeys[] = [];
  /** Does the room name Bob no more? */
  isGone = false;
  /** Whose device this is. */
  self = '@me:localhost';
  inEngine = reborn.master.publicKey;
  /** Does the engine wait for a word on it? */
  isChanged = true;
  /** What the engine finds when it looks. */
  found = reborn.master.publicKey;
  /** What comes while the engine works. */
  meanwhile = async () => {};
  readonly approved: string[] = [];
  readonly alarms: Alarm[] = [];
  readonly store = new MemoryStore();
  /** Of whom it was said that they count otherwise now. */
  readonly told: string[] = [];
  readonly people = new People(
    () => this.parts(),
    (user) => this.told.push(user),
  );

  answer(query: QueryKeys): KeysAnswer {
    this.asked.push(query);
    if (this.putsOff-- > 0) return { users: [], missing: [], deferred: [...query.users] };
    if (this.isGone && query.room !== '') return { users: [], missing: [...query.users], deferred: [] };
    const above = this.shown.filter(({ signed }) => ManifestBody.decode(signed).version > query.manifestsAbove);
    const none = new Uint8Array();
    const user = {
      user: bob.user,
      devices: [],
      masterJson: none,
      selfSigningJson: none,
      userSigningJson: none,
      manifest: this.shown.at(-1),
      bot: false,
      manifests: query.manifestsAbove > 0 ? above : [],
    };
    const isKnown = this.shown.length > 0;
    return { users: isKnown ? [user] : [], missing: isKnown ? [] : [...query.users], deferred: [] };
  }

  parts(): Parts {
    const engine = {
      refresh: async () => {
        this.inEngine = this.found;
      },
      identity: async () => ({ masterKey: this.inEngine, changed: this.isChanged, verified: false }),
      approveIdentity: async (user: string, masterKey: Uint8Array) => {
        await this.meanwhile();
        if (!equalBytes(this.inEngine, masterKey)) return false;
        this.approved.push(user);
        this.isChanged = false;
        return true;
      },
      holdsIdentity: async () => true,
    };
    const parts: Partial<Parts> = {
      user: this.self,
      store: this.store,
      primitives: testPrimitives,
      engine: engine as unknown as Parts['engine'],
      request: (async (body: { value: QueryKeys }) => this.answer(body.value)) as unknown as Parts['request'],
      alarm: (alarm) => this.alarms.push(alarm),
      count: () => {},
      random: () => 0,
    };
    return parts as Parts;
  }

  /** Bob's next list is of another identity. */
  startOver(): Promise<void> {
    return this.next(reborn, 2);
  }

  /** Bob's next list, as whoever that is signs it with this device. */
  async next(who: typeof bob, device: number): Promise<void> {
    const { hash, body } = this.people.get(bob.user)!.manifest;
    const list = { version: body.version + 1, devices: [device], previousHash: hash };
    await this.people.take(bob.user, signManifest(who, list, device));
  }

  codes(): string[] {
    return this.alarms.map(({ code }) => code);
  }
}

function hashOf({ people }: Server): Uint8Array {
  return people.get(bob.user)!.manifest.hash;
}

/** This device knows Bob, and that he started over. */
async function startedOver(): Promise<Server> {
  const server = new Server();
  server.shown = chainOf([1]);
  await server.people.refresh([bob.user], room);
  await server.startOver();
  return server;
}

describe('people', () => {
  it('follows manifests one by one and keeps the newest', async () => {
    const server = new Server();
    const made = chainOf([1], [1, 2], [1]);
    server.shown = made.slice(0, 1);
    await server.people.refresh([bob.user], room);
    server.shown = made;
    await server.people.refresh([bob.user], room);
    expect(server.people.get(bob.user)?.manifest.body.version).toBe(3);
    expect(server.people.recipient(bob.user, bob.master.publicKey)?.devices).toEqual([bob.device(1).id]);
    expect(server.codes()).toEqual([]);
    const again = new People(() => server.parts());
    await again.load();
    expect(again.get(bob.user)?.manifest.body.version).toBe(3);
  });

  it('notices a list that went back, and keeps to the newest', async () => {
    const server = new Server();
    const made = chainOf([1, 2], [1]);
    server.shown = made.slice(0, 1);
    await server.people.refresh([bob.user], room);
    server.shown = made;
    await server.people.refresh([bob.user], room);
    server.shown = made.slice(0, 1);
    await server.people.refresh([bob.user], room);
    expect(server.codes()).toEqual(['MANIFEST_ROLLED_BACK']);
    expect(server.people.recipient(bob.user, bob.master.publicKey)?.devices).toEqual([bob.device(1).id]);
  });

  it('takes an answer that a newer one overtook for what it is', async () => {
    const server = new Server();
    const made = chainOf([1], [1, 2]);
    server.shown = made.slice(0, 1);
    const slow = server.people.refresh([bob.user], room);
    await server.people.take(bob.user, made[0] as DeviceManifest);
    await server.people.take(bob.user, made[1] as DeviceManifest);
    await slow;
    expect(server.codes()).toEqual([]);
    expect(server.people.get(bob.user)?.manifest.body.version).toBe(2);
  });

  it('notices that those in between are kept back', async () => {
    const server = new Server();
    const made = chainOf([1], [1, 2], [1]);
    server.shown = made.slice(0, 1);
    await server.people.refresh([bob.user], room);
    server.shown = made.slice(2);
    await server.people.refresh([bob.user], room);
    expect(server.codes()).toEqual(['MANIFEST_INVALID']);
    expect(server.people.get(bob.user)?.manifest.body.version).toBe(1);
  });

  it('notices that a message names a list which the server keeps back', async () => {
    const server = new Server();
    const made = chainOf([1], [1, 2]);
    server.shown = made.slice(0, 1);
    const named = { version: 2, hash: manifestHash((made[1] as DeviceManifest).signed, testPrimitives) };
    await server.people.deviceStanding(bob.user, bob.device(1).id, { room, acceptedMs: 0, named });
    expect(server.codes()).toEqual(['MANIFEST_WITHHELD']);
  });

  it('has the list of somebody by their id where the room names them no more', async () => {
    const server = new Server();
    const made = chainOf([1], [1, 2]);
    server.shown = made.slice(0, 1);
    await server.people.refresh([bob.user], room);
    server.shown = made;
    server.isGone = true;
    const named = { version: 2, hash: manifestHash((made[1] as DeviceManifest).signed, testPrimitives) };
    const standing = await server.people.deviceStanding(bob.user, bob.device(2).id, { room, acceptedMs: 0, named });
    expect([standing?.number, server.codes()]).toEqual([2, []]);
    // Once: whatever else they wrote names nothing newer.
    const asked = server.asked.length;
    await server.people.deviceStanding(bob.user, bob.device(2).id, { room, acceptedMs: 0, named });
    expect(server.asked.length).toBe(asked);
  });

  it('accuses nobody, and gives no keys by the list of before, where the server has nobody of that id', async () => {
    const server = new Server();
    const made = chainOf([1], [1, 2]);
    server.shown = made.slice(0, 1);
    await server.people.refresh([bob.user], room);
    server.shown = [];
    const named = { version: 2, hash: manifestHash((made[1] as DeviceManifest).signed, testPrimitives) };
    const standing = await server.people.deviceStanding(bob.user, bob.device(1).id, { room, acceptedMs: 0, named });
    expect([standing, server.codes()]).toEqual([undefined, []]);
    expect(server.people.recipient(bob.user, bob.master.publicKey)).toBeUndefined();
  });

  it('gives keys by no list older than the one that a message names, and says when that begins and ends', async () => {
    const server = new Server();
    const made = chainOf([1, 2], [1, 2, 3], [1]);
    const named = { version: 3, hash: manifestHash((made[2] as DeviceManifest).signed, testPrimitives) };
    server.shown = made.slice(0, 1);
    await server.people.refresh([bob.user], room);
    await server.people.deviceStanding(bob.user, bob.device(1).id, { room, acceptedMs: 0, named });
    const devices = () => server.people.recipient(bob.user, bob.master.publicKey)?.devices.length;
    expect([devices(), server.told]).toEqual([undefined, [bob.user]]);
    server.shown = made.slice(0, 2);
    await server.people.refresh([bob.user], room);
    expect([server.people.get(bob.user)?.manifest.body.version, devices()]).toEqual([2, undefined]);
    server.shown = made;
    await server.people.refresh([bob.user], room);
    expect([devices(), server.told]).toEqual([1, [bob.user, bob.user]]);
  });

  it('notes what a person compared of the identity that is trusted, and forgets it when that changes', async () => {
    const server = new Server();
    server.shown = chainOf([1]);
    await server.people.refresh([bob.user], room);
    const mark = () => identityMark(server.people.get(bob.user));
    expect([mark(), identityMark(server.people.get('@eve:localhost'))]).toEqual(['seen', 'unknown']);
    expect(await server.people.noteCompared(bob.user, reborn.master.publicKey)).toBe(false);
    expect([await server.people.noteCompared(bob.user, bob.master.publicKey), mark()]).toEqual([true, 'compared']);
    await server.people.take(bob.user, signManifest(bob, { version: 2, devices: [1], previousHash: hashOf(server) }));
    expect(mark()).toBe('compared');
    await server.startOver();
    expect(mark()).toBe('changed');
    // Nobody approved that one yet: to have compared it approves nothing.
    for (const one of [bob, reborn])
      expect(await server.people.noteCompared(bob.user, one.master.publicKey)).toBe(false);
    await server.people.approve(bob.user, reborn.master.publicKey);
    expect(mark()).toBe('approved');
    await server.people.noteCompared(bob.user, reborn.master.publicKey);
    await server.next(bob, 1);
    await server.next(reborn, 2);
    expect(mark()).not.toBe('compared');
  });

  it('asks again for those whom a busy server puts off, and says so when it goes on', async () => {
    const server = new Server();
    server.shown = chainOf([1]);
    server.putsOff = 3;
    await server.people.refresh([bob.user], room);
    expect(server.people.get(bob.user)?.manifest.body.version).toBe(1);
    expect(server.asked).toHaveLength(4);
  });

  it('gives keys to the identity that a room names and to no other, whoever approved what', async () => {
    const server = new Server();
    server.shown = chainOf([1]);
    await server.people.refresh([bob.user], room);
    const anew = makeActor('@bob:localhost', 2).master.publicKey;
    expect(server.people.recipient(bob.user, anew)).toBeUndefined();
    expect(await server.people.approve(bob.user, bob.master.publicKey)).toBe(false);
    await server.startOver();
    expect(server.codes()).toEqual(['IDENTITY_SWAPPED']);
    expect(server.people.get(bob.user)?.fingerprint).toEqual(bob.master.publicKey);
    // The list of now is of another identity than this room knows; in that one it was signed in.
    expect(server.people.recipient(bob.user, bob.master.publicKey)).toBeUndefined();
    expect(server.people.recipient(bob.user, anew)?.devices).toEqual([reborn.device(2).id]);
    // The engine works with it for the sake of that room, and nobody is approved by it.
    expect(await server.people.meetCommitted(bob.user, bob.master.publicKey, room)).toBe(false);
    expect(await server.people.meetCommitted(bob.user, anew, room)).toBe(true);
    expect(server.people.get(bob.user)?.changedTo).toEqual(anew);
    // Once is enough: each time means that all who share a key are judged anew.
    expect(await server.people.meetCommitted(bob.user, anew, room)).toBe(true);
    expect(await server.people.approve(bob.user, anew)).toBe(true);
    expect(server.people.get(bob.user)).toMatchObject({ fingerprint: anew, changedTo: new Uint8Array() });
    expect(server.approved).toEqual([bob.user]);
  });

  it('has the engine work with no identity but the one that the room names', async () => {
    const server = new Server();
    server.shown = chainOf([1]);
    await server.people.refresh([bob.user], room);
    await server.startOver();
    server.inEngine = bytesOf('another one');
    server.found = server.inEngine;
    expect(await server.people.meetCommitted(bob.user, reborn.master.publicKey, room)).toBe(false);
    expect(server.approved).toEqual([]);
  });

  it('keeps that a person approved an identity, and forgets it once there is another, also where the approved one comes back', async () => {
    const server = new Server();
    server.shown = chainOf([1]);
    await server.people.refresh([bob.user], room);
    const isApproved = () => server.people.get(bob.user)?.approved;
    await server.startOver();
    expect(isApproved()).toBe(false);
    await server.people.approve(bob.user, reborn.master.publicKey);
    expect(isApproved()).toBe(true);
    await server.next(reborn, 2);
    const again = new People(() => server.parts());
    await again.load();
    expect([isApproved(), again.get(bob.user)?.approved]).toEqual([true, true]);
    await server.next(makeActor(bob.user, 3), 3);
    expect(isApproved()).toBe(false);
    await server.next(reborn, 2);
    expect(server.people.get(bob.user)).toMatchObject({ fingerprint: reborn.master.publicKey, approved: false });
  });

  it('does not take for approved what it saw first, whatever that says of former identities, until a person says so', async () => {
    const server = new Server();
    const { publicKey } = reborn.master;
    server.shown = [signManifest(reborn, { version: 2, devices: [2], formerKeys: [bob.master.publicKey] }, 2)];
    await server.people.refresh([bob.user], room);
    expect(server.people.get(bob.user)).toMatchObject({ fingerprint: publicKey, approved: false });
    expect(server.people.startedOver()).toHaveLength(1);
    const approve = () => server.people.approve(bob.user, publicKey);
    expect([await approve(), await approve()]).toEqual([true, false]);
    expect(server.people.get(bob.user)).toMatchObject({ fingerprint: publicKey, approved: true });
  });

  // A bot approved at the alarm, before the engine had looked: it accepted the old identity once more, and never told the bot that the new one wrote.
  it('has the engine look for the identity that was approved, and accept that one', async () => {
    const server = await startedOver();
    server.inEngine = bob.master.publicKey;
    expect(await server.people.approve(bob.user, reborn.master.publicKey)).toBe(true);
    expect([server.approved, server.inEngine]).toEqual([[bob.user], reborn.master.publicKey]);
  });

  it('approves nothing that the engine cannot have', async () => {
    const server = await startedOver();
    server.inEngine = bob.master.publicKey;
    server.found = bytesOf('another one');
    await expect(server.people.approve(bob.user, reborn.master.publicKey)).rejects.toMatchObject({ code: 'OFFLINE' });
    expect(server.people.get(bob.user)).toMatchObject({ changedTo: reborn.master.publicKey, approved: false });
    expect(server.approved).toEqual([]);
  });

  it('approves what the person saw, and not what came meanwhile', async () => {
    const server = await startedOver();
    await expect(server.people.approve(bob.user, bob.master.publicKey)).rejects.toMatchObject({ code: 'UNTRUSTED' });
    server.meanwhile = () => server.next(makeActor(bob.user, 3), 3);
    await expect(server.people.approve(bob.user, reborn.master.publicKey)).rejects.toMatchObject({ code: 'UNTRUSTED' });
    expect(server.people.get(bob.user)).toMatchObject({ fingerprint: bob.master.publicKey, approved: false });
  });

  it('keeps a list that came while the engine accepted the identity', async () => {
    const server = await startedOver();
    server.meanwhile = () => server.next(reborn, 2);
    expect(await server.people.approve(bob.user, reborn.master.publicKey)).toBe(true);
    expect(server.people.get(bob.user)).toMatchObject({ approved: true, manifest: { body: { version: 3 } } });
  });

  it('takes an identity that this very device began for its own, without an alarm', async () => {
    const server = new Server();
    server.self = bob.user;
    server.shown = chainOf([1]);
    await server.people.refresh([bob.user], room);
    await server.startOver();
    expect(server.people.get(bob.user)).toMatchObject({
      fingerprint: reborn.master.publicKey,
      changedTo: new Uint8Array(),
    });
    expect(server.codes()).toEqual([]);
  });

  it('tells a device that was taken off from one that is listed', async () => {
    const server = new Server();
    server.shown = chainOf([1, 2], [1]);
    for (const manifest of server.shown) await server.people.take(bob.user, manifest);
    const standing = (device: number, acceptedMs: number) =>
      server.people.deviceStanding(bob.user, bob.device(device).id, { room, acceptedMs, named: undefined });
    const signedMs = 1_700_000_000_000;
    const listedAs = bob.master.publicKey;
    expect(await standing(1, signedMs * 2)).toEqual({ number: 1, removed: false, listedAs });
    expect(await standing(2, signedMs - 1)).toEqual({ number: 2, removed: false });
    expect(await standing(2, signedMs + 600_000)).toEqual({ number: 2, removed: true });
  });
});
