import { describe, expect, it } from 'vitest';
import { LocalPerson } from '#proto/gen/local.ts';
import type { DeviceManifest } from '#proto/gen/record.ts';
import { testPrimitives } from '#proto/golden/cast.ts';
import { manifestHash } from '#proto/rules/bytes/hash.ts';
import { ClientError } from '../errors.ts';
import { orderedNumber, prefixRange } from '../store/store.ts';
import { bob, chainOf, KeyServer, reborn, room } from '../testing/key-server.ts';
import { People } from './people.ts';

describe('people', () => {
  it('follows manifests one by one and keeps the newest', async () => {
    const server = new KeyServer();
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

  // A start read the first 100,000: whoever stood behind them was met anew, with whatever identity the server showed then.
  it('knows everybody again at the next start, however many they are', async () => {
    const server = new KeyServer();
    server.shown = chainOf([1]);
    await server.people.refresh([bob.user], room);
    const [row] = await server.store.list('people', prefixRange('@'));
    const others = Array.from({ length: 100_000 }, (_, n) => ({
      table: 'people' as const,
      key: `@a${orderedNumber(n)}`,
    }));
    await server.store.write(
      others.map((one) => ({ ...one, value: LocalPerson.encode(LocalPerson.decode(new Uint8Array())).finish() })),
    );
    expect(row?.key).toBe(bob.user);
    const again = new People(() => server.parts());
    await again.load();
    expect(again.get(bob.user)?.manifest.body.version).toBe(1);
  });

  it('notices a list that went back, and keeps to the newest', async () => {
    const server = new KeyServer();
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
    const server = new KeyServer();
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
    const server = new KeyServer();
    const made = chainOf([1], [1, 2], [1]);
    server.shown = made.slice(0, 1);
    await server.people.refresh([bob.user], room);
    server.shown = made.slice(2);
    await server.people.refresh([bob.user], room);
    expect(server.codes()).toEqual(['MANIFEST_INVALID']);
    expect(server.people.get(bob.user)?.manifest.body.version).toBe(1);
  });

  it('notices that a message names a list which the server keeps back', async () => {
    const server = new KeyServer();
    const made = chainOf([1], [1, 2]);
    server.shown = made.slice(0, 1);
    const named = { version: 2, hash: manifestHash((made[1] as DeviceManifest).signed, testPrimitives) };
    await server.people.deviceStanding(bob.user, bob.device(1).id, { room, acceptedMs: 0, afterMs: 0, named });
    expect(server.codes()).toEqual(['MANIFEST_WITHHELD']);
  });

  it('has the list of somebody by their id where the room names them no more', async () => {
    const server = new KeyServer();
    const made = chainOf([1], [1, 2]);
    server.shown = made.slice(0, 1);
    await server.people.refresh([bob.user], room);
    server.shown = made;
    server.isGone = true;
    const named = { version: 2, hash: manifestHash((made[1] as DeviceManifest).signed, testPrimitives) };
    const standing = await server.people.deviceStanding(bob.user, bob.device(2).id, {
      room,
      acceptedMs: 0,
      afterMs: 0,
      named,
    });
    expect([standing?.number, server.codes(), server.looked]).toEqual([2, [], ['']]);
    // Once: whatever else they wrote names nothing newer.
    const asked = server.asked.length;
    await server.people.deviceStanding(bob.user, bob.device(2).id, { room, acceptedMs: 0, afterMs: 0, named });
    expect(server.asked.length).toBe(asked);
  });

  it('accuses nobody, and gives no keys by the list of before, where the server has nobody of that id', async () => {
    const server = new KeyServer();
    const made = chainOf([1], [1, 2]);
    server.shown = made.slice(0, 1);
    await server.people.refresh([bob.user], room);
    server.shown = [];
    const named = { version: 2, hash: manifestHash((made[1] as DeviceManifest).signed, testPrimitives) };
    const standing = await server.people.deviceStanding(bob.user, bob.device(1).id, {
      room,
      acceptedMs: 0,
      afterMs: 0,
      named,
    });
    expect([standing, server.codes()]).toEqual([undefined, []]);
    expect(server.people.recipient(bob.user, bob.master.publicKey)).toBeUndefined();
    // Each further message of theirs would ask by id, of which there are few questions.
    const asked = server.asked.length;
    server.nowMs = 10 * 60_000 - 1;
    await server.people.deviceStanding(bob.user, bob.device(1).id, { room, acceptedMs: 0, afterMs: 0, named });
    expect([await server.people.tryRefresh(bob.user, room), server.asked.length]).toEqual([false, asked]);
    server.nowMs += 1;
    expect([await server.people.tryRefresh(bob.user, room), server.asked.length]).toEqual([false, asked + 2]);
    server.shown = made;
    await server.people.moved(bob.user, room);
    expect(server.people.recipient(bob.user, bob.master.publicKey)?.devices).toHaveLength(2);
  });

  it('gives keys by no list older than the one that a message names, and says when that begins and ends', async () => {
    const server = new KeyServer();
    const made = chainOf([1, 2], [1, 2, 3], [1]);
    const named = { version: 3, hash: manifestHash((made[2] as DeviceManifest).signed, testPrimitives) };
    server.shown = made.slice(0, 1);
    await server.people.refresh([bob.user], room);
    await server.people.deviceStanding(bob.user, bob.device(1).id, { room, acceptedMs: 0, afterMs: 0, named });
    const devices = () => server.people.recipient(bob.user, bob.master.publicKey)?.devices.length;
    expect([devices(), server.told]).toEqual([undefined, [bob.user]]);
    server.shown = made.slice(0, 2);
    await server.people.refresh([bob.user], room);
    expect([server.people.get(bob.user)?.manifest.body.version, devices()]).toEqual([2, undefined]);
    server.shown = made;
    await server.people.refresh([bob.user], room);
    expect([devices(), server.told]).toEqual([1, [bob.user, bob.user]]);
  });

  it('asks again for whom the server had not, where the clock was set back since', async () => {
    const server = new KeyServer();
    server.nowMs = 365 * 86_400_000;
    expect(await server.people.tryRefresh(bob.user, room)).toBe(false);
    server.nowMs = 0;
    server.shown = chainOf([1]);
    expect(await server.people.tryRefresh(bob.user, room)).toBe(true);
  });

  // The answer to a question of before said that there is nobody of that id, after the news: for ten minutes they were given no keys, and heard of.
  it('asks anew once there is news of somebody, though it is being asked for them already', async () => {
    const server = new KeyServer();
    server.shown = chainOf([1]);
    // In the room, and by their id.
    let old = 2;
    const answer = server.answer.bind(server);
    server.answer = (query) => (old-- > 0 ? { users: [], missing: [...query.users], deferred: [] } : answer(query));
    const asked = server.people.tryRefresh(bob.user, room);
    await server.people.moved(bob.user, room);
    expect(await asked).toBe(false);
    expect(server.people.get(bob.user)?.manifest.body.version).toBe(1);
    expect(await server.people.tryRefresh(bob.user, room)).toBe(true);
  });

  // The notice was acknowledged, and the list that it spoke of never asked for: that a device was taken off was learnt when its owner wrote next.
  it('asks for a list that could not be had when there was news of it, until it is here', async () => {
    const server = new KeyServer();
    const made = chainOf([1, 2], [1]);
    server.shown = made.slice(0, 1);
    await server.people.refresh([bob.user], room);
    server.shown = made;
    const answer = server.answer.bind(server);
    server.answer = () => {
      throw new ClientError('DISCONNECTED', 'lost');
    };
    await server.people.moved(bob.user, room);
    await server.people.catchUp();
    server.answer = answer;
    expect(server.people.get(bob.user)?.manifest.body.version).toBe(1);
    await server.people.catchUp();
    expect(server.people.get(bob.user)?.manifest.body.version).toBe(2);
    const asked = server.asked.length;
    await server.people.catchUp();
    expect(server.asked.length).toBe(asked);
  });

  it('asks again for those whom a busy server puts off, and says so when it goes on', async () => {
    const server = new KeyServer();
    server.shown = chainOf([1]);
    server.putsOff = 3;
    await server.people.refresh([bob.user], room);
    expect(server.people.get(bob.user)?.manifest.body.version).toBe(1);
    expect(server.asked).toHaveLength(4);
  });

  it('takes an identity that this very device began for its own, without an alarm', async () => {
    const server = new KeyServer();
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
});
