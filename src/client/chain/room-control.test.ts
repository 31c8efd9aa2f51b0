import { describe, expect, it } from 'vitest';
import { ControlBody, ControlEntry, ControlKind, Role } from '#proto/gen/record.ts';
import { makeActor, testPrimitives } from '#proto/golden/cast.ts';
import { Story } from '#proto/golden/story.ts';
import { controlHash } from '#proto/rules/bytes/hash.ts';
import type { Parts } from '../parts.ts';
import { RoomReplica } from '../room/room.ts';
import { MemoryStore } from '../store/memory-store.ts';
import { nothingBeside, syncChain, takeControl } from './room-control.ts';

const [ada, bob, eve] = ['ada', 'bob', 'eve'].map((name) => makeActor(`@${name}:localhost`)) as [
  ReturnType<typeof makeActor>,
  ReturnType<typeof makeActor>,
  ReturnType<typeof makeActor>,
];

/** Ada's group, and Bob's device in it; the hub knows of entries up to `known`. */
function world() {
  const story = Story.group(ada);
  story.join(1, bob);
  const known = { entries: story.entries.length, asked: [] as number[] };
  const alarms: string[] = [];
  const people = [ada, bob, eve];
  const parts = {
    user: bob.user,
    device: 1,
    store: new MemoryStore(),
    primitives: testPrimitives,
    engine: { rotate: async () => {} },
    people: { get: () => undefined, refresh: async () => {}, wasTakenOff: () => false },
    alarm: ({ code }: { code: string }) => alarms.push(code),
    emit() {},
    count() {},
    now: () => 9_000,
    /** An honest hub: entries from one on, with the persons that these bring in and their actors' credentials. */
    request: async ({ value }: { value: { fromControl: number } }) => {
      known.asked.push(value.fromControl);
      const shown = story.entries.slice(value.fromControl - 1, known.entries);
      const bodies = shown.map(({ entry }) => ControlBody.decode(entry.signed));
      const newest = story.entries[known.entries - 1];
      return {
        control: shown.map(({ seq, entry }) => ({ seq, entry })),
        persons: bodies.flatMap(({ person, target }) =>
          person.length > 0 ? [people[target - 1]?.person(target)] : [],
        ),
        credentials: bodies.map(({ actor }) => people[actor - 1]?.credential(actor, 1)),
        head: { number: known.entries, hash: newest && controlHash(newest.entry.signed, testPrimitives) },
        next: 0,
      };
    },
  } as unknown as Parts;
  const room = new RoomReplica(story.room, { parts, membersChanged() {}, changed() {} } as never);
  /** The record of entry `number` comes, as a page of records brings it: without persons and credentials. */
  const comes = (number: number, seq?: number) => {
    const entry = story.entries[number - 1];
    if (!entry) throw new Error('no such entry');
    const body = ControlEntry.encode(entry.entry).finish();
    return takeControl(room, { seq: seq ?? entry.seq, body, ...nothingBeside }, []);
  };
  return { story, known, room, alarms, comes };
}

describe('a control entry that a device signed which was taken off', () => {
  const promotes = { kind: ControlKind.CONTROL_KIND_ROLE, target: 2, role: Role.ROLE_ADMIN };

  /** Ada's device is off, as Bob's knows since long before `seenMs`; then it gives him a role. */
  async function off(seenMs: number) {
    const made = world();
    const { story, known, room } = made;
    await syncChain(room);
    room.saw(room.headSeq, seenMs);
    const claims: unknown[] = [];
    const wasTakenOff = (...claim: unknown[]) => claims.push(claim) > 0;
    Object.assign(room.ports.parts.people, { wasTakenOff });
    story.do(1, promotes);
    known.entries = story.entries.length;
    return { ...made, claims };
  }

  it('is not taken, as a record or with the chain, and freezes the room', async () => {
    for (const way of ['record', 'chain']) {
      const { room, known, alarms, comes, claims } = await off(7_000);
      if (way === 'record') expect(await comes(known.entries)).toBe(false);
      else await syncChain(room);
      expect([room.chain.number, alarms]).toEqual([known.entries - 1, ['CONTROL_INVALID']]);
      expect(claims).toEqual([[ada.user, ada.device(1).keys.publicKey, 7_000]]);
    }
  });

  it('is history up to the head that the server had named, and where it named none', async () => {
    const unseen = await off(0);
    expect(await unseen.comes(unseen.known.entries)).toBe(true);
    const { room, known, alarms, comes } = await off(7_000);
    room.local.seenControl = known.entries;
    expect(await comes(known.entries)).toBe(true);
    expect(await comes(1)).toBe(true);
    expect(alarms).toEqual([]);
  });
});

describe('a control entry that comes as a record', () => {
  // Someone was invited between the look at the chain and the look at the log: the entry was taken without the person, and when that person
  // accepted the room froze for good, with an honest hub.
  it('brings its person along, though records do not', async () => {
    const { story, known, room, alarms, comes } = world();
    await syncChain(room);
    const before = story.entries.length;
    story.join(1, eve);
    known.entries = before + 1;
    expect(await comes(before + 1)).toBe(true);
    expect(room.chain.user(3)).toBe(eve.user);
    known.entries = before + 2;
    expect(await comes(before + 2)).toBe(true);
    expect(alarms).toEqual([]);
  });

  it('is taken where its author is not known yet: people are read again from the first entry', async () => {
    const { story, known, room, alarms, comes } = world();
    await syncChain(room);
    const before = story.entries.length;
    story.join(1, eve);
    // What an earlier version left: the invitation is here, the person is not.
    const invitation = story.entries[before];
    if (!invitation) throw new Error('no such entry');
    room.chain.take({ seq: invitation.seq, entry: invitation.entry, persons: [], credentials: [ada.credential(1, 1)] });
    known.entries = before + 2;
    known.asked = [];
    expect(await comes(before + 2)).toBe(true);
    expect(known.asked).toContain(1);
    expect(room.chain.user(3)).toBe(eve.user);
    expect(alarms).toEqual([]);
  });

  it('freezes the room where an author is nowhere to be had', async () => {
    const { story, known, room, alarms, comes } = world();
    await syncChain(room);
    story.join(1, eve);
    story.do(3, { kind: ControlKind.CONTROL_KIND_LEAVE, target: 3 });
    expect(await comes(known.entries + 3)).toBe(false);
    expect(alarms).toEqual(['CONTROL_WITHHELD']);
  });

  // Signatures say nothing of places: a hub that says of a removal that it stood earlier or later makes messages valid or invalid at will.
  it('freezes the room where the log has it in another place than the chain was read with', async () => {
    const { story, room, alarms, comes } = world();
    await syncChain(room);
    expect(await comes(2)).toBe(true);
    expect(alarms).toEqual([]);
    expect(await comes(2, (story.entries[1]?.seq as number) + 1)).toBe(false);
    expect(alarms).toEqual(['HISTORY_FORKED']);
  });
});
