// A server that is asked for the lists of one person, Bob, and shows what the test wants it to.
import type { KeysAnswer, QueryKeys } from '#proto/gen/client.ts';
import { type DeviceManifest, ManifestBody } from '#proto/gen/record.ts';
import { makeActor, signManifest, testPrimitives } from '#proto/golden/cast.ts';
import { equalBytes } from '#proto/rules/bytes/bytes.ts';
import { manifestHash } from '#proto/rules/bytes/hash.ts';
import type { Alarm } from '../alarms.ts';
import { People } from '../devices/people.ts';
import type { Parts } from '../parts.ts';
import { MemoryStore } from '../store/memory-store.ts';

export const bob = makeActor('@bob:localhost');
/** Bob again, with another identity. */
export const reborn = makeActor('@bob:localhost', 2);
export const room = '!g:localhost';

/** Bob's lists of devices, one following the other. */
export function chainOf(...lists: readonly number[][]): DeviceManifest[] {
  const made: DeviceManifest[] = [];
  for (const devices of lists) {
    const before = made.at(-1);
    const previousHash = before ? manifestHash(before.signed, testPrimitives) : undefined;
    made.push(signManifest(bob, { version: made.length + 1, devices, ...(previousHash ? { previousHash } : {}) }));
  }
  return made;
}

/** See above. */
export class KeyServer {
  shown: readonly DeviceManifest[] = [];
  /** Answers `deferred` so many times. */
  putsOff = 0;
  asked: QueryKeys[] = [];
  nowMs = 0;
  /** Rooms in which the engine looked; empty = by exact id. */
  readonly looked: string[] = [];
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
  /** Of whom it was said that a device was taken off. */
  readonly takenOff: string[] = [];
  readonly people = new People(
    () => this.parts(),
    (user) => this.told.push(user),
    (user) => this.takenOff.push(user),
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
      refresh: async (_: readonly string[], where = '') => {
        this.looked.push(where);
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
      now: () => this.nowMs,
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

/** Of Bob's newest list as it is known. */
export function hashOf({ people }: KeyServer): Uint8Array {
  return people.get(bob.user)!.manifest.hash;
}

/** This device knows Bob, and that he started over. */
export async function startedOver(): Promise<KeyServer> {
  const server = new KeyServer();
  server.shown = chainOf([1]);
  await server.people.refresh([bob.user], room);
  await server.startOver();
  return server;
}
