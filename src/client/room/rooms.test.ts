// The list of rooms against that of the server.
import { expect, it } from 'vitest';
import { MemberStatus } from '#proto/gen/record.ts';
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
