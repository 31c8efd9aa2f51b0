import { describe, expect, it } from 'vitest';
import type { KeysAnswer, QueryKeys } from '#proto/gen/client.ts';
import { type DeviceManifest, ManifestBody } from '#proto/gen/record.ts';
import { makeActor, signManifest, testPrimitives } from '#proto/golden/cast.ts';
import { manifestHash } from '#proto/rules/bytes/hash.ts';
import type { Alarm } from '../alarms.ts';
import { ClientError } from '../errors.ts';
import type { Parts } from '../parts.ts';
import { MemoryStore } from '../store/memory-store.ts';
import { People } from './people.ts';

const bob = makeActor('@bob:localhost');
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
  readonly alarms: Alarm[] = [];
  readonly store = new MemoryStore();
  readonly people = new People(() => this.parts());

  answer(query: QueryKeys): KeysAnswer {
    this.asked.push(query);
    if (this.putsOff-- > 0) return { users: [], missing: [], deferred: [...query.users] };
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
    return { users: this.shown.length > 0 ? [user] : [], missing: [], deferred: [] };
  }

  parts(): Parts {
    const engine = { refresh: async () => {} };
    const parts: Partial<Parts> = {
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

  codes(): string[] {
    return this.alarms.map(({ code }) => code);
  }
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

  it('asks again for those whom a busy server puts off, and says so when it goes on', async () => {
    const server = new Server();
    server.shown = chainOf([1]);
    server.putsOff = 3;
    await server.people.refresh([bob.user], room);
    expect(server.people.get(bob.user)?.manifest.body.version).toBe(1);
    expect(server.asked).toHaveLength(4);
  });

  it('gives no keys to an identity that nobody approved', async () => {
    const server = new Server();
    server.shown = chainOf([1]);
    await server.people.refresh([bob.user], room);
    expect(server.people.recipient(bob.user, makeActor('@bob:localhost', 2).master.publicKey)).toBeUndefined();
    await expect(server.people.approve(bob.user)).rejects.toBeInstanceOf(ClientError);
  });

  it('tells a device that was taken off from one that is listed', async () => {
    const server = new Server();
    server.shown = chainOf([1, 2], [1]);
    for (const manifest of server.shown) await server.people.take(bob.user, manifest);
    const standing = (device: number, acceptedMs: number) =>
      server.people.deviceStanding(bob.user, bob.device(device).id, { room, acceptedMs, named: undefined });
    const signedMs = 1_700_000_000_000;
    expect(await standing(1, signedMs * 2)).toEqual({ number: 1, removed: false });
    expect(await standing(2, signedMs - 1)).toEqual({ number: 2, removed: false });
    expect(await standing(2, signedMs + 600_000)).toEqual({ number: 2, removed: true });
  });
});
