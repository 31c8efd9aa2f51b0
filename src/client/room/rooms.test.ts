// The list of rooms against that of the server.
import { expect, it, vi } from 'vitest';
import { MemberStatus } from '#proto/gen/record.ts';
import { signManifest } from '#proto/golden/cast.ts';
import { manifestHash } from '#proto/rules/bytes/hash.ts';
import { removalGraceMs } from '../devices/taken-off.ts';
import { nodePrimitives } from '../node/node-primitives.ts';
import { MemoryStore } from '../store/memory-store.ts';
import { DirectHub } from '../testing/direct-hub.ts';
import { invites } from '../testing/others.ts';

it('a room stays when the server lists it no more, and says so', async () => {
  const hub = new DirectHub();
  const store = new MemoryStore();
  const room = invites(hub, hub.person('@bob:localhost'));
  const { client } = await hub.session(store);
  hub.room(room).status = MemberStatus.MEMBER_STATUS_REMOVED;
  await client.held.standing(room, MemberStatus.MEMBER_STATUS_REMOVED);
  const { status, listed } = client.room(room);
  expect([status, listed]).toEqual([MemberStatus.MEMBER_STATUS_REMOVED, true]);
  // Another look, after 30 days.
  hub.rooms.delete(room);
  await client.held.sync();
  expect(client.room(room).listed).toBe(false);
  await client.close();
});

it('the server names the heads of rooms once more when the grace after the loss of a device there is over', async () => {
  const hub = new DirectHub();
  const bob = hub.person('@bob:localhost');
  const room = invites(hub, bob);
  const { client, asked } = await hub.session();
  await client.accept(room);
  const { replica } = client.held.need(room);
  await vi.waitFor(() => expect(replica.joined).toBe(true));
  const looks = () => asked.filter(({ $case, value }) => $case === 'listRooms' && value.room === room).length;
  const before = looks();
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  try {
    let last = client.people.get(bob.user)!.row.manifest!;
    for (const devices of [[1, 2], [1]]) {
      const previousHash = manifestHash(last.signed, nodePrimitives);
      const version = client.people.get(bob.user)!.manifest.body.version + 1;
      last = signManifest(bob, { version, devices, previousHash });
      await client.people.take(bob.user, last);
    }
    await vi.advanceTimersByTimeAsync(removalGraceMs);
    expect(looks()).toBe(before);
    await vi.advanceTimersByTimeAsync(removalGraceMs + 2_000);
    expect(looks()).toBe(before + 1);
  } finally {
    vi.useRealTimers();
    await client.close();
  }
});
